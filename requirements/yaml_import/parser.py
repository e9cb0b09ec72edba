"""The requirement file `tracebinder.requirements/1`, described in docs/guides/author.md."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final, cast
from unicodedata import normalize

from evidence.limits import excess
from evidence.nearest import nearest_name
from evidence.vocabulary import Layer, RiskTier
from evidence.worded import sentence_of, worded
from requirements.bounds import MOST_DAYS, MOST_RATIONALE, MOST_STATEMENT, MOST_TEXT
from requirements.drafts import RequirementDraft
from requirements.errors import RequirementFileInvalid
from requirements.yaml_import.contracts import FileProblem, LinkDraft, RequirementFile
from requirements.yaml_import.criteria import read_criterion
from requirements.yaml_import.faults import PLAIN_KEY, Faults, brief, not_a_text, shown
from requirements.yaml_import.languages import BCP_47, language_meant
from requirements.yaml_import.links import REQUIREMENT_LINKS, read_links_of, report_cycle
from requirements.yaml_import.reader import Path, Places, read_yaml
from requirements.yaml_import.troubles import Unreadable

FORMAT_V1 = "tracebinder.requirements/1"
RISK_TIERS = tuple(RiskTier)
LAYERS = tuple(layer for layer in Layer if layer is not Layer.MECHANISTIC)

FILE_FIELDS: Final = ("format", "baseline", "requirements")
REQUIREMENT_FIELDS: Final = (
    "key",
    "external_id",
    "statement",
    "rationale",
    "risk_tier",
    "layer",
    "owner",
    "review_every_days",
    "criteria",
)
MAY_BE_LEFT_OUT: Final = frozenset({"rationale", "external_id"})
_REQUIRED: Final = tuple(name for name in REQUIREMENT_FIELDS if name not in MAY_BE_LEFT_OUT)
_KNOWN: Final = (*REQUIREMENT_FIELDS, *REQUIREMENT_LINKS)
_MOST_TOLD: Final = 1_000  # faults of one file: who has more begins at the top
_WORDINGS: Final = worded("a text, or a mapping of language to text")
_SPACES: Final = re.compile(r"\s+")


def parse_requirement_file(source: bytes, file_name: str) -> RequirementFile:
    """Read a requirement file.

    Raises:
        RequirementFileInvalid: lists every fault, at most a thousand, with file, line, column and, for a misspelt name
            or number, the nearest that is taken.
    """
    places = Places()
    reading = _Reading(Faults(file_name, places))
    try:
        document = read_yaml(source, on_entry=reading.take, places=places)
    except Unreadable as exc:
        problem = FileProblem(file_name, exc.line, exc.column, "", exc.code, sentence_of(exc))
        raise RequirementFileInvalid([problem]) from exc
    faults = reading.faults
    faults.problems += [
        FileProblem(file_name, each.line, each.column, shown(each.path), each.code, each.message)
        for each in document.faults
    ]
    baseline = _read_file(document.value, faults)
    report_cycle(reading.links, faults)
    if faults.problems:
        raise RequirementFileInvalid(faults.in_order()[:_MOST_TOLD])
    return RequirementFile(
        file=file_name,
        baseline=baseline,
        requirements=tuple(reading.drafts),
        lines=reading.lines,
        links=tuple(reading.links),
        warnings=tuple(faults.warnings),
    )


class _Reading:
    """The requirements of a file, as they come."""

    def __init__(self, faults: Faults) -> None:
        self.faults = faults
        self.drafts: list[RequirementDraft] = []
        self.links: list[LinkDraft] = []
        self.lines: dict[str, int] = {}
        self._keys: dict[str, tuple[str, int]] = {}  # in small letters -> as written, and the line
        self._external: dict[str, int] = {}  # id of another tool -> the line

    def take(self, item: object, index: int) -> None:
        """Read one of them, or report what is wrong with it."""
        path: Path = ("requirements", index)
        if excess(index + 1, "MAX_REQUIREMENTS"):
            return  # told once, for the list
        draft = read_requirement(item, path, self.faults)
        self.links += read_links_of(item, index, self.faults)
        key = item.get("key") if isinstance(item, Mapping) else None
        if isinstance(key, str):
            line = self.faults.places.find((*path, "key"))[0]
            other, first = self._keys.setdefault(key.lower(), (key, line))
            if first != line or other != key:
                self.faults.same_key(key, other, first, (*path, "key"), worded("requirement"))
        if draft is None:
            return
        self._check_external_id(draft, path)
        self.lines[draft.key] = self.faults.places.find(path)[0]
        self.drafts.append(draft)

    def _check_external_id(self, draft: RequirementDraft, path: Path) -> None:
        if draft.external_id:
            line = self.faults.places.find((*path, "external_id"))[0]
            first = self._external.setdefault(draft.external_id, line)
            if first != line:
                told = worded(
                    "another requirement on line %(line)s has the external_id %(external_id)s",
                    line=first,
                    external_id=repr(draft.external_id),
                )
                self.faults.add((*path, "external_id"), "duplicate_external_id", told)


def _read_file(document: object, faults: Faults) -> str | None:
    if not isinstance(document, Mapping):
        faults.add(
            (),
            "not_a_mapping",
            worded('the file must be a mapping that begins with "format: %(format)s"', format=FORMAT_V1),
        )
        return None
    faults.check_fields(document, (), known=FILE_FIELDS, required=("format", "requirements"))
    if document.get("format", FORMAT_V1) != FORMAT_V1:
        faults.add(
            ("format",),
            "unknown_format",
            worded("not %(given)s but %(format)s", given=brief(document["format"]), format=repr(FORMAT_V1)),
        )
    baseline = document.get("baseline")
    if baseline is not None and not (isinstance(baseline, str) and PLAIN_KEY.fullmatch(baseline)):
        told = worded("a baseline's name is letters, digits, '-' and '_'")
        faults.add(("baseline",), "bad_key", told if isinstance(baseline, str) else not_a_text(baseline))
    listed = document.get("requirements")
    if isinstance(listed, Mapping) and listed:
        first = str(next(iter(listed)))
        told = worded('must be a list: each requirement begins with its key, "- key: %(first)s"', first=first)
        faults.add(("requirements", first), "not_a_list", told)
    elif "requirements" in document and not (isinstance(listed, list) and listed):
        told = worded('must be a list of at least one requirement, each begun by its key, "- key: …"')
        faults.add(("requirements",), "not_a_list", told)
    elif isinstance(listed, list) and (too_many := excess(len(listed), "MAX_REQUIREMENTS")):
        faults.add(("requirements",), "too_many", too_many)
    return cast("str | None", baseline)


def read_requirement(item: object, path: Path, faults: Faults) -> RequirementDraft | None:
    """Read one requirement, or report what is wrong with it and return None."""
    before = len(faults.problems)
    if not isinstance(item, Mapping):
        faults.add(
            path, "not_a_mapping", worded("a requirement must be a mapping with a key and a statement")
        )
        return None
    faults.check_fields(item, path, known=_KNOWN, required=_REQUIRED)
    key = faults.key(item, path)
    external_id = _read_external_id(item, path, faults)
    statement = _read_statement(item, path, faults)
    _check_choice(item, "risk_tier", RISK_TIERS, path, faults)
    if item.get("layer") == Layer.MECHANISTIC:
        faults.add(
            (*path, "layer"),
            "mechanistic_layer",
            worded(
                "a mechanistic finding can support or counter a requirement, never satisfy one: name "
                "the layer whose evidence satisfies it (%(layers)s)",
                layers=", ".join(LAYERS),
            ),
        )
    else:
        _check_choice(item, "layer", LAYERS, path, faults)
    owner = faults.text(item, "owner", path)
    cadence = faults.whole_number(item, "review_every_days", path, least=1, most=MOST_DAYS)
    listed = _listed_criteria(item, path, faults)
    criteria = [read_criterion(each, (*path, "criteria", i), faults) for i, each in enumerate(listed)]
    faults.check_unique(listed, (*path, "criteria"), worded("criterion"))
    for index, criterion in enumerate(criteria):
        if criterion is not None and len(key) + 1 + len(criterion.key) > MOST_TEXT:
            told = worded(
                "the keys of requirement and criterion have more than %(most)s characters together",
                most=MOST_TEXT - 1,
            )
            faults.add((*path, "criteria", index, "key"), "bad_key", told)
    rationale = _read_rationale(item, path, faults)
    if len(faults.problems) > before:
        return None
    return RequirementDraft(
        key=key,
        statement=statement,
        rationale=rationale,
        risk_tier=RiskTier(item["risk_tier"]),
        layer=Layer(item["layer"]),
        owner=owner,
        review_every_days=cadence,
        criteria=tuple(criterion for criterion in criteria if criterion is not None),
        external_id=external_id,
    )


def _listed_criteria(item: Mapping[str, object], path: Path, faults: Faults) -> Sequence[object]:
    listed = item.get("criteria")
    here = (*path, "criteria")
    if not isinstance(listed, list):
        if "criteria" in item:
            faults.add(here, "not_a_list", worded("must be a list of criteria; [] where there are none yet"))
        return []
    if too_many := excess(len(listed), "MAX_CRITERIA"):
        faults.add(here, "too_many", too_many)
        return []
    return listed


def _read_external_id(item: Mapping[str, object], path: Path, faults: Faults) -> str:
    """Read the key that another tool gave it: any text, dots, slashes, blanks and Chinese included.

    What is the same text to Unicode is the same key: composed (NFC), so that no two look alike and differ.
    """
    if item.get("external_id") is None:
        return ""
    return normalize("NFC", faults.text(item, "external_id", path, most=MOST_TEXT))


def _read_rationale(item: Mapping[str, object], path: Path, faults: Faults) -> str:
    value = item.get("rationale")
    here = (*path, "rationale")
    if value is None:
        return ""
    if not isinstance(value, str):
        faults.add(here, "not_a_text", not_a_text(value))
        return ""
    faults.check_length(value, here, MOST_RATIONALE)
    faults.check_comment(here)
    return value.strip()


def _read_statement(item: Mapping[str, object], path: Path, faults: Faults) -> dict[str, str]:
    value = item.get("statement")
    here = (*path, "statement")
    if "statement" not in item:
        return {}
    if not isinstance(value, Mapping):
        return _read_wording(value, "en", here, faults)
    if not value:
        faults.add(here, "no_statement", worded("must be %(wanted)s", wanted=_WORDINGS))
    found: dict[str, str] = {}
    for language, text in value.items():
        place = (*here, language)
        if not BCP_47.fullmatch(language):
            meant = language_meant(language)
            told = worded("%(given)s is no BCP 47 language, e.g. en, zh-Hans", given=brief(language))
            faults.add(
                place,
                "bad_language",
                worded("%(told)s; write %(nearest)s", told=told, nearest=meant) if meant else told,
                meant,
            )
        elif any(language.lower() == other.lower() for other in found):
            faults.add(
                place,
                "duplicate_key",
                worded("the language %(language)s is given twice", language=repr(language)),
            )
        found |= _read_wording(text, language, place, faults)
    return found


def _read_wording(value: object, language: str, path: Path, faults: Faults) -> dict[str, str]:
    """Read a statement in one language; blanks and line ends between words are one blank each."""
    if not isinstance(value, str):
        told = (
            not_a_text(value)
            if isinstance(value, bool | int | float)
            else (
                worded("is empty: it must be %(wanted)s", wanted=_WORDINGS)
                if value is None
                else worded("must be %(wanted)s", wanted=_WORDINGS)
            )
        )
        faults.add(path, "no_statement", told)
        return {}
    text = _SPACES.sub(" ", value.strip())
    if not text:
        faults.add(path, "no_statement", worded("is empty: it must be %(wanted)s", wanted=_WORDINGS))
    faults.check_length(text, path, MOST_STATEMENT)
    faults.check_comment(path)
    return {language: text}


def _check_choice(
    item: Mapping[str, object], name: str, options: tuple[str, ...], path: Path, faults: Faults
) -> None:
    if name in item and item[name] not in options:
        nearest = nearest_name(str(item[name]).lower(), options)
        told = worded(
            "%(given)s is not one of %(options)s", given=brief(item[name]), options=", ".join(options)
        )
        faults.add((*path, name), "bad_choice", told, nearest)
