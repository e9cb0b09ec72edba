"""What is put on record: traces, systems, versions, releases, deployments, runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from django.urls import reverse
from django.utils import timezone

from evidence.models import Scope
from evidence.services import deployments, evals, gates, ingest, registry
from tests.evidence.eval_files import eval_file
from tests.evidence.otlp_bodies import PROTOBUF, make_request, make_span
from tests.factories import World, define_gate, deploy, manifest, second_release
from tests.invariants.act_doors.taking import (
    ANYWHERE,
    AUTHORS,
    MACHINES,
    OPERATORS,
    Act,
    browse,
    command,
    named,
    post,
    serve,
    version_page,
)
from tests.invariants.who import TOKEN_WITH, Who


def unregistered(kind: str) -> Callable[[World], Any]:
    """A version that a run of CI put on record and nobody registered."""

    def prepare(world: World) -> Any:
        return registry.ensure_version(
            system=world.system, kind=kind, key="k", label="1", digest="a" * 64, actor="token:ci"
        )

    return prepare


def live_after_first(world: World) -> Any:
    """The deployment of r1 to an environment that a gate protects, where r2 is live by now."""
    define_gate(
        system=world.system, key="g", references=[gates.CriterionReference(requirement="r")], protects=["e"]
    )
    first = deploy(world.release, "e")
    deploy(second_release(world), "e")
    return first


def way_back(world: World) -> dict[str, Any]:
    """What going back to r1 takes."""
    return {
        "system": world.system, "environment": "e", "release": world.release, "reason": "r",
        "effective_from": timezone.now(),
    }  # fmt: skip


def registering(kind: str, *allowed: str) -> Act:
    """Return the entry of registering a version of a kind."""
    return Act(
        "evidence.acts.check_can_register_version",
        frozenset(allowed),
        serve(lambda world, who, version: registry.register_version(principal=who, version=version)),
        api=post(
            lambda *_: "/api/v1/versions/registrations",
            lambda world, version: named(world, kind=kind, key="k", digest=version.digest),
        ),
        admin=browse(version_page, lambda *_: {"step": "registered"}),
        prepare=unregistered(kind),
        scopes=(Scope.IMPORT, Scope.READ),
        step=kind,
    )


def _register_on_the_page(world: World, who: Who, made: Any) -> str:
    """Register a system on its page: with oneself for its owner, whom everybody may name."""
    data = {"key": "new", "name": "New", "risk_tier": "low", "owner": who.person.pk}
    return browse(lambda *_: reverse("admin:evidence_system_add"), lambda *_: data)(world, who, made)


ACTS: Final[list[Act]] = [
    Act(
        "evidence.acts.check_can_ingest",
        MACHINES,
        serve(
            lambda world, who, _: ingest.ingest_traces(
                body=make_request(make_span()).SerializeToString(), content_type=PROTOBUF, content_encoding="",
                principal=who,
            )
        ),
        api=post(
            lambda *_: "/v1/traces", lambda *_: make_request(make_span()).SerializeToString(), content_type=PROTOBUF
        ),
        scopes=(Scope.INGEST,),
    ),
    Act(
        "evidence.acts.check_can_register_system",
        ANYWHERE,
        serve(
            lambda world, who, _: registry.register_system(
                principal=who, key="new", name="New", risk_tier="low",
                owner=who.user or world.people["author"],
            )
        ),
        admin=_register_on_the_page,
    ),
    Act(
        "evidence.acts.check_can_declare_service",
        OPERATORS,
        serve(
            lambda world, who, _: registry.declare_service(
                principal=who, system=world.system, name="rag-service", is_part=True
            )
        ),
        command=command(
            lambda world, _: [
                "service_name", "declare", "--system", world.system.key, "--name", "rag-service",
            ]
        ),
        admin=browse(
            lambda *_: reverse("admin:evidence_servicename_add"),
            lambda world, _: {"system": world.system.pk, "name": "rag-service", "is_part": "part"},
        ),
    ),
    Act(
        "evidence.acts.check_can_register_release",
        AUTHORS,
        serve(
            lambda world, who, _: registry.register_release(
                principal=who, system=world.system, manifest=manifest(name="r2")
            )
        ),
        api=post(
            lambda *_: "/api/v1/releases",
            lambda world, _: named(
                world, name="r2",
                pins=[{"slot": "model", "kind": "model", "key": "smol", "label": "2", "digest": "a" * 64}],
            ),
        ),
        scopes=(Scope.IMPORT,),
    ),
    registering("model", "author", TOKEN_WITH),
    registering("evaluator", "approver"),
    Act(
        "evidence.acts.check_can_record_deployment",
        AUTHORS,
        serve(
            lambda world, who, _: deployments.record_deployment(
                principal=who, system=world.system, environment="e", release=world.release,
                effective_from=timezone.now(),
            )
        ),
        api=post(
            lambda *_: "/api/v1/deployments",
            lambda world, _: named(world, environment="e", release="r1", effective_from=timezone.now()),
        ),
        scopes=(Scope.IMPORT,),
    ),
    Act(
        "evidence.acts.check_can_roll_back",
        AUTHORS,
        serve(lambda world, who, _: deployments.roll_back(principal=who, **way_back(world))),
        api=post(
            lambda *_: "/api/v1/deployments/rollbacks",
            lambda world, _: way_back(world) | named(world, release="r1"),
        ),
        admin=browse(
            lambda _, first: reverse("admin:evidence_deployment_change", args=[first.pk]),
            lambda *_: {"step": "restored", "reason": "r"},
        ),
        prepare=live_after_first, scopes=(Scope.IMPORT,),
    ),
    Act(
        "evidence.acts.check_can_record_eval_run",
        MACHINES,
        serve(
            lambda world, who, _: evals.record_eval_run(
                principal=who, system=world.system, raw=eval_file([1.0]), format_name="native"
            )
        ),
        api=post(lambda world, _: f"/api/v1/eval-runs?system={world.system.key}", lambda *_: eval_file([1.0])),
        scopes=(Scope.PUSH_EVAL,),
    ),
]  # fmt: skip
