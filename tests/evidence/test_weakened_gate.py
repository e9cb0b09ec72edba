"""A token of CI, alone, lets no release past a gate: neither by a weaker gate nor by what it says it measured with."""

from __future__ import annotations

from typing import Any

from rest_framework.test import APIClient

from evidence.digests import sha256_hex
from evidence.models import ArtefactVersion, Registration, Scope
from tests.evidence.eval_files import eval_file, post
from tests.factories import World
from tests.requirements.builders import make_criterion, make_trace

CI = (Scope.IMPORT, Scope.PUSH_EVAL, Scope.GATE)
INSTRUMENTS = {"suite": "behaviour", "evaluator": "judge", "dataset": "tasks"}


def send(world: World, path: str, as_role: str = "", **body: Any) -> dict[str, Any]:
    """Post as CI does, or as the person in this role."""
    api = APIClient(**({} if as_role else world.headers(*CI)))
    if as_role:
        api.force_login(world.people[as_role])
    answer = api.post(f"/api/v1/{path}", {"system": world.system.key, **body}, format="json")
    told: dict[str, Any] = answer.json()
    return told


def define_release_gate(world: World, *requirements: str) -> None:
    """Have an author and an approver agree on what the release gate asks."""
    criteria = [{"requirement": key} for key in requirements]
    send(world, "gates", "author", key="release", criteria=criteria)
    send(world, "gates/release/versions/1/transitions", "approver", to_state="approved")


def test_a_weaker_gate_that_ci_posts_decides_nothing(world: World) -> None:
    make_criterion(world, key="strict", min_n=1)
    make_criterion(
        world, key="weak", check="versions.registered", parameters="{slots: [model]}", min_n=1, threshold=0.1
    )
    for _ in range(14):
        make_trace(world, has_confidence=False)
    define_release_gate(world, "strict")
    before = send(world, "gates/release/decisions", release="r1")
    assert before["verdict"] == "fail"
    send(world, "gates", key="release", criteria=[{"requirement": "weak"}])
    after = send(world, "gates/release/decisions", release="r1")
    assert (after["verdict"], after["gate_version"]) == ("fail", 1)


def test_a_gate_that_ci_pins_in_a_release_decides_nothing(world: World) -> None:
    make_criterion(world, key="strict", min_n=1)
    for _ in range(14):
        make_trace(world, has_confidence=False)
    define_release_gate(world, "strict")
    made_up = {"slot": "gate", "kind": "gate", "key": "release", "label": "2", "digest": "a" * 64}
    send(world, "releases", name="r2", pins=[{**made_up, "metadata": {"criteria": []}}])
    decided = send(world, "gates/release/decisions", release="r1")
    assert (decided["verdict"], decided["gate_version"]) == ("fail", 1)


def test_what_ci_pins_is_not_what_a_release_may_be_measured_with(world: World) -> None:
    parameters = "{suite: {key: behaviour}, metric: grounded}"
    make_criterion(world, key="measured", check="evals.metric", parameters=parameters)
    define_release_gate(world, "measured")
    pins = [
        {"slot": kind, "kind": kind, "key": key, "label": "1", "digest": sha256_hex(content)}
        for (kind, key), content in zip(INSTRUMENTS.items(), (b"suite", b"judge", b"tasks"), strict=True)
    ]
    model = {"slot": "model", "kind": "model", "key": "smol", "label": "1", "digest": sha256_hex(b"model")}
    answer = send(world, "releases", name="r2", pins=[model, *pins])
    assert answer["name"] == "r2"
    post(world, eval_file(release="r2"))
    decided = send(world, "gates/release/decisions", release="r2")
    assert decided["verdict"] == "insufficient"
    assert not Registration.objects.filter(version__artefact__kind__in=INSTRUMENTS).exists()
    assert ArtefactVersion.objects.filter(artefact__kind="evaluator").exists()
