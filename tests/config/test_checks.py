"""`make check` and `make coverage`: what they run, and that they fail when they should."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from config import branch_coverage, checks
from config.checks import Check


def passing(name: str) -> Check:
    return Check(name, [sys.executable, "-c", ""])


def failing(name: str) -> Check:
    return Check(name, [sys.executable, "-c", "raise SystemExit(1)"])


def write(path: Path, text: str) -> Check:
    return Check("schema", [sys.executable, "-c", f"open({str(path)!r}, 'w').write({text!r})"])


@pytest.fixture
def committed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    schema = tmp_path / "openapi.yaml"
    schema.write_text("openapi: 3.0.3\n")
    monkeypatch.setattr(checks, "SCHEMA", schema)
    return schema


def test_all_checks_run_and_the_failures_are_counted(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], committed: Path
) -> None:
    last = Check(
        "last", [sys.executable, "-c", "import os; print('ran with', os.environ['X'])"], {"X": "its own"}
    )
    monkeypatch.setattr(
        checks, "_checks", lambda _: [failing("first"), passing("second"), failing("third"), last]
    )
    assert checks.main() == 2
    told = capfd.readouterr().out
    assert "2 failed: first; third" in told
    assert "ran with its own" in told


def test_a_schema_that_is_not_what_is_committed_is_a_failure(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], committed: Path
) -> None:
    monkeypatch.setattr(checks, "_checks", lambda path: [write(path, committed.read_text())])
    assert checks.main() == 0
    assert "all checks passed" in capfd.readouterr().out
    monkeypatch.setattr(checks, "_checks", lambda path: [write(path, "openapi: 3.1.0\n")])
    assert checks.main() == 1
    assert "run `make schema`" in capfd.readouterr().out


def test_tests_and_product_are_type_checked() -> None:
    (types,) = (check for check in checks._checks(Path("x")) if check.name == "types")
    folders = {path.name for path in checks.REPOSITORY.iterdir() if (path / "__init__.py").exists()}
    assert folders | {"tests", "client/tracebinder"} <= set(types.command)


def measured(*shares: float) -> dict[str, Any]:
    files = {
        f"file{number}.py": {
            "summary": {"num_statements": 20, "percent_covered": share},
            "missing_lines": [3, 4, 5, 9],
        }
        for number, share in enumerate(shares)
    }
    totals = {"num_branches": 10, "covered_branches": 9, "num_statements": 100, "covered_lines": 95}
    return {"files": files, "totals": totals}


def test_the_files_run_least_come_first_with_what_was_never_run() -> None:
    console = Console(file=io.StringIO(), width=200)
    assert branch_coverage.print_measured(measured(*range(50, 90)), 95.0, 94.0, console) == 0
    told = console.file.getvalue()  # type: ignore[attr-defined]  # a StringIO
    assert "95.0 %" in told
    assert "9 of 10 branches" in told
    assert "3-5, 9" in told
    assert [line.split()[1] for line in told.splitlines() if ".py" in line] == [
        f"file{n}.py" for n in range(10)
    ]


def test_less_than_before_is_a_failure() -> None:
    console = Console(file=io.StringIO(), width=200)
    assert branch_coverage.print_measured(measured(80), 93.9, 94.0, console) == 1
