"""What a page tells its reader to type or to open, and what is wrong with it: each tool's own parser is asked.

In blocks, in lines that are set in, and in code spans:

* `tracebinder …` and `manage.py …` are parsed as they would be; a span may leave out what is required, a block may not;
* `make …` is a target, and `NAME=…` a variable that the Makefile reads; `python -m …` is a module that knows the
  options;
* `curl …`, and `POST /api/…` with what follows it, is an operation of the API with its parameters and its body;
* `celery … -Q …` names queues that there are, and `granian …` an application.

`…` stands for what the reader fills in, and so does `<name>`.
"""

from __future__ import annotations

import json
import re
import shlex
from argparse import ArgumentParser
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID

from django.conf import settings
from django.core.management import BaseCommand, CommandError, get_commands, load_command_class
from django.urls import Resolver404, ResolverMatch, resolve

from tests.config.test_api_examples import Operation, faults, operations
from tests.docs.references import REPOSITORY, names_of
from tracebinder.cli.main import build_parser

_FENCE: Final = re.compile(r"^ *```(\w*)\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
_SET_IN: Final = re.compile(r"(?<=\n\n)(?: {4}\S.*\n(?: {4,}.*\n)*)+")
_SPAN: Final = re.compile(r"`([^`\n]+)`")
_HEREDOC: Final = re.compile(r"<<'?EOF'?(.*?\n).*?\nEOF", re.DOTALL)
_BETWEEN: Final = "();<>|&\n"
_TOOLS: Final = frozenset({"tracebinder", "make", "curl", "celery", "granian", "python", "manage.py"})
_ASKED: Final = re.compile(r"\b(GET|POST) (/[^\s`|]+)")
_ADDRESS: Final = re.compile(r"/(?:api/v1|log|v1|admin)/[^\s`|]*|/(?:readyz|healthz|metrics|api/docs)")
_FILLED: Final = ("1", str(UUID(int=1)))  # what a placeholder in a path may be
_LEFT_OPEN: Final = "…"


@dataclass(frozen=True)
class Command:
    """A call of one of our tools."""

    words: tuple[str, ...]
    whole: bool  # of a block, as it is to be typed; a code span may name a part of it

    def __str__(self) -> str:
        return " ".join(self.words)


@dataclass(frozen=True)
class Address:
    """A path, with the method it is asked by where the page says so, and the body it is sent."""

    path: str
    method: str = ""
    body: Any = None


def commands_of(page: Path) -> list[Command]:
    """Return each call of our tools on a page, once."""
    text = page.read_text(encoding="utf-8")
    outside = _FENCE.sub("", text)
    blocks = [block for kind, block in _FENCE.findall(text) if kind in {"", "sh", "bash"}]
    found = [
        *(Command(words, whole=True) for block in [*blocks, *_SET_IN.findall(outside)] for words in calls(block)),
        *(Command(words, whole=False) for span in _SPAN.findall(outside) for words in calls(span, is_span=True)),
    ]  # fmt: skip
    return list(dict.fromkeys(found))


def addresses_of(page: Path) -> list[Address]:
    """Return each path of the server on a page: with a method, in a block with its body, or alone."""
    text = page.read_text(encoding="utf-8")
    outside = _FENCE.sub("", text)
    places = [block for kind, block in _FENCE.findall(text) if not kind] + _SPAN.findall(outside)
    found = [
        Address(asked[2], asked[1], _body_after(place[asked.end() :]))
        for place in places
        for asked in _ASKED.finditer(place)
    ]
    alone = [span for span in _SPAN.findall(outside) if _ADDRESS.fullmatch(span)]
    found += [Address(span) for span in alone]
    return [each for number, each in enumerate(found) if each not in found[:number]]


def fault_of(command: Command) -> str:
    """Return what is wrong with a command; nothing where its tool would take it."""
    tool, *words = command.words
    match tool:
        case "tracebinder":
            found = _parse(build_parser(), words, whole=command.whole)
        case "manage.py":
            found = _managed(words, whole=command.whole)
        case "make":
            found = _made(words)
        case "python":
            found = _run_as_module(words)
        case "curl":
            address = _curled(words)
            found = fault_at(address) if address else ""
        case "celery":
            found = _consumed(words)
        case _:
            found = _served(words[-1])
    return found


def fault_at(address: Address) -> str:
    """Return what is wrong with a path, its method, its parameters or its body."""
    parts = urlsplit(address.path)
    match = match_of(parts.path)
    if match is None:
        return f"{parts.path}: no such address"
    if not parts.path.startswith(("/api/v1/", "/log/", "/v1/")):
        return ""
    found = [each for each in operations().values() if each.name == match.url_name]
    asked = [each for each in found if each.method == (address.method or each.method).lower()]
    if not asked:
        return f"{parts.path}: takes no {address.method}"
    known = {parameter["name"] for each in asked for parameter in each.said.get("parameters", [])}
    unknown = {name for name, _ in parse_qsl(parts.query, keep_blank_values=True)} - known
    if unknown:
        return f"{parts.path}: no parameter {unknown}"
    return _fault_of_body(asked[0], address.body) if address.body is not None else ""


def match_of(path: str) -> ResolverMatch | None:
    """Return what answers a path, whatever its placeholders stand for."""
    for value in _FILLED:
        filled = re.sub(r"<[\w-]+>|{\w+}|\$\w+|…", value, path)
        try:
            return resolve(filled)
        except Resolver404:
            continue
    return None


def _fault_of_body(operation: Operation, body: Any) -> str:
    content = operation.takes.get("application/json")
    if content is None:
        return f"{operation.template} takes no JSON"
    wrong = faults(content, body)
    return f"{operation.template}: {wrong[0]}" if wrong else ""


def _body_after(text: str) -> Any:
    """Return the JSON that stands next, be it on the next line; None where none does."""
    text = re.sub(r", ?…", "", text.lstrip())
    if not text.startswith("{"):
        return None
    found, _ = json.JSONDecoder().raw_decode(text)
    return found


def calls(text: str, *, is_span: bool = False) -> Iterator[tuple[str, ...]]:
    """Yield the calls of our tools in a piece of shell.

    Raises:
        AssertionError: it cannot be split into words, so that its commands would not be tried. A span may be no shell,
            unless a tool begins it; a block that is none is fenced as what it is, as ```text is.
    """
    begins = text.split(maxsplit=1)[:1]
    text = _HEREDOC.sub(r"\1", text.replace("\\\n", " "))
    text = re.sub(r"<([\w -]+)>", lambda found: found[1].replace(" ", "-"), text)
    lexer = shlex.shlex(text, posix=True, punctuation_chars=_BETWEEN)
    lexer.whitespace, lexer.whitespace_split, lexer.commenters = " \t\r", True, ""
    words = list[str]()
    try:
        for word in [*lexer, "\n"]:
            if not set(word) <= set(_BETWEEN):
                words.append(word)
                continue
            yield from _call(words)
            words = []
    except ValueError as exc:
        if not is_span or _TOOLS.issuperset(begins):
            raise AssertionError(f"{exc}, so none of its commands is tried: {text!r}") from exc


def _call(words: Sequence[str]) -> Iterator[tuple[str, ...]]:
    said = list(words)
    comment = next((at for at, word in enumerate(said) if word.startswith("#")), len(said))
    said = [word for word in said[:comment] if word != _LEFT_OPEN]
    begin = next((at for at, word in enumerate(said) if word in _TOOLS), None)
    if begin is None or (begin and "=" not in said[0] and said[0] not in {"docker", "if", "until", "!"}):
        return
    said = said[begin:]
    if said[:2] == ["python", "manage.py"]:
        said = said[1:]
    if said[0] != "python" or said[1:2] == ["-m"]:
        yield tuple(said)


def _parse(parser: ArgumentParser, words: Sequence[str], *, whole: bool) -> str:
    if not whole:
        return _parts(parser, words)
    said = list[str]()
    _tell_errors(parser, said)
    try:
        parser.parse_args(list(words))
    except CommandError as exc:
        return str(exc)
    except SystemExit:
        return said[0] if said else ""
    return ""


def _tell_errors(parser: ArgumentParser, said: list[str]) -> None:
    """Have a parser and those below it say what they refuse to us, and not to the terminal."""

    def refuse(message: str) -> None:
        said.append(message)
        raise SystemExit(2)

    parser.error = refuse  # type: ignore[assignment,method-assign]
    for below in _below(parser).values():
        _tell_errors(below, said)


def _below(parser: ArgumentParser) -> dict[str, ArgumentParser]:
    found: dict[str, ArgumentParser] = {}
    for action in parser._actions:
        choices = action.choices
        if isinstance(choices, dict):
            found |= {name: each for name, each in choices.items() if isinstance(each, ArgumentParser)}
    return found


def _parts(parser: ArgumentParser, words: Sequence[str]) -> str:
    """Return what is unknown of a command that is named in part: a subcommand, or an option."""
    below = _below(parser)
    if below and words and not words[0].startswith("-"):
        if words[0] not in below:
            return f"no command {words[0]}"
        return _parts(below[words[0]], words[1:])
    known = {option for action in parser._actions for option in action.option_strings}
    unknown = {word.partition("=")[0] for word in words if word.startswith("--")} - known
    return f"no option {unknown}" if unknown else ""


def _managed(words: Sequence[str], *, whole: bool) -> str:
    name = words[0] if words else ""
    if name not in get_commands():
        return f"no command {name}"
    app = get_commands()[name]
    command = app if isinstance(app, BaseCommand) else load_command_class(app, name)
    return _parse(command.create_parser("manage.py", name), words[1:], whole=whole)


def _made(words: Sequence[str]) -> str:
    text = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    for word in words:
        name, has_value, _ = word.partition("=")
        if has_value and f"$({name})" not in text:
            return f"the Makefile reads no {name}"
        if not has_value and not re.search(rf"^{re.escape(word)}:", text, re.MULTILINE):
            return f"no target {word}"
    return ""


def _run_as_module(words: Sequence[str]) -> str:
    found = find_spec(words[1])
    if found is None or found.origin is None:
        return f"no module {words[1]}"
    origin = Path(found.origin)
    place = origin.parent if origin.name == "__init__.py" else origin
    files = [place] if place.is_file() else sorted(place.glob("*.py"))
    source = "".join(path.read_text(encoding="utf-8") for path in files)
    unknown = {word for word in words[2:] if word.startswith("--") and f'"{word}"' not in source}
    return f"no option {unknown}" if unknown else ""


def _consumed(words: Sequence[str]) -> str:
    named = {words[at + 1] for at, word in enumerate(words) if word == "-Q"}
    known = {
        settings.CELERY_TASK_DEFAULT_QUEUE,
        *(route["queue"] for route in settings.CELERY_TASK_ROUTES.values()),
    }
    return f"no queue {named - known}" if named - known else ""


def _served(application: str) -> str:
    module, _, name = application.partition(":")
    place = REPOSITORY / f"{module.replace('.', '/')}.py"
    return "" if place.exists() and name in names_of(place) else f"no {application}"


def _curled(words: Sequence[str]) -> Address | None:
    """Return what a call of curl asks; None where no address of the server stands in it."""
    path = next((found[0] for word in words if (found := _ADDRESS.search(word))), None)
    if path is None:
        return None
    said = {word: words[at + 1] for at, word in enumerate(words[:-1]) if word in {"-X", "-d"}}
    sends = any(word in {"-d", "--data-binary"} for word in words)
    body = json.loads(said["-d"]) if "-d" in said and not said["-d"].startswith("@") else None
    is_told = sends or "-X" in said or any(word == "-H" for word in words)
    return Address(path, said.get("-X", "POST" if sends else "GET") if is_told else "", body)
