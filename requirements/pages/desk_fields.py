"""What stands on the author's desk: the fields of a requirement, and beside each what there is to say of it."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from django.http import QueryDict
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _
from django_stubs_ext import StrOrPromise

from evidence.errors import Fault
from evidence.pages.refusals import said_and_language
from requirements.lint import LintWarning, is_chinese
from requirements.selectors.desk import Opened
from requirements.selectors.wording import draft_of
from requirements.services.desk import Found
from requirements.yaml_import import FileProblem, Reading, read_form
from requirements.yaml_import.parser import LAYERS, RISK_TIERS
from requirements.yaml_import.single import WORDS
from requirements.yaml_import.writing import write_rest

LANGUAGES: Final = ("en", "zh-Hans")  # that always have a field
ADDED: Final = "languages"  # the field that says which languages the author added, with spaces between
REST: Final = "rest"  # the field of criteria and links
_STATEMENT: Final = "statement."
_PLAIN_WORDS: Final = tuple(name for name in WORDS if name != "statement")
MOST_LANGUAGES: Final = 20  # fields of the statement that a page offers
_MOST_NUMBERED: Final = 2_000  # lines of YAML that have a number beside them
_WHOLE: Final = re.compile(r"[0-9]{1,18}", re.ASCII)
_NAMES: Final[Mapping[str, StrOrPromise]] = {
    "en": gettext_lazy("English"),
    "zh-Hans": gettext_lazy("Chinese, simplified"),
    "zh-Hant": gettext_lazy("Chinese, traditional"),
}
_LABELS: Final[Mapping[str, tuple[StrOrPromise, StrOrPromise]]] = {
    "key": (gettext_lazy("Key"), gettext_lazy("Letters, digits, “-”, “.” and “_”. It stays as it is.")),
    "external_id": (gettext_lazy("External id"), gettext_lazy("What another tool calls it, any text. May be empty.")),
    "rationale": (gettext_lazy("Rationale"), gettext_lazy("Why it must hold. May be empty.")),
    "risk_tier": (gettext_lazy("Risk tier"), ""),
    "layer": (gettext_lazy("Layer"), gettext_lazy("Whose evidence satisfies it.")),
    "owner": (gettext_lazy("Owner"), gettext_lazy("A role or a person who answers for it.")),
    "review_every_days": (gettext_lazy("Days between reviews"), ""),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Written:
    """What an author wrote into the fields, whatever it is."""

    words: Mapping[str, str]  # by name, without the statement
    statement: Mapping[str, str]  # by language
    rest: str  # criteria and links, in YAML

    def reading(self) -> Reading:
        """Return what is read of it; an empty field says nothing."""
        words: dict[str, object] = {name: self.words[name] or None for name in _PLAIN_WORDS}
        days = self.words["review_every_days"].strip()
        words["review_every_days"] = int(days) if _WHOLE.fullmatch(days) else days or None
        words["key"], words["owner"] = self.words["key"].strip(), self.words["owner"]
        said = {name: text for name, text in self.statement.items() if text.strip()}
        words["statement"] = said or {LANGUAGES[0]: ""}
        return read_form(words, self.rest.encode("utf-8", "surrogatepass"))


def nothing_written() -> Written:
    """Return the fields of a requirement that is new."""
    words = dict.fromkeys(_PLAIN_WORDS, "") | {"review_every_days": "180"}
    return Written(words, dict.fromkeys(LANGUAGES, ""), "criteria: []\n")


def written_before(opened: Opened) -> Written:
    """Return the fields as the newest version of a requirement says them."""
    version = opened.version
    words = {name: str(getattr(version, name)) for name in _PLAIN_WORDS if name != "key"}
    return Written(
        {"key": version.requirement.key, **words},
        dict.fromkeys(LANGUAGES, "") | version.statement,
        write_rest(draft_of(version).criteria, opened.links),
    )


def names_in(posted: QueryDict, opened: Opened | None) -> list[str]:
    """Return what the fields are called: those of each requirement, and of each language that its statement may be in.

    Those are the two that always have a field, those that the requirement has, and those that the author added.
    """
    languages = [*LANGUAGES, *(opened.version.statement if opened else ()), *added_in(posted)]
    return [*_PLAIN_WORDS, REST, ADDED, *(f"{_STATEMENT}{name}" for name in languages)]


def added_in(posted: QueryDict) -> list[str]:
    """Return the languages that the author added on the page so far, as it sends them along."""
    return list(filter(None, posted.get(ADDED, "").split(" ")))[:MOST_LANGUAGES]


def further_languages(written: Written) -> str:
    """Return the languages beside the two that always have a field, as the page sends them along."""
    return " ".join(name for name in written.statement if name not in LANGUAGES)


def written_in(posted: QueryDict, opened: Opened | None) -> Written:
    """Return the fields as a form sends them, line ends as everywhere; a requirement that there is keeps its key."""
    key, known = (opened.version.requirement.key if opened else ""), set(names_in(posted, opened))
    told = {name: text.replace("\r\n", "\n") for name, text in posted.items() if isinstance(text, str)}
    languages = [
        name.removeprefix(_STATEMENT) for name in told if name.startswith(_STATEMENT) and name in known
    ]
    added = told.get("language", "").strip() if posted.get("act") == "language" else ""
    statement = {name: told.get(f"{_STATEMENT}{name}", "") for name in (*LANGUAGES, *languages)}
    if added and len(statement) < MOST_LANGUAGES:
        statement.setdefault(added, "")
    words = {name: told.get(name, "") for name in _PLAIN_WORDS}
    return Written(words | ({"key": key} if key else {}), statement, told.get(REST, ""))


@dataclass(frozen=True, slots=True)
class Said:
    """One thing that is said beside a field."""

    is_fault: bool
    text: str
    suggestion: str = ""
    words: str = ""  # of the field that it is about; empty: all of it
    language: str = ""  # in which it is told; empty: that of the page
    line: int | None = None  # of the field, from 1; None: it has no lines


@dataclass(frozen=True, slots=True)
class Option:
    """A choice."""

    value: str
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class Field:
    """A field with its label, and what is said beside it."""

    name: str
    label: StrOrPromise
    value: str
    help: StrOrPromise = ""
    kind: str = "line"  # line, number, text, choice, yaml
    options: Sequence[Option] = ()
    language: str = ""  # of the value; empty: of no language
    rows: int = 1
    is_fixed: bool = False
    said: Sequence[Said] = ()
    numbers: Sequence[tuple[int, str]] = field(default=(), repr=False)  # of lines, with `fault` or `doubt`

    @property
    def id(self) -> str:
        """Return the name of its elements on the page."""
        return "tb-" + self.name.replace(".", "-")

    @property
    def is_wrong(self) -> bool:
        """Whether something keeps it from being saved."""
        return any(each.is_fault for each in self.said)


Sayings = Mapping[str, Sequence[Said]]
"""What is said, by the name of the field that it stands beside."""


def sayings(reading: Reading, found: Found) -> Sayings:
    """Return what the reader and the linter say, by field."""
    said: dict[str, list[Said]] = defaultdict(list)
    for problem in found.faults:
        name = field_of(problem.path)
        said[name].append(_of_reader(problem, name, is_fault=True))
    for problem in found.warnings:
        name = field_of(problem.path)
        said[name].append(_of_reader(problem, name, is_fault=False))
    for doubt in _each_once(found.lint):
        name = doubt.where if doubt.where.startswith(_STATEMENT) else REST
        text = reading.statement.get(doubt.where.removeprefix(_STATEMENT), "")
        said[name].append(
            Said(
                is_fault=False,
                text=doubt.message,
                suggestion=doubt.suggestion,
                words=text[doubt.start : doubt.end] if doubt.start is not None and text else "",
                language=doubt.language,
                line=reading.find(doubt.where)[0] if name == REST else None,
            )
        )
    for language in found.not_covered:
        told = _("The linter has no rules for this language: nothing was looked at.")
        said[f"{_STATEMENT}{language}"].append(Said(is_fault=False, text=told))
    return {
        name: sorted(each, key=lambda one: (one.line or 0, not one.is_fault)) for name, each in said.items()
    }


def _each_once(doubts: Iterable[LintWarning]) -> Iterable[LintWarning]:
    """Return each doubt once: in the language of the page, and where it is not told in that, as it is told first."""
    reads_chinese = is_chinese(get_language() or "")
    chosen: dict[tuple[str, str], LintWarning] = {}
    for doubt in doubts:
        known = chosen.setdefault((doubt.code, doubt.where), doubt)
        if is_chinese(known.language) != reads_chinese == is_chinese(doubt.language):
            chosen[doubt.code, doubt.where] = doubt
    return chosen.values()


def sayings_of(faults: Iterable[Fault | FileProblem]) -> Sayings:
    """Return what a service refuses, by field."""
    said: dict[str, list[Said]] = defaultdict(list)
    for fault in faults:
        name = field_of(fault.path)
        line = fault.line if isinstance(fault, FileProblem) and name == REST else None
        said[name].append(_told(fault.message, is_fault=True, line=line))
    return said


def field_of(path: str) -> str:
    """Return the field that a path of a requirement is written in."""
    first = re.split(r"[.\[]", path, maxsplit=1)[0]
    if first == "statement":
        return path if path.startswith(_STATEMENT) else f"{_STATEMENT}{LANGUAGES[0]}"
    return first if first in _PLAIN_WORDS else REST


def _of_reader(problem: FileProblem, name: str, *, is_fault: bool) -> Said:
    about = f"{problem.path}: " if name == REST and problem.path else ""
    return _told(problem.message, is_fault=is_fault, about=about, line=problem.line if name == REST else None)


def _told(message: str, *, is_fault: bool, about: str = "", line: int | None = None) -> Said:
    text, language = said_and_language(message)
    whole = format_html("{}{}", about, text) if isinstance(text, SafeString) else f"{about}{text}"
    return Said(is_fault, whole, language=language, line=line)


def fields_of(written: Written, said: Sayings, *, is_new: bool) -> dict[str, list[Field]]:
    """Return the fields in the order of the page, by where they stand: `first`, `statement`, `after` and `rest`."""
    words = {name: _plain_field(name, written.words[name], said, is_new=is_new) for name in _PLAIN_WORDS}
    statement = [
        Field(
            name := f"{_STATEMENT}{language}",
            _NAMES.get(language, language),
            text,
            kind="text",
            language=language,
            rows=3,
            said=said.get(name, ()),
        )
        for language, text in written.statement.items()
    ]
    return {
        "first": [words["key"], words["external_id"]],
        "statement": statement,
        "after": [words[name] for name in ("rationale", "risk_tier", "layer", "owner", "review_every_days")],
        "rest": [_rest_field(written.rest, said.get(REST, ()))],
    }


def _plain_field(name: str, value: str, said: Sayings, *, is_new: bool) -> Field:
    label, told = _LABELS[name]
    shape: dict[str, Any] = {}
    choices = {"risk_tier": RISK_TIERS, "layer": LAYERS}.get(name)
    if choices is not None:
        offered = dict.fromkeys(
            [*map(str, choices), *filter(None, [value])]
        )  # what was sent stays, whatever it is
        shape = {"kind": "choice", "options": [Option(each, each == value) for each in offered]}
    elif name == "rationale":
        shape = {"kind": "text", "rows": 3}
    elif name == "review_every_days":
        shape = {"kind": "number"}
    return Field(
        name, label, value, help=told, said=said.get(name, ()), is_fixed=name == "key" and not is_new, **shape
    )


def _rest_field(text: str, said: Sequence[Said]) -> Field:
    count = min(text.count("\n") + 1, _MOST_NUMBERED)
    marks: dict[int, str] = {}
    for each in said:
        if each.line is not None and marks.get(each.line) != "fault":
            marks[each.line] = "fault" if each.is_fault else "doubt"
    return Field(
        REST,
        gettext_lazy("Criteria and links"),
        text,
        help=gettext_lazy(
            "YAML, as in a requirement file: criteria, then derives, refines, verifies, satisfies, mitigates."
        ),
        kind="yaml",
        rows=min(count + 1, 60),
        said=said,
        numbers=[(line, marks.get(line, "")) for line in range(1, count + 1)],
    )
