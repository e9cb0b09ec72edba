"""Putting requirements into a file in place of what it says, and leaving all else of it as it is, byte for byte."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from requirements.drafts import DEFAULT_BOUND_CONFIDENCE, CriterionDraft, RequirementDraft
from requirements.yaml_import.links import REQUIREMENT_LINKS
from requirements.yaml_import.reader import ENTRIES, Places, decode, read_yaml
from requirements.yaml_import.writing import NO_LINKS, Links, write_requirement

Replacement: TypeAlias = "RequirementDraft | None"
"""What comes in place of a requirement; None: nothing, it is taken out."""

_COMMENT_LINE: Final = re.compile(r"[ \t]*#")


@dataclass(frozen=True, slots=True)
class _Entry:
    """A requirement in the text: from its first character to after its last."""

    key: str
    start: int
    end: int
    column: int  # from 1, of its first field
    links: Links


def replace_requirements(source: bytes, replaced: Mapping[str, Replacement]) -> bytes:
    """Return a file in which these requirements say something else, or are gone.

    Comments before a requirement stay before it, those within one follow its new wording. The line ends and the byte
    order mark are those of the file.

    Raises:
        Unreadable: the file is not one that can be read.
    """
    text = decode(source)
    newline = "\r\n" if "\r\n" in text else "\n"
    pieces, at = [], 0
    for entry in _entries(source):
        if entry.key not in replaced:
            continue
        start = entry.start
        draft = replaced[entry.key]
        old = text[start : entry.end]
        is_flow = old.startswith("{")
        if draft is None:
            start, end = _with_its_marks(text, entry)
            pieces.append(text[at:start])
            at = end
            continue
        pieces.append(text[at:start])
        new = (
            write_flow(draft, entry.links)
            if is_flow
            else write_block(draft, entry.column - 1, newline, entry.links)
        )
        kept = [] if is_flow else _comments_in(old, newline)
        pieces.append(newline.join([new, *kept]))
        at = entry.end
    pieces.append(text[at:])
    mark = "\ufeff" if source.startswith(b"\xef\xbb\xbf") else ""
    return (mark + "".join(pieces)).encode()


def _entries(source: bytes) -> Sequence[_Entry]:
    places = Places()
    found: list[_Entry] = []

    def take(value: object, index: int) -> None:
        span = places.of[ENTRIES, index]
        if isinstance(value, dict):
            found.append(_Entry(str(value.get("key")), span.start, span.end, span.column, _links_in(value)))

    read_yaml(source, on_entry=take, places=places)
    return found


def _links_in(item: Mapping[str, object]) -> Links:
    """Return the links of an entry, which stay as they are whatever it says."""
    criteria = item.get("criteria")
    listed = [each for each in criteria if isinstance(each, dict)] if isinstance(criteria, list) else []
    parts = {"": item, **{str(each.get("key")): each for each in listed}}
    return {
        key: {name: part[name] for name in REQUIREMENT_LINKS if name in part} for key, part in parts.items()
    }


def _with_its_marks(text: str, entry: _Entry) -> tuple[int, int]:
    """Return where an entry that is taken out begins and ends, with its dash and line, or with its comma."""
    start, end = entry.start, entry.end
    if text[start] == "{" and not text[:start].rstrip(" \t").endswith("-"):
        rest = text[end:]
        after = rest.lstrip()
        if after.startswith(","):
            return start, end + len(rest) - len(after) + 1
        before = text[:start].rstrip()
        return (len(before) - 1, end) if before.endswith(",") else (start, end)
    start = text.rfind("\n", 0, start) + 1
    while start and not text[start : entry.start].lstrip(" \t").startswith(
        "-"
    ):  # the dash may stand on a line of its own
        start = text.rfind("\n", 0, start - 1) + 1
    line_end = text.find("\n", end)
    return start, len(text) if line_end < 0 else line_end + 1


def _comments_in(old: str, newline: str) -> list[str]:
    """Return the lines of an entry that are comments and nothing else."""
    return [line.rstrip("\r") for line in old.split("\n") if _COMMENT_LINE.match(line)] if newline else []


def write_block(draft: RequirementDraft, indent: int, newline: str = "\n", links: Links = NO_LINKS) -> str:
    """Return a requirement as YAML, from after its dash.

    Args:
        indent: columns before its fields.
        links: that it and its criteria name.
    """
    lines = write_requirement(draft, links).rstrip("\n").split("\n")
    return f"{newline}{' ' * indent}".join(lines)


def write_flow(draft: RequirementDraft, links: Links = NO_LINKS) -> str:
    """Return a requirement as one line of JSON, which is YAML too."""
    content: dict[str, object] = {"key": draft.key}
    if draft.external_id:
        content["external_id"] = draft.external_id
    content["statement"] = dict(draft.statement)
    if draft.rationale:
        content["rationale"] = draft.rationale
    content |= {
        "risk_tier": str(draft.risk_tier),
        "layer": str(draft.layer),
        "owner": draft.owner,
        "review_every_days": draft.review_every_days,
        **links.get("", {}),
        "criteria": [_criterion(each, links) for each in draft.criteria],
    }
    return json.dumps(content, ensure_ascii=False)


def _criterion(draft: CriterionDraft, links: Links) -> dict[str, object]:
    content: dict[str, object] = {"key": draft.key, "check": draft.check}
    if draft.parameters:
        content["parameters"] = dict(draft.parameters)
    content |= {str(draft.comparator): draft.threshold, "unit": draft.unit, "min_n": draft.min_n}
    if draft.max_age_days is not None:
        content["max_age_days"] = draft.max_age_days
    if draft.bound_confidence != DEFAULT_BOUND_CONFIDENCE:
        content["confidence"] = draft.bound_confidence
    if draft.slices:
        content["slices"] = [dict(where) for where in draft.slices]
    return content | dict(links.get(draft.key, {}))
