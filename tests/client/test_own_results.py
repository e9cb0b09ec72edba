"""This project's own test results, posted to a Tracebinder that it starts, and gated on by it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from evidence.models import EvalRun, Scope
from evidence.services import gates, registry
from tests.evidence.eval_files import MODEL_DIGEST
from tests.factories import World, acting, define_gate, make_world
from tests.invariants.walk import REPOSITORY
from tests.requirements.builders import make_criterion
from tracebinder.cli.main import main

pytestmark = pytest.mark.django_db(transaction=True)

OURS = ["tests/client/test_verify_log_core.py", "-k", "small_tree"]  # some 57, and quick
WITHOUT = ("cacheprovider", "django", "schemathesis", "jaxtyping", "anyio")  # plugins of pytest


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The JUnit XML of some of our tests, as CI has it: of those that need neither Django nor a database."""
    folder = tmp_path_factory.mktemp("own")
    file, settings = folder / "results.xml", folder / "pytest.ini"
    settings.write_text(f"[pytest]\npythonpath = {REPOSITORY} {REPOSITORY / 'client'}\n")
    alone = [
        "-c",
        str(settings),
        f"--rootdir={REPOSITORY}",
        f"--confcutdir={REPOSITORY / 'tests' / 'client'}",
    ]
    left_out = [*(f"-pno:{name}" for name in WITHOUT), "-m", "not hypothesis"]
    command = [sys.executable, "-m", "pytest", "-q", *alone, *left_out, f"--junit-xml={file}", *OURS]
    subprocess.run(command, cwd=REPOSITORY, check=True, stdout=subprocess.DEVNULL)
    return file


SAID = {  # what a JUnit file does not
    "suite": "own-tests", "suite-label": "1", "evaluator": "pytest", "evaluator-label": "1",
    "dataset": "own-tests", "dataset-label": "1", "model": "smol", "model-digest": MODEL_DIGEST, "commit": "a" * 40,
}  # fmt: skip


def push(file: Path, world: World, url: str) -> int:
    said = [word for name, value in SAID.items() for word in (f"--{name}", value)]
    return main(["push-eval", str(file), *asked(world, url), *said])


def asked(world: World, url: str) -> list[str]:
    token = world.token(Scope.PUSH_EVAL, Scope.GATE)
    return ["--system", "credit-assistant", "--release", "r1", "--url", url, "--token", token]


def test_our_own_results_pass_our_own_gate_and_a_planted_failure_does_not(
    live_server: Any, results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    world = make_world()
    parameters = "{suite: {key: own-tests}, metric: passed, planned_runs: 2}"
    make_criterion(world, check="evals.metric", parameters=parameters, threshold=0.9)
    define_gate(
        system=world.system, key="tests", references=[gates.CriterionReference(requirement="r")],
        principal=acting(),
    )  # fmt: skip
    assert push(results, world, live_server.url) == 0, capsys.readouterr()
    run = EvalRun.objects.get()
    assert run.format.startswith("junit")
    for version in (run.suite, run.evaluator, run.dataset):
        registry.register_version(principal=acting("user:ann"), version=version)
    gate = ["gate", "tests", *asked(world, live_server.url)]
    assert main(gate) == 0, capsys.readouterr()

    report, broken = ET.parse(results), tmp_path / "broken.xml"  # we wrote it
    for case in report.iter("testcase"):
        ET.SubElement(case, "failure", message="planted")
    report.write(broken, encoding="utf-8")
    assert push(broken, world, live_server.url) == 0, capsys.readouterr()
    assert main(gate) == 1
