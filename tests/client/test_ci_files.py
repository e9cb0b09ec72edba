"""The ready GitHub Action and GitLab template: what they name is there, and their scripts do what they say."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tracebinder.cli.main import build_parser

CI = Path(__file__).parents[2] / "client" / "ci"
ACTION: dict[str, Any] = yaml.safe_load((CI / "github" / "action.yml").read_text())
GITLAB: list[dict[str, Any]] = list(yaml.safe_load_all((CI / "gitlab" / "tracebinder.yml").read_text()))
STEPS: dict[str, dict[str, Any]] = {step.get("id", "install"): step for step in ACTION["runs"]["steps"]}
JOB: dict[str, Any] = GITLAB[1]["tracebinder"]

STUB = """#!/bin/sh
{ for word in "$@"; do printf '<%s>' "$word"; done; echo; } >> "$ASKED"
exit "${CODE:-0}"
"""


def options_of(command: str) -> set[str]:
    """Return the options of a subcommand."""
    (commands,) = (action for action in build_parser()._actions if action.choices)
    return {name for action in commands.choices[command]._actions for name in action.option_strings}  # type: ignore[index]


SCRIPTS: list[str] = [*(step["run"] for step in STEPS.values()), *JOB["script"]]


@pytest.mark.parametrize("script", SCRIPTS, ids=map(str, range(len(SCRIPTS))))
def test_each_command_and_option_exists_and_the_shell_can_read_it(script: str) -> None:
    assert subprocess.run(["bash", "-n"], input=script, text=True, check=False).returncode == 0
    used = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", script)) - {"--quiet", "--disable-pip-version-check"}
    named = re.findall(r"tracebinder\"? (push-eval|gate|compare|deploy)\b", script)
    known = set().union(*(options_of(command) for command in named))
    assert used <= known, f"{named} has no {used - known}"


def test_each_input_of_the_action_is_used_and_each_that_is_used_is_one() -> None:
    text = (CI / "github" / "action.yml").read_text()
    assert set(re.findall(r"inputs\.([a-z-]+)", text)) == set(ACTION["inputs"])
    for output in ACTION["outputs"].values():
        step, name = re.findall(r"steps\.(\w+)\.outputs\.([a-z-]+)", output["value"])[0]
        assert step in STEPS
        assert name in {"verdict", "decision", "url", "runs", "exit_code"}
    assert all(each.get("required") or "default" in each for each in ACTION["inputs"].values())


def test_no_input_is_put_into_a_script_where_it_could_be_a_command() -> None:
    assert not any("${{" in script or "$[[" in script for script in SCRIPTS)
    assert all(step["shell"] == "bash" for step in STEPS.values())


def test_each_input_of_the_template_is_used_and_each_that_is_used_is_one() -> None:
    declared = set(GITLAB[0]["spec"]["inputs"])
    assert set(re.findall(r"\$\[\[ inputs\.(\w+) \]\]", yaml.safe_dump(GITLAB[1]))) == declared


def run(script: str, tmp_path: Path, shell: str, **environment: str) -> tuple[int, list[str]]:
    """Run a script with a client that notes what it is asked, and return its exit code and that."""
    home = tmp_path / "tracebinder" / "bin"
    home.mkdir(parents=True, exist_ok=True)
    stub = home / "tracebinder"
    stub.write_text(STUB)
    stub.chmod(0o755)
    asked = tmp_path / "asked"
    asked.write_text("")
    surroundings = {
        "PATH": f"{home}:/usr/bin:/bin", "RUNNER_TEMP": str(tmp_path), "ASKED": str(asked),
        "GITHUB_OUTPUT": "out", "SYSTEM": "s", "RELEASE": "r 1", "RETRY_FOR": "5m", "FORMAT": "", "GATE": "release",
        "WAIT": "0", "COMMIT": "", "POINT_AT": "", "BIND": "true", "RUNS": "", "REPORTS": "reports",
    }  # fmt: skip
    ran = subprocess.run(
        [shell, "-e", "-c", script], cwd=tmp_path, env=surroundings | environment, check=False
    )
    return ran.returncode, asked.read_text().splitlines()


@pytest.mark.parametrize(("code", "ends"), [("0", 0), ("1", 0), ("3", 3), ("4", 4)])
def test_the_action_goes_on_to_the_gate_where_a_run_is_only_not_whole(
    tmp_path: Path, code: str, ends: int
) -> None:
    ended, asked = run(STEPS["push"]["run"], tmp_path, "bash", FILES="a b.json\n\n  \nlogs/\n", CODE=code)
    assert ended == ends
    assert asked[0].startswith("<push-eval><--system><s><--release><r 1><--retry-for><5m><--outputs><out>")
    assert asked[0].endswith("<--><a b.json><logs/>")


@pytest.mark.parametrize("code", ["0", "1", "2", "3", "4"])
def test_the_action_ends_as_the_gate_does_and_binds_it_to_the_runs(tmp_path: Path, code: str) -> None:
    ended, asked = run(STEPS["gate"]["run"], tmp_path, "bash", RUNS="ci-1 ci-2", COMMIT="4b1d46ee", CODE=code)
    assert ended == int(code)
    assert "<--run><ci-1><--run><ci-2><--commit><4b1d46ee><--><release>" in asked[0]
    assert (tmp_path / "reports").is_dir()
    _, asked = run(STEPS["gate"]["run"], tmp_path, "bash", BIND="false", RUNS="ci-1")
    assert "<--run>" not in asked[0]


@pytest.mark.parametrize("code", ["0", "2", "4"])
def test_the_template_posts_and_ends_as_the_gate_does(tmp_path: Path, code: str) -> None:
    reports = tmp_path / "tracebinder-reports"
    reports.mkdir()
    (reports / "push.env").write_text("verdict=stored\nruns=ci-1 ci-2\n")
    push, gate = JOB["script"][2:]
    ended, asked = run(push, tmp_path, "sh", FILES="a.json logs", FORMAT="junit")
    assert ended == 0
    assert asked[0].endswith("<--format><junit><--><a.json><logs>")
    ended, asked = run(gate, tmp_path, "sh", CODE=code)
    assert ended == int(code)
    assert asked[0].endswith("<--run><ci-1><--run><ci-2><--><release>")
