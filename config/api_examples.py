"""An example of each operation of the API: a request as it was sent, and what it was answered.

None is written by hand. `make examples` sends a request to each operation, of a world that is made for it, and takes
down what was sent and answered, a file for an operation. The tests send them again, and fail where an answer has
another shape. Here an example that is of no answer of its operation is left out: it may not take the schema with it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

FOLDER: Final = Path(__file__).resolve().parent / "taken_down"
AS_SENT: Final = "As it was sent"
AS_ANSWERED: Final = "As it was answered; of each list or table, the first"
AS_BYTES: Final = "As it was answered: the first bytes, each as the character of its number"
IN_PART: Final = "As it was answered: the beginning"


def put_examples(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Add to each operation of a schema what was taken down of it: a hook of drf-spectacular."""
    for methods in result["paths"].values():
        for operation in methods.values():
            if example := read_example(operation["operationId"]):
                _put(operation, example)
    return result


@cache
def read_example(operation_id: str) -> Mapping[str, Any]:
    """Return what was taken down of an operation; empty: nothing was."""
    path = FOLDER / f"{operation_id}.json"
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return found


def _put(operation: dict[str, Any], example: Mapping[str, Any]) -> None:
    for parameter in operation.get("parameters", []):
        if parameter["name"] in example["parameters"]:
            parameter["example"] = example["parameters"][parameter["name"]]
    answers = operation["responses"].get(example["status"], {})
    for content, message in ((operation.get("requestBody", {}), "request"), (answers, "response")):
        told = example.get(message)
        place = content.get("content", {}).get(told["media_type"]) if told else None
        if told and place is not None:
            place["examples"] = {"taken_down": {"summary": told["summary"], "value": told["value"]}}
