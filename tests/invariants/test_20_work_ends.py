"""Work that waits has no end: each loop over it stops for a budget, or says why it ends by itself."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tests.invariants.walk import OUR_APPS, REPOSITORY

# Loops that end by themselves: what they loop over cannot grow while they do.
ENDS_BY_ITSELF = {
    ("evidence/services/assembly/prompts.py", "read_first_prompts"),  # each time, at least one trace is read
    ("evidence/services/binder_requests.py", "_keep"),  # while an export goes on, which has a time limit
    (
        "evidence/services/assembly/beside.py",
        "_wait_for",
    ),  # the thread's own budget ends it, or the call's hard limit
    ("evidence/services/evals/sample_rows.py", "of_run"),  # rows that were written before
    ("evidence/services/blobs.py", "originals_of"),  # it looks on only from what it had not found before
    ("evidence/services/blobs.py", "what_is_left"),  # each removal names what is smaller
    ("evidence/services/log/checking.py", "_check_tiles"),  # levels of a tree of one size
    ("evidence/services/log/checking.py", "_check_level"),  # rows of one query
    # Each turn is another's deployment or decision that came in between, and stays.
    ("evidence/services/gates/decision.py", "decide_gate"),
    ("evidence/services/deployments.py", "_record"),
    (
        "interpret/services/execution.py",
        "execute_probe_run",
    ),  # each turn does a part of a run, and it has so many
    ("evidence/services/log/parts.py", "_parts_of_entries"),  # up to the last entry there was at first
    (
        "evidence/services/disposal/retention.py",
        "apply_retention",
    ),  # bodies of requests before a time that is past
}


WHILE = re.compile(r"^\s*while\b", re.MULTILINE)


def loops() -> Iterator[tuple[str, str, str]]:
    """Yield file, function and source of each `while` in a task or service."""
    for app in OUR_APPS:
        for path in sorted((REPOSITORY / app).rglob("*.py")):
            if "services" not in path.parts and path.name != "tasks.py":
                continue
            text = path.read_text(encoding="utf-8")
            for function in ast.walk(ast.parse(text)) if WHILE.search(text) else ():
                if isinstance(function, ast.FunctionDef):
                    for node in ast.walk(function):
                        if isinstance(node, ast.While):
                            yield str(path.relative_to(REPOSITORY)), function.name, ast.unparse(node)


def test_each_loop_over_work_has_a_budget() -> None:
    endless = {(file, function) for file, function, source in loops() if "budget" not in source}
    assert endless == ENDS_BY_ITSELF


def test_tasks_leave_loops_to_services() -> None:
    assert not [file for file, _, _ in loops() if file.endswith("tasks.py")]
