"""The JSON Schema of the requirement file, for editors: made of what the parser and the checks say.

It says less than the parser does: bounds that depend on a unit, what the store knows. What it refuses, the parser
refuses.
"""

from __future__ import annotations

import json
from typing import Any, Final

from evidence.evals.contracts import Direction
from evidence.models import ArtefactKind
from requirements.bounds import (
    LARGEST_THRESHOLD,
    MOST_DAYS,
    MOST_N,
    MOST_RATIONALE,
    MOST_STATEMENT,
    MOST_TEXT,
    MOST_UNIT,
    MOST_WORD,
)
from requirements.checks.contracts import Check
from requirements.checks.registry import known_checks
from requirements.yaml_import.criteria import CRITERION_FIELDS
from requirements.yaml_import.faults import KEY, PLAIN_KEY
from requirements.yaml_import.languages import BCP_47
from requirements.yaml_import.links import CRITERION_LINKS, REQUIREMENT_LINKS, other_ends
from requirements.yaml_import.parser import (
    FILE_FIELDS,
    FORMAT_V1,
    LAYERS,
    MAY_BE_LEFT_OUT,
    REQUIREMENT_FIELDS,
    RISK_TIERS,
)

_OF_FILE: Final[dict[str, Any]] = {
    "format": {"const": FORMAT_V1},
    "baseline": {
        "type": ["string", "null"],
        "pattern": f"^{PLAIN_KEY.pattern}$",
        "description": "freeze these versions under a name",
    },
    "requirements": {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/requirement"}},
}
_OF_REQUIREMENT: Final[dict[str, Any]] = {
    "key": {
        "type": "string",
        "pattern": f"^{KEY.pattern}$",
        "description": "stable; letters, digits, '-', '.' and '_'",
    },
    "external_id": {
        "type": ["string", "null"],
        "minLength": 1,
        "maxLength": MOST_TEXT,
        "description": "the key that another tool gave it, any text",
    },
    "statement": {
        "description": "what must hold: a text, or one for each language",
        "oneOf": [
            {"type": "string", "minLength": 1, "maxLength": MOST_STATEMENT},
            {
                "type": "object",
                "minProperties": 1,
                "propertyNames": {"pattern": f"^{BCP_47.pattern}$"},
                "additionalProperties": {"type": "string", "minLength": 1, "maxLength": MOST_STATEMENT},
            },
        ],
    },
    "rationale": {"type": ["string", "null"], "maxLength": MOST_RATIONALE},
    "risk_tier": {"enum": [str(each) for each in RISK_TIERS]},
    "layer": {"enum": [str(each) for each in LAYERS]},
    "owner": {
        "type": "string",
        "minLength": 1,
        "maxLength": MOST_TEXT,
        "description": "a role or a person",
    },
    "review_every_days": {"type": "integer", "minimum": 1, "maximum": MOST_DAYS},
    "criteria": {"type": "array", "items": {"$ref": "#/$defs/criterion"}},
}
_NUMBER: Final = {"type": "number", "minimum": -LARGEST_THRESHOLD, "maximum": LARGEST_THRESHOLD}
_OF_CRITERION: Final[dict[str, Any]] = {
    "key": {"type": "string", "pattern": f"^{PLAIN_KEY.pattern}$"},
    "check": {"description": "docs/reference/checks.md lists them all"},
    "parameters": {"type": ["object", "null"]},
    "at_least": _NUMBER,
    "at_most": {**_NUMBER, "description": "where lower is better"},
    "unit": {"type": ["string", "null"], "minLength": 1, "maxLength": MOST_UNIT},
    "min_n": {
        "type": "integer",
        "minimum": 1,
        "maximum": MOST_N,
        "description": "observations; fewer is insufficient",
    },
    "max_age_days": {
        "type": ["integer", "null"],
        "minimum": 1,
        "maximum": MOST_DAYS,
        "description": "older evidence is stale",
    },
    "confidence": {
        "type": "number",
        "exclusiveMinimum": 0.5,
        "exclusiveMaximum": 1,
        "default": 0.95,
        "description": "one-sided, of the bound that is compared",
    },
    "slices": {
        "type": ["array", "null"],
        "items": {
            "type": "object",
            "minProperties": 1,
            "additionalProperties": {"type": "string", "minLength": 1, "maxLength": MOST_WORD},
        },
        "description": "each must hold as well as the whole",
    },
}


def file_schema() -> dict[str, Any]:
    """Return the schema.

    Raises:
        KeyError: a field of the parser's has no entry here.
    """
    checks = known_checks()
    fields = {name: _OF_CRITERION[name] for name in CRITERION_FIELDS}
    links = {name: _links(name, ArtefactKind.CRITERION) for name in CRITERION_LINKS}
    criterion = _object(fields | links, ["key", "check", "min_n"])
    criterion["properties"]["check"] = {**_OF_CRITERION["check"], "enum": sorted(checks)}
    criterion["oneOf"] = [{"required": ["at_least"]}, {"required": ["at_most"]}]
    criterion["allOf"] = [_of_check(checks[name]) for name in sorted(checks)]
    required = [name for name in REQUIREMENT_FIELDS if name not in MAY_BE_LEFT_OUT]
    requirement = {name: _OF_REQUIREMENT[name] for name in REQUIREMENT_FIELDS} | {
        name: _links(name, ArtefactKind.REQUIREMENT) for name in REQUIREMENT_LINKS
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:{FORMAT_V1.replace('/', ':')}",
        "title": "A file of requirements and their acceptance criteria",
        **_object({name: _OF_FILE[name] for name in FILE_FIELDS}, ["format", "requirements"]),
        "$defs": {
            "requirement": _object(requirement, required),
            "criterion": criterion,
        },
    }


def write_file_schema() -> str:
    """Return the schema as it is published."""
    return json.dumps(file_schema(), ensure_ascii=False, indent=2) + "\n"


def _links(name: str, own: ArtefactKind) -> dict[str, Any]:
    """Return what a list of links may hold: keys of requirements, or a kind with a key."""
    one = {"type": "string", "minLength": 1}
    of_a_kind = {
        "type": "object",
        "minProperties": 1,
        "maxProperties": 1,
        "propertyNames": {"enum": list(other_ends(name, own))},
        "additionalProperties": one,
    }
    return {"type": "array", "items": {"oneOf": [one, of_a_kind]}}


def _object(properties: dict[str, Any], required: list[str]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": dict(properties),
        "required": required,
        "additionalProperties": False,
    }


def _of_check(check: Check) -> dict[str, Any]:
    """Return what holds where a criterion names a check: its parameters, its unit, the side of its threshold."""
    # A parameter with a default may be left out in a file.
    parameters = {**check.parameters, "required": _without_default(check)}
    then: dict[str, Any] = {"properties": {"parameters": parameters}}
    if _without_default(check):
        then["required"] = ["parameters"]
    else:
        then["properties"]["parameters"] = {**parameters, "type": ["object", "null"]}
    if check.unit is not None:
        then["properties"]["unit"] = {"enum": [check.unit, None]}
    if check.direction is not None:
        then["not"] = {"required": ["at_most" if check.direction is Direction.HIGHER else "at_least"]}
    if check.dimensions is not None:
        names = {"propertyNames": {"enum": list(check.dimensions)}}
        then["properties"]["slices"] = {"items": names}
    return {
        "if": {"properties": {"check": {"const": check.name}}, "required": ["check"]},
        "then": {**then, "description": check.title.en},
    }


def _without_default(check: Check) -> list[str]:
    required = check.parameters.get("required", [])
    return list(required) if isinstance(required, list) else []
