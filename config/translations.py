"""The words of the interface: which are marked in code and templates, and their catalogues, without GNU gettext.

`manage.py write_translations` brings the catalogues up to what is marked and compiles them; a person fills in what is
new. The words of checks, criteria and probes are digested with them, so they are data and not in here.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.template import Engine
from django.templatetags.i18n import BlockTranslateNode, TranslateNode

FOLDER: Final = Path(settings.LOCALE_PATHS[0])
TEMPLATES: Final = Path(settings.BASE_DIR) / "config" / "templates"
PACKAGES: Final = ("config", "evidence", "requirements", "interpret")

# What the arguments of each function that marks a text are.
_TEXT, _PLURAL, _CONTEXT = "text", "plural", "context"
_MARKERS: Final[Mapping[str, tuple[str, ...]]] = {
    **dict.fromkeys(("_", "gettext", "gettext_lazy", "gettext_noop", "worded"), (_TEXT,)),
    **dict.fromkeys(("ngettext", "ngettext_lazy"), (_TEXT, _PLURAL)),
    **dict.fromkeys(("pgettext", "pgettext_lazy"), (_CONTEXT, _TEXT)),
    **dict.fromkeys(("npgettext", "npgettext_lazy"), (_CONTEXT, _TEXT, _PLURAL)),
}
_HEADERS: Final = {
    "Project-Id-Version": "tracebinder",
    "MIME-Version": "1.0",
    "Content-Type": "text/plain; charset=utf-8",
    "Content-Transfer-Encoding": "8bit",
}


@dataclass(frozen=True, slots=True)
class Message:
    """A text to translate, as gettext knows it."""

    text: str
    plural: str = ""
    context: str = ""


def marked_messages() -> dict[Message, list[str]]:
    """Return each text marked for translation, with the files it stands in, in the order of files and lines."""
    root = Path(settings.BASE_DIR)
    found: dict[Message, list[str]] = {}
    for path in sorted(path for package in PACKAGES for path in (root / package).rglob("*.py")):
        _note(found, path.relative_to(root), messages_of_python(path.read_text()))
    for path in sorted(TEMPLATES.rglob("*.html")):
        _note(found, path.relative_to(root), messages_of_template(path.read_text()))
    return found


def messages_of_python(source: str) -> Iterator[Message]:
    """Yield what `_("…")` and its like mark in a module, in the order of lines.

    A call with a variable marks nothing: its text is marked elsewhere. The title of an error
    class is marked by being one.
    """
    tree = ast.parse(source)
    yield from _titles_of_errors(tree)
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    for node in sorted(calls, key=lambda call: (call.lineno, call.col_offset)):
        if not isinstance(node.func, ast.Name):
            continue
        roles = _MARKERS.get(node.func.id, ())
        given = [argument.value for argument in node.args if isinstance(argument, ast.Constant)]
        if roles and len(given) >= len(roles) and all(isinstance(each, str) for each in given[: len(roles)]):
            yield Message(**dict(zip(roles, map(str, given), strict=False)))


def _titles_of_errors(tree: ast.Module) -> Iterator[Message]:
    """Yield the `title` of each class that has a `code`: what kind of error it is."""
    for each in ast.walk(tree):
        if isinstance(each, ast.ClassDef):
            told = dict(_constants_of(each))
            if {"code", "title"} <= told.keys():
                yield Message(told["title"])


def _constants_of(owner: ast.ClassDef) -> Iterator[tuple[str, str]]:
    for line in owner.body:
        match line:
            case ast.Assign([ast.Name(name)], ast.Constant(str(text))):
                yield name, text
            case ast.AnnAssign(ast.Name(name), _, ast.Constant(str(text))):
                yield name, text


def messages_of_template(source: str) -> Iterator[Message]:
    """Yield what `translate` and `blocktranslate` mark in a template."""
    nodes = Engine.get_default().from_string(source).nodelist
    for node in nodes.get_nodes_by_type(TranslateNode):
        literal = getattr(node.filter_expression.var, "literal", None)  # type: ignore[attr-defined]
        if isinstance(literal, str):
            # Django doubles the signs before it looks a text up, and halves them after.
            yield Message(literal.replace("%", "%%"), context=_context_of(node))
    for node in nodes.get_nodes_by_type(BlockTranslateNode):
        singular, plural = (
            node.render_token_list(tokens)[0] if tokens else ""  # type: ignore[attr-defined]
            for tokens in (node.singular, node.plural)  # type: ignore[attr-defined]
        )
        yield Message(singular, plural, _context_of(node))


def languages() -> list[str]:
    """Return the languages that need a catalogue, as folders name them: all but the one the code is written in."""
    codes = (code for code, _ in settings.LANGUAGES if code != settings.LANGUAGE_CODE)
    return [
        f"{language}_{script.capitalize()}" for language, _, script in (code.partition("-") for code in codes)
    ]


def catalogue_path(language: str) -> Path:
    """Return where the texts of a language are."""
    return FOLDER / language / "LC_MESSAGES" / "django.po"


def update_catalogue(language: str, messages: Mapping[Message, Iterable[str]]) -> Any:
    """Return a language's catalogue with what is marked now: what it has is kept, what nobody marks goes."""
    import polib  # noqa: PLC0415  # a tool of developers; the web image has none

    path = catalogue_path(language)
    known = {_key(entry): entry for entry in polib.pofile(str(path))} if path.exists() else {}
    catalogue = polib.POFile(wrapwidth=110)
    catalogue.metadata = {**_HEADERS, "Language": language, "Plural-Forms": "nplurals=1; plural=0;"}
    for message, places in messages.items():
        entry = polib.POEntry(
            msgid=message.text, msgid_plural=message.plural, msgctxt=message.context or None,
            occurrences=[(place, "") for place in places], flags=["python-format"] if "%(" in message.text else [],
        )  # fmt: skip
        old = known.get(message)
        entry.msgstr = old.msgstr if old else ""
        if message.plural:
            entry.msgstr_plural = old.msgstr_plural if old else {0: ""}
        catalogue.append(entry)
    return catalogue


def untranslated(catalogue: Any) -> list[Message]:
    """Return the texts of a catalogue that have no translation yet."""
    return [_key(entry) for entry in catalogue if not entry.translated()]


def _key(entry: Any) -> Message:
    return Message(entry.msgid, entry.msgid_plural, entry.msgctxt or "")


def _note(found: dict[Message, list[str]], path: Path, messages: Iterable[Message]) -> None:
    for message in messages:
        places = found.setdefault(message, [])
        if path.as_posix() not in places:
            places.append(path.as_posix())


def _context_of(node: Any) -> str:
    return str(node.message_context.resolve({})) if node.message_context else ""
