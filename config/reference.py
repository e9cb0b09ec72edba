"""Reference pages written from the code, so that they cannot tell an old story. A test compares them."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from django.conf import settings

from config.noun_map import render_nouns
from config.noun_uses import OUR_APPS
from config.problems import APP_ERRORS, KINDS
from evidence.evals.foreign.notes import FormatNotes
from evidence.evals.formats.native.head import SCHEMA_FILE
from evidence.evals.registry import EVAL_FORMATS
from evidence.log_attacks import render_log_attacks
from evidence.models import GateState
from evidence.otlp.errors import RejectCode
from evidence.services.assembly import REFUSALS
from evidence.services.gates import KEPT_OUT, SETTLED, UNBOUND
from evidence.statistics.methods import METHODS
from requirements.checks.reference import render_checks_reference
from requirements.life import STEPS, VALID_TRANSITIONS
from requirements.lint.reference import render_lint_reference
from requirements.models import RequirementState
from requirements.services.retirements import CONFIRMED, RETIREMENT_STEPS
from requirements.telling import SETTLED_BY
from requirements.yaml_import.schema import write_file_schema


def render_errors() -> str:
    """Return the page of error codes: each stable, with its status and what it means."""
    rows = {kind.code: (kind.status, kind.means) for kind in KINDS.values()} | {
        error.code: (error.http_status, _first_line(error)) for error in app_errors()
    }
    lines = [
        "# Error codes",
        "",
        "Every refusal is an RFC 9457 problem (`application/problem+json`) whose `code` never changes once released.",
        "`detail` says what happened and what to do. Addresses of the API (`/api/`, `/v1/`, `/log/`) answer so whoever",
        "asks, but for senders of protobuf, who get `code: detail` in a `google.rpc.Status`. Elsewhere a client whose",
        "`Accept` prefers `text/html`, as browsers do, gets a page with the same `code`. This page is written from the",
        "code.",
        "",
        "Where `errors` is there, it lists each fault: `in` (`body`, `query`, `path`), `path` (`pins[0].kind`), a",
        "`code` of its own, a `message`, and `nearest`, the known name closest to one that nobody knows. An unknown",
        "field, query parameter, filter or choice is refused, never ignored; so is a parameter given twice or without",
        "a value.",
        "",
        "| code | status | means |",
        "|---|---|---|",
        *(f"| `{code}` | {status} | {means} |" for code, (status, means) in sorted(rows.items())),
        "",
        "## Reject codes",
        "",
        "One item of a request was refused by itself. The code stands in the answer and in the reject ledger.",
        "",
        *(f"- `{code.value}`" for code in RejectCode),
        *(f"- `{refusal.code}`: {refusal.means}" for refusal in REFUSALS),
    ]
    return "\n".join(lines) + "\n"


def render_gate_reasons() -> str:
    """Return the page of the codes by which a decision says why."""
    lines = [
        "# Reasons of a gate",
        "",
        "Each reason of a decision has a `code` beside its sentence. A code never changes once released. This page is",
        "written from the code.",
        "",
        "## Of a criterion",
        "",
        "`met`, or why it is not; `would_settle` of the reason says the second column, and `more_units` how many more",
        "observations where they help.",
        "",
        "| code | what would settle it |",
        "|---|---|",
        *(f"| `{code}` | {settles} |" for code, settles in sorted(SETTLED_BY.items())),
        "",
        "## How bounds are computed",
        "",
        "`method` of what was measured. How often each errs is measured: [statistics](statistics.md).",
        "",
        "| method | bounds of |",
        "|---|---|",
        *(f"| `{name}` | {means} |" for name, means in METHODS.items()),
        "",
        "## Of a run or commit that the decision was bound to",
        "",
        "| code | means |",
        "|---|---|",
        *(f"| `{code}` | {means} |" for code, means in sorted(UNBOUND.items())),
        "",
        "## Of a gate that keeps a release out of an environment",
        "",
        "`code` of each of the `gates` of a problem `promotion_refused`.",
        "",
        "| code | means, and what to do |",
        "|---|---|",
        *(f"| `{code}` | {means} |" for code, means in sorted(KEPT_OUT.items())),
        "",
        "## Of a run",
        "",
        "`decides`; or passed over: `earlier` (another was received later), `retracted` (two people agreed that it no",
        "longer counts), `empty` (it holds no sample and none is missing, so it says nothing).",
    ]
    return "\n".join(lines) + "\n"


def render_states() -> str:
    """Return the page of state diagrams, from the tables that the acts obey."""
    lines = [
        "# States",
        "",
        "## Requirement version",
        "",
        "The state is the last of a version's transitions. This page is written from the table that allows them.",
        "",
        "```mermaid",
        "stateDiagram-v2",
        f"    [*] --> {RequirementState.DRAFT.value}",
        *(
            f"    {state.value} --> {following.value}"
            for state, allowed in VALID_TRANSITIONS.items()
            for following in sorted(allowed)
        ),
        *(f"    {state.value} --> [*]" for state, allowed in VALID_TRANSITIONS.items() if not allowed),
        "```",
        "",
        "| from | to | whose step it is | says why | names the digest and the state that were read |",
        "|---|---|---|---|---|",
        *(
            f"| {step.from_state.value} | {step.to_state.value} | {step.by} | {_yes(step.needs_reason)} "
            f"| {_yes(step.names_what_was_read)} |"
            for step in STEPS
        ),
        "",
        "Nobody approves a version while a newer one is in review or approved. Approving one supersedes the one",
        "approved before it. What is decided on another digest, in another state, or after somebody else decided is a",
        "409, and nothing is stored. The text of a retired version, written again, is a new version in draft.",
        "",
        "## Requested retirement of a requirement version",
        "",
        "A request is about the version in the state that it was in. Once the version is moved on, it is `outdated`.",
        "",
        "```mermaid",
        "stateDiagram-v2",
        "    [*] --> waiting",
        *(f"    waiting --> {state}" for state in RETIREMENT_STEPS),
        "    waiting --> outdated",
        *(f"    {state} --> [*]" for state in (*RETIREMENT_STEPS, "outdated")),
        "```",
        "",
        f"`{CONFIRMED}` is another person's step, an approver's, and retires the version; `declined` is an approver's",
        "and says why; `withdrawn` is of whoever asked.",
        "",
        "## Version of a gate, or of how a system says that its traces are read",
        "",
        "The state is the last of a version's transitions. A version that was declined or withdrawn may be proposed",
        "again. Of the approved versions the one approved last decides. A version of a gate on record from before",
        "versions were approved has no transition: it is `adopted`, and decides until another is approved.",
        "",
        "```mermaid",
        "stateDiagram-v2",
        f"    [*] --> {GateState.PROPOSED.value}",
        *(f"    {GateState.PROPOSED.value} --> {state}" for state in SETTLED),
        *(f"    {state} --> {GateState.PROPOSED.value}" for state in SETTLED if state != GateState.APPROVED),
        f"    [*] --> {GateState.ADOPTED.value}",
        *(f"    {state.value} --> [*]" for state in (GateState.APPROVED, GateState.ADOPTED)),
        "```",
    ]
    return "\n".join(lines) + "\n"


def render_eval_formats() -> str:
    """Return the page of the eval formats: what each reader was tried with, reads, asks for and flags."""
    lines = [
        "# Eval formats",
        "",
        "What `tracebinder push-eval` takes as it is. A file is told by its content, or by `--format`. Nothing is",
        "guessed: what the file does not say, whoever posts it says, and what is in neither is asked for by name. This",
        "page is written from what the readers say of themselves.",
        "",
    ]
    for name, entry in EVAL_FORMATS.items():
        notes: FormatNotes = importlib.import_module(entry.module).NOTES
        lines += [f"## `{name}`: {entry.title}", "", "| | |", "|---|---|"]
        lines += [f"| {what} | {getattr(notes, field)} |" for field, what in _OF_FORMAT.items()]
        lines.append("")
    return "\n".join(lines)


_OF_FORMAT: Final = {
    "tried": "tried with",
    "post": "what to post",
    "reads": "what is read",
    "poster": "what the poster says",
    "flags": "what is flagged",
}


def render_lint() -> str:
    """Return the page of the linter, measured on the labelled statements of the tests."""
    labelled = Path(settings.BASE_DIR) / "tests" / "requirements" / "data"
    return render_lint_reference(labelled / "lint_given.jsonl", labelled / "lint_own.jsonl")


PAGES: Final[dict[str, Callable[[], str]]] = {
    "nouns.md": render_nouns,
    "errors.md": render_errors,
    "gate-reasons.md": render_gate_reasons,
    "states.md": render_states,
    "checks.md": render_checks_reference,
    "lint.md": render_lint,
    "log-attacks.md": render_log_attacks,
    "eval-formats.md": render_eval_formats,
    "eval-file.schema.json": lambda: SCHEMA_FILE.read_text(encoding="utf-8"),
    "requirement-file.schema.json": write_file_schema,
}


def app_errors() -> list[type[Any]]:
    """Return every class of error that our apps answer with, wherever it is defined."""
    return [error for root in APP_ERRORS for error in _below(root)]


def path_of(page: str) -> Path:
    """Return the file in docs/reference that a page is written to."""
    base: Path = settings.BASE_DIR
    return base / "docs" / "reference" / page


def _yes(told: bool) -> str:  # noqa: FBT001  # a cell of a table
    return "yes" if told else ""


_NEED_TORCH: Final = (
    "interpret.probes.",
    "interpret.dictionaries.",
)  # their errors are in interpret/errors.py


def _below(root: type[Any]) -> Iterator[type[Any]]:
    """Yield an error class and all below it, wherever in the product they are defined."""
    for package in OUR_APPS:
        module = importlib.import_module(package)
        for info in pkgutil.walk_packages(module.__path__, f"{package}."):
            if not info.name.startswith(_NEED_TORCH) and ".migrations" not in info.name:
                importlib.import_module(info.name)
    waiting = [root]
    while waiting:
        error = waiting.pop()
        waiting += error.__subclasses__()
        if error.__module__.split(".")[0] in OUR_APPS:
            yield error


def _first_line(error: type[Any]) -> str:
    return (inspect.getdoc(error) or "").split("\n", 1)[0].replace("|", "\\|")
