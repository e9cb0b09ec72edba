"""One requirement by itself: as an entry of a file has it, or as a form does, whose words are apart from the rest.

The same reader as that of files reads it, so that whatever the door, the same is refused in the same words.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from evidence.worded import Worded, sentence_of, worded
from requirements.drafts import RequirementDraft
from requirements.errors import RequirementFileInvalid
from requirements.signs import fault_in
from requirements.yaml_import.contracts import FileProblem, LinkDraft
from requirements.yaml_import.faults import Faults, shown
from requirements.yaml_import.links import REQUIREMENT_LINKS, read_links_of, report_cycle
from requirements.yaml_import.parser import REQUIREMENT_FIELDS, read_requirement
from requirements.yaml_import.reader import ENTRIES, Document, Path, Places, read_yaml
from requirements.yaml_import.troubles import Unreadable

_ENTRY: Final[Path] = (ENTRIES, 0)
_SHOWN: Final = f"{ENTRIES}[0]"
REST: Final = ("criteria", *REQUIREMENT_LINKS)  # what a form leaves in YAML
WORDS: Final = tuple(name for name in REQUIREMENT_FIELDS if name not in REST)


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read of a requirement: a draft, or what keeps it from being one."""

    draft: RequirementDraft | None  # None: it has faults
    faults: tuple[FileProblem, ...]
    warnings: tuple[FileProblem, ...]  # what is no fault and may not be meant
    links: tuple[LinkDraft, ...]
    statement: Mapping[str, str]  # the wordings that can be read, whatever else is wrong
    places: Places = field(repr=False)

    def sound(self) -> RequirementDraft:
        """Return the draft.

        Raises:
            RequirementFileInvalid: it has faults; lists each with its place.
        """
        if self.draft is None:
            raise RequirementFileInvalid(list(self.faults))
        return self.draft

    def find(self, where: str) -> tuple[int, int]:
        """Return line and column, from 1, of what the linter names: `statement.en`, `criteria.claims-cited`."""
        first, *inner = where.split(".")
        path: Path = (first, *inner)
        if first == "criteria" and inner and self.draft is not None:
            keys = [criterion.key for criterion in self.draft.criteria]
            path = (first, keys.index(inner[0]), *inner[1:2]) if inner[0] in keys else (first,)
        return self.places.find((*_ENTRY, *path))


def read_text(source: bytes, name: str = "") -> Reading:
    """Read a requirement as an entry of a file has it, without its dash.

    Args:
        name: under which faults are told.
    """
    document, unreadable = _read_yaml(source, name)
    item = document.value if document else {}
    return _read(item, document, name, unreadable)


def read_form(words: Mapping[str, object], rest: bytes, name: str = "") -> Reading:
    """Read a requirement of which the words stand in fields, and criteria and links in YAML.

    Args:
        words: values by the names that a file has for them; places are those of `rest` alone.
    """
    document, unreadable = _read_yaml(rest, name)
    value = document.value if document else {}
    item: dict[str, object] = {"criteria": [], **words}
    problems = list(unreadable)
    if isinstance(value, Mapping):
        twice = [each for each in value if each in WORDS]
        problems += [
            _fault(
                document,
                each,
                "duplicate_key",
                worded("%(name)s has a field of its own: write it there", name=repr(each)),
                name,
            )
            for each in twice
        ]
        item |= {each: told for each, told in value.items() if each not in WORDS}
    elif value is not None:
        told = worded("begin a line with one of %(fields)s, each with a colon", fields=", ".join(REST))
        problems.append(FileProblem(name, 1, 1, "criteria", "not_a_mapping", told))
    for each, text in _texts(words):
        if fault := fault_in(text):
            problems.append(
                FileProblem(name, 1, 1, each, "bad_character", worded("%(fault)s; take it out", fault=fault))
            )
    return _read(item, document, name, problems)


def _read_yaml(source: bytes, name: str) -> tuple[Document | None, list[FileProblem]]:
    try:
        return read_yaml(source), []
    except Unreadable as exc:
        return None, [FileProblem(name, exc.line, exc.column, "", exc.code, sentence_of(exc))]


def _read(item: object, document: Document | None, name: str, before: list[FileProblem]) -> Reading:
    places = Places(document.places.text) if document else Places()
    if document:
        places.of = {(*_ENTRY, *path): span for path, span in document.places.of.items()}
    faults = Faults(name, places)
    draft = None if before and not item else read_requirement(item, _ENTRY, faults)
    links = list(read_links_of(item, 0, faults))
    report_cycle(links, faults)
    of_reader = [
        FileProblem(name, each.line, each.column, shown(each.path), each.code, each.message)
        for each in (document.faults if document else ())
    ]
    told = [*before, *of_reader, *map(_alone, faults.in_order())]
    return Reading(
        draft=None if told else draft,
        faults=tuple(told),
        warnings=tuple(map(_alone, faults.warnings)),
        links=tuple(replace(link, path=_without_entry(link.path)) for link in links),
        statement=_wordings(item),
        places=places,
    )


def _alone(problem: FileProblem) -> FileProblem:
    """Return a problem by its path within the requirement."""
    return replace(problem, path=_without_entry(problem.path))


def _without_entry(path: str) -> str:
    return path.removeprefix(_SHOWN).removeprefix(".")


def _fault(document: Document | None, field_name: str, code: str, told: Worded, name: str) -> FileProblem:
    line, column = document.places.find((field_name,)) if document else (1, 1)
    return FileProblem(name, line, column, field_name, code, told)


def _texts(words: Mapping[str, object]) -> list[tuple[str, str]]:
    """Return the texts of the words with their places, and the languages of the statement among them."""
    statement = words.get("statement")
    wordings = statement.items() if isinstance(statement, Mapping) else ()
    found = [(name, value) for name, value in words.items() if isinstance(value, str)]
    return [*found, *((f"statement.{language}", text) for language, text in wordings)]


def _wordings(item: object) -> dict[str, str]:
    statement = item.get("statement") if isinstance(item, Mapping) else None
    if isinstance(statement, str):
        return {"en": statement}
    if not isinstance(statement, Mapping):
        return {}
    return {str(language): text for language, text in statement.items() if isinstance(text, str)}
