"""A requirement as YAML that people edit: a line for each thing that can be said, in the order of the guide."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from textwrap import shorten
from typing import Final, TypeAlias, cast

from evidence.evals.contracts import Direction
from evidence.worded import worded
from requirements.checks.contracts import Check
from requirements.drafts import DEFAULT_BOUND_CONFIDENCE, Comparator, CriterionDraft, RequirementDraft
from requirements.yaml_import.reader import Places, read_yaml
from requirements.yaml_import.troubles import Unreadable

Links: TypeAlias = Mapping[str, Mapping[str, object]]
"""The links that a requirement names, under "", and those of its criteria, under their keys: as the file has them."""

NO_LINKS: Final[Links] = {}
_NEEDS_NO_QUOTES: Final = re.compile(r"[A-Za-z一-鿿][\w一-鿿 ,.;()%/。，、；（）-]*", re.ASCII)
_AFTER_LAST: Final = re.compile(
    r"[^\n]*\n?(?:[ \t]+#[^\n]*\n?)*"
)  # the line's end, and comments that belong to it
_MOST_TOLD: Final = 90  # characters of what a parameter means
_WORDS_OF_YAML: Final = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n"})


def write_requirement(draft: RequirementDraft, links: Links = NO_LINKS) -> str:
    """Return a requirement as an entry of a file has it, without its dash."""
    return write_words(draft) + write_rest(draft.criteria, links)


def write_words(draft: RequirementDraft) -> str:
    """Return what of a requirement is words: all but its criteria and links."""
    lines = [f"key: {write_scalar(draft.key)}"]
    if draft.external_id:
        lines.append(f"external_id: {write_quoted(draft.external_id)}")
    if set(draft.statement) == {"en"}:
        lines.append(f"statement: {write_scalar(draft.statement['en'])}")
    else:
        lines.append("statement:")
        lines += [f"  {language}: {write_scalar(text)}" for language, text in draft.statement.items()]
    if draft.rationale:
        lines.append(f"rationale: {write_scalar(draft.rationale)}")
    lines += [
        f"risk_tier: {draft.risk_tier}",
        f"layer: {draft.layer}",
        f"owner: {write_scalar(draft.owner)}",
        f"review_every_days: {draft.review_every_days}",
    ]
    return "\n".join(lines) + "\n"


def write_rest(criteria: Sequence[CriterionDraft], links: Links = NO_LINKS) -> str:
    """Return what of a requirement is no words: its criteria, and the links that it names."""
    lines = ["criteria:" if criteria else "criteria: []"]
    for criterion in criteria:
        first, *rest = _criterion(criterion, links.get(criterion.key, {}))
        lines += [f"  - {first}", *(f"    {line}" for line in rest)]
    return "\n".join([*lines, *_links(links.get("", {}))]) + "\n"


def write_skeleton(check: Check, title: str) -> str:
    """Return a criterion of a check as YAML, with what its author has to fill in left empty.

    Args:
        title: of the check, in the language of whoever fills it in.
    """
    sides = [
        side.value
        for side, direction in (
            (Comparator.AT_LEAST, Direction.HIGHER),
            (Comparator.AT_MOST, Direction.LOWER),
        )
        if check.direction in (None, direction)
    ]
    either = f"  # or {sides[1]}" if len(sides) > 1 else ""
    unit = f"  # {check.unit}" if check.unit else ""
    lines = [
        f"- key:  # {title}",
        f"  check: {check.name}",
        *(f"  {line}" for line in _parameters_to_fill(check)),
        f"  {sides[0]}:{unit or either}",
        *([] if check.unit else ["  unit: share"]),
        "  # max_age_days: 90  # older evidence is stale; leave it out and evidence never ages",
        "  min_n:  # observations; fewer is insufficient",
    ]
    return "".join(f"  {line}\n" for line in lines)


def add_skeleton(text: str, skeleton: str) -> str:
    """Return criteria and links with one more criterion, after the last one there is.

    Raises:
        Unreadable: the text is not one that can be read, so nobody knows where its criteria end.
    """
    places = Places()
    document = read_yaml(text.encode("utf-8", "surrogatepass"), places=places).value
    criteria = document.get("criteria") if isinstance(document, Mapping) else None
    span = places.of.get(("criteria",))
    if not criteria or span is None:
        rest = re.sub(r"(?m)^criteria:[^\n]*\n?", "", text)
        return f"criteria:\n{skeleton}{rest}"
    first = places.of[("criteria", 0)] if isinstance(criteria, list) else None
    if first is None or places.text[: first.start].rstrip().endswith("["):
        told = worded(
            "criteria stand in brackets here: write each on lines of its own, begun by a dash, to add one"
        )
        raise Unreadable(span.line, span.column, told)
    after = _AFTER_LAST.match(places.text, span.end)
    end = after.end() if after else len(places.text)
    before = places.text[:end].rstrip("\n") + "\n"
    indent = " " * max(first.column - 3, 0)
    moved = "".join(f"{indent}{line[2:]}\n" for line in skeleton.splitlines())
    return before + moved + places.text[end:]


def write_scalar(text: str) -> str:
    """Return a text as YAML: without quotes where no reader could take it for anything else."""
    plain = _NEEDS_NO_QUOTES.fullmatch(text) and not text.endswith(" ")
    return text if plain and text.lower() not in _WORDS_OF_YAML else write_quoted(text)


def write_quoted(text: str) -> str:
    """Return a text as YAML, in quotes."""
    return json.dumps(text, ensure_ascii=False)


def _criterion(draft: CriterionDraft, links: Mapping[str, object]) -> Iterator[str]:
    yield f"key: {write_scalar(draft.key)}"
    yield f"check: {draft.check}"
    if draft.parameters:
        yield "parameters:"
        yield from (f"  {name}: {_value(value)}" for name, value in draft.parameters.items())
    yield f"{draft.comparator}: {_value(draft.threshold)}"
    yield f"unit: {write_scalar(draft.unit)}"
    yield f"min_n: {draft.min_n}"
    if draft.max_age_days is not None:
        yield f"max_age_days: {draft.max_age_days}"
    if draft.bound_confidence != DEFAULT_BOUND_CONFIDENCE:
        yield f"confidence: {_value(draft.bound_confidence)}"
    if draft.slices:
        yield "slices:"
        yield from (f"  - {_value(dict(where))}" for where in draft.slices)
    yield from _links(links)


def _links(named: Mapping[str, object]) -> list[str]:
    return [f"{name}: {_value(ends)}" for name, ends in named.items()]


def _value(value: object) -> str:
    return write_scalar(value) if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _parameters_to_fill(check: Check) -> Iterator[str]:
    """Yield the parameters that must be given, empty, and the others as comments with what they are otherwise."""
    properties = cast("Mapping[str, Mapping[str, object]]", check.parameters["properties"])
    required = cast("Sequence[str]", check.parameters["required"])
    if not properties:
        return
    yield "parameters:" if required else "# parameters:"
    for name in sorted(properties, key=lambda name: name not in required):
        schema = properties[name]
        meaning = shorten(str(schema.get("description", "")), _MOST_TOLD, placeholder=" …")
        told = f"  # {meaning}" if meaning else ""
        default = f" {json.dumps(schema['default'], ensure_ascii=False)}" if "default" in schema else ""
        value = " {key: }" if schema.get("type") == "object" and name in required else default
        yield f"  {name}:{value}{told}" if name in required else f"#   {name}:{value}{told}"
