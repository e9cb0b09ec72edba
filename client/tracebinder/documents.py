"""What `--json` prints: the server's answer with the name of its schema, the exit code and the page that shows it.

The schemas are in `tracebinder/schemas/`, and `tracebinder schema NAME` prints them. Within a version members are only
added; one that goes or means something else makes the next version. `verify` prints its report and nothing around it,
as the verifier for Node does.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources
from typing import Any, Final

from tracebinder.errors import TracebinderError
from tracebinder.http import RequestRefused

NAMES: Final = (
    "gate", "compare", "impact", "push-eval", "deploy", "retract", "register-release", "requirements", "verify",
    "problem",
)  # fmt: skip
_VERSION: Final = 1


def document(name: str, answer: Mapping[str, Any], *, exit_code: int, url: str = "") -> dict[str, Any]:
    """Return the document of a command; `url` where the server has a page for it."""
    return {**_head(name, exit_code), **({"url": url} if url else {}), **answer}


def problem_document(error: TracebinderError, *, exit_code: int) -> dict[str, Any]:
    """Return the document of what could not be done."""
    return {**_head("problem", exit_code), **problem_of(error)}


def problem_of(error: TracebinderError) -> dict[str, Any]:
    """Return what is known of an error: the server's problem, or only its sentence."""
    if not isinstance(error, RequestRefused):
        return {"status": None, "code": "", "title": "", "detail": str(error), "errors": []}
    return {
        "status": error.status,
        "code": error.code,
        "title": str(error.problem.get("title") or ""),
        "detail": str(error),
        "errors": [dict(fault) for fault in error.faults()],
    }


def read_schema(name: str) -> str:
    """Return the JSON Schema (2020-12) of a command's document."""
    file = resources.files("tracebinder").joinpath("schemas", f"{name}-{_VERSION}.schema.json")
    return file.read_text(encoding="utf-8")


def _head(name: str, exit_code: int) -> dict[str, Any]:
    return {"schema": f"tracebinder.{name}/{_VERSION}", "exit_code": exit_code}
