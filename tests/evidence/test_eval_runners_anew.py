"""`make soak` runs each runner anew, in an environment of its own: its files are read today as they were read then."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.evidence.eval_readers import counted, folder, read, read_one, sniffed

RUNNERS = Path(__file__).parents[1] / "eval_runners"
LONGEST = 900  # seconds for an installation, and for a run


def run(*command: str | Path, within: Path, check: bool = True, **environment: str) -> None:
    subprocess.run(command, check=check, timeout=LONGEST, cwd=within, env={**os.environ, **environment})


def python_with(where: Path, *packages: str) -> Path:
    """Return the interpreter of an environment of its own."""
    run(sys.executable, "-m", "venv", "venv", within=where)
    python = where / "venv" / "bin" / "python"
    run(python, "-m", "pip", "install", "-q", *packages, within=where)
    return python


@pytest.mark.soak
def test_deepeval_writes_what_is_read(tmp_path: Path) -> None:
    python = python_with(tmp_path, "deepeval==4.3.1")
    run(python, RUNNERS / "deepeval_run.py", tmp_path / "out", within=tmp_path)
    (path,) = (tmp_path / "out").glob("test_run_*.json")
    assert sniffed("deepeval", path.read_bytes())
    told = read_one("deepeval", path.read_bytes())
    assert told.counts("Contains hello") == counted(0.5, 2, unscored=1, error=1)
    assert told.counts("case_success") == counted(0.5, 2, unscored=1, error=1)
    assert told.said.run_key == "soak"


@pytest.mark.soak
@pytest.mark.parametrize("form", ["eval", "json"])
def test_inspect_writes_what_is_read(tmp_path: Path, form: str) -> None:
    python = python_with(tmp_path, "inspect_ai==0.3.285")
    run(python, RUNNERS / "inspect_run.py", tmp_path / "out", form, within=tmp_path)
    (path,) = (tmp_path / "out").glob(f"*.{form}")
    assert sniffed("inspect", path.read_bytes())
    told = read_one("inspect", path.read_bytes())
    assert told.counts("includes") == counted(0.5, 4, error=2)
    assert (told.n_items, told.slices("language")) == (3, ["en"])
    plan = told.said.plan
    assert plan is not None
    assert (plan.samples, plan.limit, plan.epochs) == (4, 3, 2)
    assert told.total("accuracy") == 0.5


@pytest.mark.soak
def test_pytest_writes_what_is_read(tmp_path: Path) -> None:
    python = python_with(tmp_path, "pytest==9.2.0", "pytest-rerunfailures")
    (tmp_path / "test_it.py").write_text((RUNNERS / "junit_run.txt").read_text())
    run(
        python,
        "-m",
        "pytest",
        "-q",
        "--reruns=1",
        "--junit-xml=out.xml",
        "test_it.py",
        within=tmp_path,
        check=False,
    )
    told = read_one("junit", (tmp_path / "out.xml").read_bytes())
    assert told.counts("passed") == counted(0.666667, 3)
    assert told.counts("passed_first")["value"] == 0.333333
    assert told.codes_of("test_it.test_flaky") == {"flaky"}
    assert "verifies:REQ-12" in told.samples[0].slice


@pytest.mark.soak
def test_promptfoo_writes_what_is_read(tmp_path: Path) -> None:
    run("npm", "install", "--no-audit", "--no-fund", "promptfoo@0.121.20", within=tmp_path)
    config = {
        "PROMPTFOO_DISABLE_TELEMETRY": "1",
        "PROMPTFOO_DISABLE_UPDATE": "1",
        "PROMPTFOO_CONFIG_DIR": str(tmp_path / "c"),
    }
    command: list[str | Path] = [
        tmp_path / "node_modules" / ".bin" / "promptfoo",
        "eval",
        "-c",
        RUNNERS / "promptfoo.yaml",
        "--no-cache",
    ]
    run(
        *command, "--repeat", "2", "-o", "out.json", "-o", "out.jsonl", within=tmp_path, check=False, **config
    )
    for name in ("out.json", "out.jsonl"):
        told = read("promptfoo", (tmp_path / name).read_bytes(), name)
        assert len(told) == 2
        for column in told:
            assert column.n_items == 3
            assert column.counts("success") == counted(0.5, 4, unscored=2)
            assert column.codes == {"not_asserted"}


TASK = """
task: fees
dataset_path: json
dataset_kwargs: {{data_files: {{test: {data}}}}}
test_split: test
output_type: multiple_choice
doc_to_text: "{{{{q}}}}"
doc_to_choice: ["yes", "no"]
doc_to_target: gold
metric_list: [{{metric: acc, aggregation: mean, higher_is_better: true}}]
metadata: {{version: 2}}
"""


@pytest.mark.soak
def test_lm_eval_writes_what_is_read(tmp_path: Path) -> None:
    python = python_with(tmp_path, "lm_eval==0.4.13")
    data, tasks = tmp_path / "data.jsonl", tmp_path / "tasks"
    data.write_text(
        "".join(f'{{"q": "Is fee {n} due?", "gold": {n % 2}, "language": "en"}}\n' for n in range(8))
    )
    tasks.mkdir()
    (tasks / "fees.yaml").write_text(TASK.format(data=data))
    command: list[str | Path] = [
        "--model",
        "dummy",
        "--include_path",
        tasks,
        "--tasks",
        "fees",
        "--limit",
        "6",
        "--log_samples",
    ]
    run(python.with_name("lm_eval"), *command, "--output_path", tmp_path / "out", within=tmp_path)
    files = {path.name: path.read_bytes() for path in (tmp_path / "out").rglob("*.json*")}
    told = read_one("lm_eval", folder(files))
    plan = told.said.plan
    assert plan is not None
    assert (told.counts("acc,none")["n_scored"], plan.samples, plan.limit) == (6, 8, 6)
    assert told.total("acc") == pytest.approx(told.counts("acc,none")["value"], abs=1e-6)
    assert told.slices("language") == ["en"]
