"""The client against the real server: the same files, problems and exit codes that CI sees."""

from __future__ import annotations

import json
import re
import urllib.request
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from evidence.models import Deployment, EvalRun, GateDecision, Registration, Release, Scope
from evidence.services import gates, registry
from tests.evidence.binder_world import eval_file
from tests.factories import GATE_APPROVER, World, acting, define_gate, deploy, make_world, second_release
from tests.requirements.builders import make_criterion, make_trace, make_traces
from tracebinder.cli.main import main
from tracebinder.http import Server

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def world() -> World:
    return make_world()


def options(world: World, live_server: Any, *scopes: Scope) -> list[str]:
    return [
        "--system",
        "credit-assistant",
        "--release",
        "r1",
        "--url",
        live_server.url,
        "--token",
        world.token(*scopes),
    ]


def test_ci_posts_a_run_and_asks_the_gate(
    world: World, live_server: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "run.json"
    file.write_bytes(eval_file())
    ci = options(world, live_server, Scope.PUSH_EVAL, Scope.GATE)
    assert main(["push-eval", str(file), *ci]) == 0
    assert "stored" in capsys.readouterr().out
    assert main(["push-eval", str(file), *ci]) == 0
    assert "already stored" in capsys.readouterr().out
    assert EvalRun.objects.count() == 1

    make_criterion(world, key="states-limits")
    define_gate(
        system=world.system,
        key="release",
        references=[gates.CriterionReference(requirement="states-limits")],
        principal=acting(),
    )
    assert main(["gate", "release", *ci]) == 2
    assert "insufficient" in capsys.readouterr().out
    make_traces(world, 20)
    assert main(["gate", "release", *ci]) == 0
    told = capsys.readouterr().out
    assert f"proposed by {acting().actor}, approved by {acting(GATE_APPROVER).actor}" in told
    assert re.search(r"decides since 20\d\d-", told)
    assert set(GateDecision.objects.values_list("verdict", flat=True)) == {"insufficient", "pass"}
    assert main(["gate", "no-such-gate", *ci]) == 3
    assert "404" in capsys.readouterr().err
    proposed = [gates.CriterionReference(requirement="states-limits")]
    gates.propose_gate(principal=acting(), system=world.system, key="proposed", references=proposed)
    assert main(["gate", "proposed", *ci]) == 3
    assert "Nobody has approved a version of gate 'proposed'" in capsys.readouterr().err


def test_ci_deploys_what_the_gate_lets_in_and_goes_back_to_it(
    world: World, live_server: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    reference = gates.CriterionReference(requirement="r", criterion="c")
    define_gate(system=world.system, key="release", references=[reference], protects=["production"])
    ci = options(world, live_server, Scope.IMPORT)
    assert main(["deploy", "production", *ci]) == 1
    assert "Gate release, version 1: the gate was not asked about the release" in capsys.readouterr().out
    assert not Deployment.objects.exists()
    decided = str(deploy(world.release).admissions.get().decision_id)
    deploy(second_release(world))
    assert main(["deploy", "production", *ci, "--decision", decided]) == 1
    assert "r/c is not_assessed" in capsys.readouterr().out
    assert main(["deploy", "production", *ci, "--rollback", "r2 invents fees"]) == 0
    told = capsys.readouterr().out
    assert "r1 is live in production" in told
    assert f"gate release v1: decision {decided}; now insufficient" in told
    assert "changed model: " in told
    assert Deployment.objects.latest("pk").reason == "r2 invents fees"
    assert main(["deploy", "production", *ci, "--rollback", "again"]) == 1
    assert main(["deploy", "staging", *ci]) == 0
    assert main(["deploy", "staging", *options(world, live_server, Scope.READ)]) == 3
    assert main(["deploy", "staging", *ci, "--rollback", "why", "--decision", "1"]) == 3


def test_ci_registers_what_a_release_pins_and_an_approver_what_it_is_measured_with(
    world: World, live_server: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "release.json"
    pins = [
        {"slot": kind, "kind": kind, "key": "k", "label": "2", "digest": "ab" * 32}
        for kind in ("model", "evaluator")
    ]
    file.write_text(json.dumps({"system": "credit-assistant", "name": "r2", "pins": pins}))
    ci = ["--url", live_server.url, "--token", world.token(Scope.IMPORT)]
    assert main(["register-release", str(file), *ci]) == 0
    assert f"tracebinder register-versions {file}" in capsys.readouterr().out
    assert main(["register-versions", str(file), *ci]) == 2
    told = " ".join(capsys.readouterr().out.split())
    assert "registered by token:" in told
    assert "waits for an approver" in told
    assert list(
        Registration.objects.filter(version__digest="ab" * 32).values_list(
            "version__artefact__kind", flat=True
        )
    ) == ["model"]
    registry.register_version(
        principal=world.principal("approver"),
        version=Release.objects.get(name="r2").pins.get(slot="evaluator").version,
    )
    assert main(["register-versions", str(file), *ci]) == 0
    assert main(["register-release", str(file), *ci]) == 0
    assert "no gate lets it through" not in capsys.readouterr().out


def test_an_author_registers_a_release_and_again(
    world: World, live_server: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "release.json"
    pins = [{"slot": "model", "kind": "model", "key": "smol", "label": "2", "digest": "ab" * 32}]
    file.write_text(json.dumps({"system": "credit-assistant", "name": "r2", "pins": pins}))
    author = ["--url", live_server.url, "--token", world.token(Scope.IMPORT)]
    for _ in range(2):
        assert main(["register-release", str(file), *author]) == 0
        assert "release r2 of credit-assistant is on record" in capsys.readouterr().out
    assert Release.objects.filter(name="r2").count() == 1

    file.write_text(
        json.dumps({"system": "credit-assistant", "name": "r2", "pins": [{**pins[0], "digest": "x"}]})
    )
    assert main(["register-release", str(file), *author]) == 3
    assert "pins[0].digest" in capsys.readouterr().err


def test_refusals_are_the_servers_problems(
    world: World, live_server: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "run.json"
    file.write_bytes(b"{}")
    assert main(["push-eval", str(file), *options(world, live_server, Scope.PUSH_EVAL)]) == 3
    assert "422" in capsys.readouterr().err
    assert main(["gate", "release", *options(world, live_server, Scope.READ)]) == 3
    assert "403" in capsys.readouterr().err


def test_binder_fetched_over_http_is_verified_by_the_command(
    world: World, live_server: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    token = world.token(Scope.BINDER)
    make_trace(world)
    asked = {
        "system": "credit-assistant",
        "release": "r1",
        "period_from": datetime(2026, 1, 1, tzinfo=UTC).isoformat(),
        "period_to": timezone.now().isoformat(),
    }
    _, made = Server(url=live_server.url, token=token).post("/api/v1/binders", json.dumps(asked).encode())
    for suffix, name in (
        (f"binders/{made['id']}/download", "b.zip"),
        (f"binders/{made['id']}/sidecar", "b.zip.intoto.jsonl"),
        ("trust", "trust.json"),
    ):
        request = urllib.request.Request(
            f"{live_server.url}/api/v1/{suffix}", headers={"Authorization": f"Bearer {token}"}
        )
        with urllib.request.urlopen(request) as answer:
            (tmp_path / name).write_bytes(answer.read())
    assert main(["verify", str(tmp_path / "b.zip"), "--trust", str(tmp_path / "trust.json")]) == 0
    assert "its bytes are signed, by the sidecar" in capsys.readouterr().out
