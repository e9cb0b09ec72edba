"""The requirement file `tracebinder.requirements/1`, described in docs/guides/author.md."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import cast

from evidence.limits import excess
from evidence.nearest import nearest_name
from evidence.vocabulary import Layer, RiskTier
from requirements.drafts import RequirementDraft
from requirements.errors import RequirementFileInvalid
from requirements.yaml_import.contracts import FileProblem, RequirementFile
from requirements.yaml_import.criteria import read_criterion
from requirements.yaml_import.faults import KEY, Faults
from requirements.yaml_import.links import REQUIREMENT_LINKS, read_links
from requirements.yaml_import.reader import Path, Places, Unreadable, read_yaml

FORMAT_V1 = "tracebinder.requirements/1"
RISK_TIERS = tuple(RiskTier)
LAYERS = tuple(layer for layer in Layer if layer is not Layer.MECHANISTIC)

_FILE_FIELDS = ("format", "baseline", "requirements")
_REQUIREMENT_FIELDS = (
    "key",
    "statement",
    "rationale",
    "risk_tier",
    "layer",
    "owner",
    "review_every_days",
    "criteria",
)
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")


def parse_requirement_file(source: bytes, file_name: str) -> RequirementFile:
    """Read a requirement file.

    Raises:
        RequirementFileInvalid: lists every fault with file, line, column and, for a misspelt name, the
            nearest known one.
    """
    try:
        document, places, repeated = read_yaml(source)
    except Unreadable as exc:
        problem = FileProblem(file_name, exc.line, exc.column, "", "not_yaml", str(exc))
        raise RequirementFileInvalid([problem]) from exc
    faults = Faults(file_name, places)
    for path, code, message in repeated:
        faults.add(path, code, message)
    baseline, drafts = _read_file(document, faults)
    links = read_links(_listed(document), faults)
    if faults.problems:
        raise RequirementFileInvalid(faults.in_order())
    lines = _lines(drafts, document, places)
    return RequirementFile(
        file=file_name, baseline=baseline, requirements=tuple(drafts), lines=lines, links=tuple(links)
    )


def _listed(document: object) -> Sequence[object]:
    listed = document.get("requirements") if isinstance(document, Mapping) else None
    return listed if isinstance(listed, list) else ()


def _read_file(document: object, faults: Faults) -> tuple[str | None, list[RequirementDraft]]:
    if not isinstance(document, Mapping):
        faults.add((), "not_a_mapping", f'the file must be a mapping that begins with "format: {FORMAT_V1}"')
        return None, []
    faults.check_fields(document, (), known=_FILE_FIELDS, required=("format", "requirements"))
    if document.get("format", FORMAT_V1) != FORMAT_V1:
        faults.add(("format",), "unknown_format", f"not {document['format']!r} but {FORMAT_V1!r}")
    baseline = document.get("baseline")
    if baseline is not None and not (isinstance(baseline, str) and KEY.fullmatch(baseline)):
        faults.add(("baseline",), "bad_key", "a baseline's name is letters, digits, '-' and '_'")
    listed = document.get("requirements")
    if not isinstance(listed, Sequence) or isinstance(listed, str) or not listed:
        if "requirements" in document:
            faults.add(("requirements",), "not_a_list", "must be a list of at least one requirement")
        return None, []
    if too_many := excess(len(listed), "MAX_REQUIREMENTS"):
        faults.add(("requirements",), "too_many", too_many)
        return None, []
    drafts = [_read_requirement(item, ("requirements", index), faults) for index, item in enumerate(listed)]
    faults.check_unique(listed, ("requirements",), "requirement")
    return cast("str | None", baseline), [draft for draft in drafts if draft is not None]


def _read_requirement(item: object, path: Path, faults: Faults) -> RequirementDraft | None:
    before = len(faults.problems)
    if not isinstance(item, Mapping):
        faults.add(path, "not_a_mapping", "a requirement must be a mapping with a key and a statement")
        return None
    required = tuple(name for name in _REQUIREMENT_FIELDS if name != "rationale")
    known = (*_REQUIREMENT_FIELDS, *REQUIREMENT_LINKS)
    faults.check_fields(item, path, known=known, required=required)
    key = faults.key(item, path)
    statement = _read_statement(item, path, faults)
    _check_choice(item, "risk_tier", RISK_TIERS, path, faults)
    if item.get("layer") == Layer.MECHANISTIC:
        faults.add(
            (*path, "layer"),
            "mechanistic_layer",
            "a mechanistic finding can support or counter a requirement, never satisfy one: "
            f"name the layer whose evidence satisfies it ({', '.join(LAYERS)})",
        )
    else:
        _check_choice(item, "layer", LAYERS, path, faults)
    owner = faults.text(item, "owner", path)
    cadence = faults.whole_number(item, "review_every_days", path, least=1)
    listed = item.get("criteria")
    if not isinstance(listed, list):
        if "criteria" in item:
            faults.add(
                (*path, "criteria"), "not_a_list", "must be a list of criteria; [] where there are none yet"
            )
        listed = []
    if too_many := excess(len(listed), "MAX_CRITERIA"):
        faults.add((*path, "criteria"), "too_many", too_many)
        listed = []
    criteria = [read_criterion(each, (*path, "criteria", i), faults) for i, each in enumerate(listed)]
    faults.check_unique(listed, (*path, "criteria"), "criterion")
    rationale = item.get("rationale") or ""
    if not isinstance(rationale, str):
        faults.add((*path, "rationale"), "not_a_text", "must be a text")
    if len(faults.problems) > before:
        return None
    return RequirementDraft(
        key=key,
        statement=statement,
        rationale=str(rationale).strip(),
        risk_tier=RiskTier(item["risk_tier"]),
        layer=Layer(item["layer"]),
        owner=owner,
        review_every_days=cadence,
        criteria=tuple(criterion for criterion in criteria if criterion is not None),
    )


def _read_statement(item: Mapping[str, object], path: Path, faults: Faults) -> dict[str, str]:
    value = item.get("statement")
    here = (*path, "statement")
    if "statement" not in item:
        return {}
    if isinstance(value, str) and value.strip():
        return {"en": " ".join(value.split())}
    if not isinstance(value, Mapping) or not value:
        faults.add(here, "no_statement", "must be a text, or a mapping of language to text")
        return {}
    for language, text in value.items():
        if not _LANGUAGE.fullmatch(language):
            faults.add(
                (*here, language), "bad_language", f"{language!r} is no BCP 47 language, e.g. en, zh-Hans"
            )
        if not isinstance(text, str) or not text.strip():
            faults.add((*here, language), "no_statement", "must be a text")
    return {str(language): " ".join(str(text).split()) for language, text in value.items()}


def _check_choice(
    item: Mapping[str, object], name: str, options: tuple[str, ...], path: Path, faults: Faults
) -> None:
    if name in item and item[name] not in options:
        nearest = nearest_name(str(item[name]), options)
        faults.add((*path, name), "bad_choice", f"{item[name]!r} is not one of {', '.join(options)}", nearest)


def _lines(drafts: Sequence[RequirementDraft], document: object, places: Places) -> dict[str, int]:
    if not isinstance(document, Mapping):
        return {}
    return {draft.key: places.find(("requirements", index))[0] for index, draft in enumerate(drafts)}
