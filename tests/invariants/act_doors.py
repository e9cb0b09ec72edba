"""Every act with the doors it has, and who may take them: the rules as one table.

An act without an entry here fails `test_16_one_rule_one_room.py`. An act with several steps has an entry for each.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from django.contrib.auth.models import Group, User
from django.core.management import CommandError, call_command
from django.urls import reverse
from django.utils import timezone

from evidence import acts, clock
from evidence.access import principal_of_command_line, principal_of_user
from evidence.digests import sha256_hex
from evidence.errors import AccessDenied, ConflictingContent, InvalidInput, NotFound
from evidence.log.tiles import Bundle
from evidence.models import AccessToken, AuditEvent, Binder, Blob, Membership, Scope, Trace, Waiver
from evidence.selectors.binder.scope import AskedScope
from evidence.services import (
    assembly,
    binder_requests,
    binders,
    deployments,
    evals,
    gates,
    ingest,
    labels,
    readings,
    registry,
    reviews,
)
from evidence.services.disposal import erasure, holds
from evidence.services.people import memberships, name_erasure, person_changes, second_factors, tokens
from evidence.services.people.access_proposals import confirm_access, propose_access
from evidence.services.people.passwords import make_password_link
from evidence.services.people.sign_in_bindings import bind_sign_in
from interpret.services.queueing import queue_probe_run
from requirements import acts as requirement_acts
from requirements.errors import RequirementsError, SelfApproval, TransitionNotAllowed
from requirements.services.assessment import assess_release
from requirements.services.baselines import freeze_baseline
from requirements.services.requirements import import_requirements
from requirements.services.transitions import transition_requirement
from tests.config.test_second_factor import code_of
from tests.e2e.cases import make_task
from tests.evidence.binder_world import PERIOD
from tests.evidence.eval_files import eval_file
from tests.evidence.otlp_bodies import PROTOBUF, make_request, make_span
from tests.evidence.semconv_spans import make_span as semconv_span
from tests.evidence.stored_spans import store_spans
from tests.evidence.test_log_api import publish
from tests.factories import (
    World,
    acting,
    ask_for_waiver,
    define_gate,
    deploy,
    find_unmet,
    make_person,
    manifest,
    second_release,
)
from tests.invariants.who import COMMAND_LINE, EVERYBODY, STRANGER, SUPERUSER, TOKEN_WITH, TOKEN_WITHOUT, Who
from tests.requirements.builders import make_criterion, make_trace, requirement_file

ALLOWED: Final = ""  # what a door answers that let somebody through; otherwise the code of the error

Door = Callable[[World, Who, Any], str]  # the last one is what `prepare` made


def nothing(world: World) -> None:
    """Prepare nothing."""
    del world


@dataclass(frozen=True)
class Act:
    """One act, or one step of it."""

    check: str  # "evidence.acts.check_can_review"
    allowed: frozenset[str]  # names of `who.EVERYBODY`
    service: Door
    api: Door | None = None
    admin: Door | None = None
    command: Door | None = None
    prepare: Callable[[World], Any] = nothing
    scopes: tuple[Scope, ...] = (Scope.READ,)  # of the token with them
    owner: str = ""  # role of the person who owns the tokens; empty: whoever may have each
    step: str = ""

    @property
    def label(self) -> str:
        """Return the name of the test."""
        app, _, check = self.check.partition(".acts.check_can_")
        return f"{app}.{check}" + (f" ({self.step})" if self.step else "")


# How each door is taken.


def serve(call: Callable[..., object]) -> Door:
    """Return the door that is a service, or the check where an act has none of its own."""

    def door(world: World, who: Who, made: Any) -> str:
        call(world, who.principal, made)
        return ALLOWED

    return door


def post(path: Callable[[World, Any], str], body: Callable[[World, Any], Any], **headers: Any) -> Door:
    """Return the door that is an address of the API."""

    def door(world: World, who: Who, made: Any) -> str:
        sent = body(world, made)
        if isinstance(sent, bytes):
            kind = headers.get("content_type", "application/octet-stream")
            answer: Any = who.api.post(path(world, made), sent, content_type=kind)
        else:
            answer = who.api.post(path(world, made), sent, format="json", **headers)
        return ALLOWED if answer.status_code < 300 else str(answer.json()["code"])

    return door


def get(path: Callable[[World, Any], str]) -> Door:
    """Return the door that is read."""

    def door(world: World, who: Who, made: Any) -> str:
        answer: Any = who.api.get(path(world, made))
        return ALLOWED if answer.status_code == 200 else str(answer.json()["code"])

    return door


_TITLES = {
    error.title: error.code
    for error in (
        AccessDenied,
        ConflictingContent,
        InvalidInput,
        NotFound,
        SelfApproval,
        TransitionNotAllowed,
    )
}


def browse(
    address: Callable[[World, Any], str],
    data: Callable[[World, Any], dict[str, Any]],
    done: Callable[[World, Any], bool] | None = None,
) -> Door:
    """Return the door that is a page of the admin.

    Args:
        done: whether it happened, where the page answers alike (a field that is not open is left as it was).
    """

    def door(world: World, who: Who, made: Any) -> str:
        answer: Any = who.browser.post(address(world, made), data(world, made), follow=True)
        if answer.status_code == 403:
            return AccessDenied.code
        if done is not None:
            return ALLOWED if done(world, made) else AccessDenied.code
        told = " ".join(str(message) for message in answer.context["messages"])
        if "doesn’t exist" in told or "Select a valid choice" in answer.content.decode():
            return NotFound.code  # another system's row, or choice, is not offered
        return next((code for title, code in _TITLES.items() if title in told), ALLOWED)

    return door


def command(*arguments: Callable[[World, Any], list[str]]) -> Door:
    """Return the door that is a command, which names the person."""

    def door(world: World, who: Who, made: Any) -> str:
        words = [word for part in arguments for word in part(world, made)]
        try:
            call_command(*words, "--by", who.person.username, verbosity=0)
        except CommandError as exc:
            return NotFound.code if "There is no" in str(exc) else AccessDenied.code
        return ALLOWED

    return door


def named(world: World, **values: Any) -> dict[str, Any]:
    """Return a body that names the system."""
    return {"system": world.system.key, **values}


def later() -> Any:
    """Return a time that has not come."""
    return timezone.now() + timedelta(days=7)


# What is prepared.


def disputed(world: World) -> Any:
    """A task whose two reviewers disagree."""
    task = make_task(world)
    for name, decision in (("one", "approve"), ("two", "reject")):
        person = make_person(name, "reviewer")
        memberships.grant_membership(principal=principal_of_command_line(), system=world.system, user=person)
        reviews.record_review(
            principal=principal_of_user(person), trace=task.trace, decision=decision,
            reason_code="" if decision == "approve" else "unclear",
        )  # fmt: skip
    return task


def version_in(*steps: str) -> Callable[[World], Any]:
    """A requirement version by somebody who is none of those who try."""

    def prepare(world: World) -> Any:
        version = make_criterion(world, approved=False).version
        for step in steps:
            transition_requirement(principal=acting("user:ana"), version=version, to_state=step, reason="r")
        return version

    return prepare


def eval_run(world: World) -> Any:
    """A run on record."""
    return evals.record_eval_run(
        principal=acting("token:ci"), system=world.system, raw=eval_file([1.0]), format_name="native"
    ).run


def judged_run(world: World) -> Any:
    """A run whose metric a judge gave, of a release that nobody of the world put on record."""
    raw = eval_file([1.0], judge={"key": "llm", "label": "1"})
    return evals.record_eval_run(
        principal=acting("token:ci"), system=world.system, raw=raw, format_name="native"
    ).run


def retraction_asked(world: World) -> Any:
    """A retraction that waits for an approver, asked for by the world's author."""
    return evals.ask_retraction(principal=world.principal("author"), run=eval_run(world), reason="r")


def waiver_asked(world: World) -> Any:
    """A waiver that waits for an approver, asked for by the world's author."""
    return ask_for_waiver(world, "r/c")


def exported(world: World) -> Any:
    """A binder's row."""
    blob = Blob.objects.create(digest=sha256_hex(b"zip"), size=3, media_type="application/zip")
    return Binder.objects.create(
        binder_uuid=uuid.uuid4(), system=world.system, release=world.release, baseline="", period_from=PERIOD[0],
        period_to=PERIOD[1], as_of=timezone.now(), file_name="b.zip", archive=blob, sidecar="", created_by="user:x",
        tagmanifest_digest="0" * 64,
    )  # fmt: skip


def gate(world: World) -> Any:
    """A gate on record."""
    references = [gates.CriterionReference(baseline="b")]
    return define_gate(principal=acting(), system=world.system, key="g", references=references)


def proposal(world: World) -> Any:
    """A version of a gate that waits for an approver, proposed by the world's author."""
    return gates.propose_gate(
        principal=world.principal("author"), system=world.system, key="g",
        references=[gates.CriterionReference(baseline="b")],
    )  # fmt: skip


def reading_proposal(world: World) -> Any:
    """A version of how traces are read that waits for an approver, proposed by the world's author."""
    return readings.propose_reading(
        principal=world.principal("author"), system=world.system, document={"leave_out": [{"span": "title"}]}
    )


def approved_reading(world: World) -> Any:
    """A trace, and a reading that was approved after it was sealed."""
    make_trace(world)
    version = reading_proposal(world)
    readings.settle_reading_proposal(
        principal=world.principal("approver"), version=version, to_state="approved"
    )
    return version


def stored_trace(world: World) -> Any:
    """A trace with its spans."""
    store_spans(world.system, uuid.UUID(int=7), [semconv_span("00000000000000a1", parent="")])
    assembly.assemble_due_traces(limit=1)
    return Trace.objects.get(trace_id=uuid.UUID(int=7))


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


def hold(world: World) -> Any:
    """A legal hold."""
    return holds.place_hold(
        principal=world.principal("operator"), system=world.system, reason="case", period_from=PERIOD[0],
        period_to=PERIOD[1],
    )  # fmt: skip


def token(world: World) -> Any:
    """A token on record."""
    world.token(Scope.READ)
    return AccessToken.objects.latest("pk")


def signed_log(world: World) -> int:
    """The size of the log, which holds entries of the system and one of no system."""
    world.token(Scope.READ)
    return publish().size


def newcomer(world: World) -> Any:
    """A person without role, who is a member of this system alone."""
    return world.join("newcomer")


def colleague(world: World) -> Any:
    """A person of another system, too, of which the operator of this one is a member as well."""
    console = principal_of_command_line()
    second = registry.register_system(
        principal=console, key="second", name="Second", risk_tier="low", owner=world.people["author"]
    )
    person = make_person("colleague")
    for user in (world.people["operator"], person):
        memberships.grant_membership(principal=console, system=second, user=user)
    return person


def proposed(world: World) -> Any:
    """A proposal of another operator of the system."""
    principal = principal_of_user(world.join("omar-two", "operator"))
    return propose_access(principal=principal, person=newcomer(world), role="approver")


def waiver(world: World) -> Any:
    """A waiver that the world's approver granted."""
    return Waiver.objects.create(
        system=world.system, release=world.release, criterion_ref="r/c", reason="r", requested_by="user:a",
        approved_by=world.principal("approver").actor, expires_at=later(),
    )  # fmt: skip


# Bodies and forms that several doors share.


def binder_asked(world: World) -> dict[str, Any]:
    period = {"period_from": PERIOD[0], "period_to": PERIOD[1], "as_of": timezone.now()}
    return {"system": world.system, "release": world.release, "baseline": "", **period}


def waiver_body() -> dict[str, Any]:
    return {"criterion_ref": "r/c", "reason": "r", "expires_at": later()}


def waiver_form(world: World, _: Any) -> dict[str, Any]:
    unmet, expires_at = f"{world.release.pk} r/c", later().date().isoformat()
    return {"unmet": unmet, "expires_at": expires_at, "reason": "r"}


def person_form(person: User, **changes: Any) -> dict[str, Any]:
    """What the page of a person sends: all fields that are open to whoever looks."""
    roles = [group.pk for group in person.groups.all()]
    return {"username": person.username, "is_active": "on", "is_staff": "on", "groups": roles, **changes}


def own_page(world: World, made: Any) -> str:
    del world
    return reverse("admin:auth_user_change", args=[made.pk])


def transition_path(_: World, version: Any) -> str:
    return f"/api/v1/requirements/{version.requirement.key}/versions/{version.number}/transitions"


def version_page(_: World, version: Any) -> str:
    return reverse("admin:evidence_artefactversion_change", args=[version.pk])


def gate_step(check: str, to_state: str, *allowed: str, **over: Any) -> Act:
    """Return the entry of one way in which a proposed version of a gate is settled."""
    return Act(
        f"evidence.acts.check_can_{check}_gate",
        frozenset(allowed),
        serve(
            lambda world, who, version: gates.settle_gate_proposal(
                principal=who, version=version, to_state=to_state, reason="r"
            )
        ),
        api=post(
            lambda _, version: f"/api/v1/gates/g/versions/{version.number}/transitions",
            lambda world, _: named(world, to_state=to_state, reason="r"),
        ),
        admin=browse(version_page, lambda *_: {"step": to_state, "reason": "r"}),
        prepare=proposal,
        scopes=(Scope.IMPORT, Scope.READ),
        **over,
    )


def reading_step(check: str, to_state: str, *allowed: str, **over: Any) -> Act:
    """Return the entry of one way in which a proposed version of a reading is settled."""
    return Act(
        f"evidence.acts.check_can_{check}_reading",
        frozenset(allowed),
        serve(
            lambda world, who, version: readings.settle_reading_proposal(
                principal=who, version=version, to_state=to_state, reason="r"
            )
        ),
        api=post(
            lambda _, version: f"/api/v1/readings/{version.number}/transitions",
            lambda world, _: named(world, to_state=to_state, reason="r"),
        ),
        admin=browse(version_page, lambda *_: {"step": to_state, "reason": "r"}),
        prepare=reading_proposal,
        scopes=(Scope.IMPORT, Scope.READ),
        **over,
    )


def retraction_step(check: str, to_state: str, *allowed: str, **over: Any) -> Act:
    """Return the entry of one way in which a requested retraction is settled."""
    return Act(
        f"evidence.acts.check_can_{check}_retraction",
        frozenset(allowed),
        serve(
            lambda world, who, asked: evals.settle_retraction(
                principal=who, request=asked, to_state=to_state, reason="r"
            )
        ),
        api=post(
            lambda _, asked: f"/api/v1/retractions/{asked.pk}/transitions",
            lambda *_: {"to_state": to_state, "reason": "r"},
        ),
        admin=browse(
            lambda _, asked: reverse("admin:evidence_retractionrequest_change", args=[asked.pk]),
            lambda *_: {"step": to_state, "reason": "r"},
        ),
        prepare=retraction_asked,
        scopes=(Scope.PUSH_EVAL, Scope.READ),
        **over,
    )


def waiver_step(check: str, to_state: str, *allowed: str, **over: Any) -> Act:
    """Return the entry of one way in which a requested waiver is settled."""
    return Act(
        f"evidence.acts.check_can_{check}",
        frozenset(allowed),
        serve(
            lambda world, who, asked: gates.settle_waiver(
                principal=who, request=asked, to_state=to_state, reason="r"
            )
        ),
        api=post(
            lambda _, asked: f"/api/v1/waiver-requests/{asked.pk}/transitions",
            lambda *_: {"to_state": to_state, "reason": "r"},
        ),
        admin=browse(
            lambda _, asked: reverse("admin:evidence_waiverrequest_change", args=[asked.pk]),
            lambda *_: {"step": to_state, "reason": "r"},
        ),
        prepare=waiver_asked,
        scopes=(Scope.IMPORT, Scope.READ),
        **over,
    )


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


def step(to_state: str, *allowed: str, start: tuple[str, ...]) -> Act:
    """Return the entry of one step of a requirement version, made by another author than the one who tries."""
    return Act(
        "requirements.acts.check_can_transition",
        frozenset(allowed),
        serve(
            lambda world, who, version: transition_requirement(
                principal=who, version=version, to_state=to_state, reason="r"
            )
        ),
        api=post(transition_path, lambda world, _: named(world, to_state=to_state, reason="r")),
        admin=browse(
            lambda _, version: reverse("admin:requirements_requirementversion_change", args=[version.pk]),
            lambda *_: {"to_state": to_state, "reason": "r"},
        ),
        prepare=version_in(*start),
        scopes=(Scope.IMPORT,),
        step=to_state,
    )


AUTHORS: Final = frozenset({"author", TOKEN_WITH})  # what takes the scope `import`
MACHINES: Final = frozenset({TOKEN_WITH})  # what takes a scope that no role holds
OPERATORS: Final = frozenset({"operator"})  # of this system
ADMINISTRATORS: Final = frozenset({"operator", COMMAND_LINE})  # a superuser is one where they are a member
ANYWHERE: Final = frozenset(
    {"operator", SUPERUSER, STRANGER, COMMAND_LINE}
)  # administers what is of no system

ACTS: Final[list[Act]] = [
    Act(
        "evidence.acts.check_can_judge",
        frozenset({"reviewer", STRANGER}),
        serve(lambda world, who, _: acts.check_can_judge(who)),
        scopes=(Scope.REVIEW, Scope.READ), owner="reviewer",
    ),
    Act(
        "evidence.acts.check_can_review",
        frozenset({"reviewer"}),
        serve(lambda world, who, task: reviews.record_review(principal=who, trace=task.trace, decision="approve")),
        api=post(
            lambda *_: "/api/v1/reviews",
            lambda world, task: named(world, trace_id=task.trace.trace_id.hex, decision="approve"),
        ),
        admin=browse(
            lambda _, task: reverse("admin:evidence_reviewtask_change", args=[task.pk]),
            lambda *_: {"review": "1", "decision": "approve"},
        ),
        prepare=make_task, scopes=(Scope.REVIEW, Scope.READ), owner="reviewer",
    ),
    Act(
        "evidence.acts.check_can_adjudicate",
        frozenset({"reviewer"}),
        serve(lambda world, who, task: reviews.adjudicate(principal=who, task=task, decision="reject", rationale="r")),
        admin=browse(
            lambda _, task: reverse("admin:evidence_reviewtask_change", args=[task.pk]),
            lambda *_: {"adjudicate": "1", "decision": "reject", "rationale": "r"},
        ),
        prepare=disputed, scopes=(Scope.REVIEW, Scope.READ), owner="reviewer",
    ),
    Act(
        "evidence.acts.check_can_approve",
        frozenset({"approver", STRANGER}),
        serve(lambda world, who, _: acts.check_can_approve(who)),
        owner="approver",
    ),
    Act(
        "evidence.acts.check_can_ask_waiver",
        AUTHORS,
        serve(
            lambda world, who, _: gates.ask_waiver(principal=who, release=world.release, **waiver_body())
        ),
        api=post(
            lambda *_: "/api/v1/waiver-requests", lambda world, _: named(world, release="r1", **waiver_body())
        ),
        admin=browse(lambda *_: reverse("admin:evidence_waiverrequest_add"), waiver_form),
        prepare=lambda world: find_unmet(world.release, "r/c"),
        scopes=(Scope.IMPORT,),
    ),
    waiver_step("waive", "granted", "approver"),
    waiver_step("decline_waiver", "declined", "approver"),
    waiver_step("withdraw_waiver", "withdrawn", "author", TOKEN_WITH, owner="author"),
    Act(
        "evidence.acts.check_can_use_waiver",  # the gate's door: test_gates shows it there
        frozenset(EVERYBODY) - {"approver", TOKEN_WITH, TOKEN_WITHOUT},
        serve(lambda world, who, made: acts.check_can_use_waiver(who.actor, made)),
        prepare=waiver, owner="approver",
    ),
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
                principal=who, key="new", name="New", risk_tier="low", owner=world.people["author"]
            )
        ),
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
                principal=who, system=world.system, environment="e", release=world.release, effective_from=later()
            )
        ),
        api=post(
            lambda *_: "/api/v1/deployments",
            lambda world, _: named(world, environment="e", release="r1", effective_from=later()),
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
    Act(
        "evidence.acts.check_can_ask_retraction",
        AUTHORS,
        serve(lambda world, who, run: evals.ask_retraction(principal=who, run=run, reason="r")),
        api=post(
            lambda *_: "/api/v1/retractions", lambda world, run: named(world, run_key=run.run_key, reason="r")
        ),
        admin=browse(
            lambda _, run: reverse("admin:evidence_evalrun_change", args=[run.pk]),
            lambda *_: {"step": "retraction", "reason": "r"},
        ),
        prepare=eval_run, scopes=(Scope.PUSH_EVAL,),
    ),
    Act(
        "evidence.acts.check_can_label",
        frozenset({"reviewer"}),
        serve(lambda world, who, run: labels.record_labels(
            principal=who, run=run, labels=[labels.LabelDraft("0", "grounded", 1.0)]
        )),
        api=post(
            lambda *_: "/api/v1/label-sets",
            lambda world, run: named(
                world, run_key=run.run_key, labels=[{"sample": "0", "metric": "grounded", "value": 1}]
            ),
        ),
        admin=browse(
            lambda _, run: reverse("admin:label_sheet", args=[run.pk]),
            lambda _, run: {f"label-{run.samples.get().pk}": "yes"},
            done=lambda _, run: run.label_sets.exists(),
        ),
        prepare=judged_run, scopes=(Scope.REVIEW, Scope.READ), owner="reviewer",
    ),
    retraction_step("confirm", "confirmed", "approver"),
    retraction_step("decline", "declined", "approver"),
    retraction_step("withdraw", "withdrawn", "author", TOKEN_WITH, owner="author"),
    Act(
        "evidence.acts.check_can_propose_gate",
        AUTHORS,
        serve(lambda world, who, _: gates.propose_gate(
            principal=who, system=world.system, key="g", references=[gates.CriterionReference(baseline="b")]
        )),
        api=post(lambda *_: "/api/v1/gates", lambda world, _: named(world, key="g", criteria=[{"baseline": "b"}])),
        scopes=(Scope.IMPORT,),
    ),
    gate_step("approve", "approved", "approver"),
    gate_step("decline", "declined", "approver"),
    gate_step("withdraw", "withdrawn", "author", TOKEN_WITH, owner="author"),
    Act(
        "evidence.acts.check_can_propose_reading",
        AUTHORS,
        serve(lambda world, who, _: readings.propose_reading(
            principal=who, system=world.system, document={"leave_out": [{"span": "title"}]}
        )),
        api=post(lambda *_: "/api/v1/readings", lambda world, _: named(world, document={})),
        scopes=(Scope.IMPORT,),
    ),
    reading_step("approve", "approved", "approver"),
    reading_step("decline", "declined", "approver"),
    reading_step("withdraw", "withdrawn", "author", TOKEN_WITH, owner="author"),
    Act(
        "evidence.acts.check_can_try_reading",
        frozenset({"author", "approver", "reviewer", "researcher", "auditor", TOKEN_WITH}),
        serve(lambda world, who, trace: assembly.try_reading(
            principal=who, system=world.system, document={}, trace=trace.trace_id.hex
        )),
        api=post(
            lambda *_: "/api/v1/readings/try",
            lambda world, trace: named(world, document={}, trace=trace.trace_id.hex),
        ),
        prepare=stored_trace,
    ),
    Act(
        "evidence.acts.check_can_read_again",
        OPERATORS,
        serve(lambda world, who, _: assembly.read_again(
            principal=who, system=world.system, since=PERIOD[0], until=PERIOD[1], reason="r"
        )),
        command=command(lambda world, _: [
            "read_again", "--system", world.system.key, "--since", "2026-01-01", "--reason", "r",
        ]),
        prepare=approved_reading,
    ),
    Act(
        "evidence.acts.check_can_ask_gate",
        MACHINES,
        serve(
            lambda world, who, _: gates.decide_gate(
                principal=who, system=world.system, gate="g", release=world.release
            )
        ),
        api=post(lambda *_: "/api/v1/gates/g/decisions", lambda world, _: named(world, release="r1")),
        prepare=gate, scopes=(Scope.GATE,),
    ),
    Act(
        "evidence.acts.check_can_export_binder",
        frozenset({"auditor", TOKEN_WITH}),
        serve(
            lambda world, who, _: binder_requests.queue_binder(
                principal=who, asked=AskedScope(**binder_asked(world)), send=lambda _: None
            )
        ),
        api=post(
            lambda *_: "/api/v1/binders",
            lambda world, _: {**binder_asked(world), "system": world.system.key, "release": "r1"},
            HTTP_PREFER="respond-async",
        ),
        scopes=(Scope.BINDER,),
    ),
    Act(
        "evidence.acts.check_can_read_binder",
        frozenset({"auditor", TOKEN_WITH}),
        serve(lambda world, who, binder: (
            who.require(Scope.BINDER), binders.find_binder(principal=who, binder_id=binder.binder_uuid)
        )),
        api=get(lambda _, binder: f"/api/v1/binders/{binder.binder_uuid}"),
        prepare=exported, scopes=(Scope.BINDER,),
    ),
    Act(
        "evidence.acts.check_can_read_log_bundle",
        frozenset({"auditor", TOKEN_WITH}),
        serve(lambda world, who, size: acts.check_can_read_log_bundle(who, Bundle(0, size))),
        api=get(lambda _, size: f"/log/{Bundle(0, size).path}"),
        prepare=signed_log, scopes=(Scope.READ, Scope.BINDER),
    ),
    Act(
        "evidence.acts.check_can_administer",
        ANYWHERE,
        serve(lambda world, who, _: acts.check_can_administer(who)),
    ),
    Act(
        "evidence.acts.check_can_grant_membership",
        ADMINISTRATORS,
        serve(
            lambda world, who, person: memberships.grant_membership(
                principal=who, system=world.system, user=person
            )
        ),
        admin=browse(
            lambda *_: reverse("admin:evidence_membership_add"),
            lambda world, person: {"system": world.system.pk, "user": person.pk},
        ),
        prepare=colleague,
    ),
    Act(
        "evidence.acts.check_can_end_membership",
        ADMINISTRATORS,
        serve(
            lambda world, who, made: memberships.end_membership(
                principal=who, membership=Membership.objects.get(pk=made.pk)
            )
        ),
        admin=browse(
            lambda _, made: reverse("admin:evidence_membership_delete", args=[made.pk]), lambda *_: {"post": "yes"}
        ),
        prepare=lambda world: Membership.objects.get(system=world.system, user=world.people["author"]),
    ),
    Act(
        "evidence.acts.check_can_issue_token",
        ADMINISTRATORS,
        serve(
            lambda world, who, _: tokens.issue_token(
                principal=who, name="n", owner=world.people["author"], scopes=[Scope.READ],
                systems=[world.system], expires_at=later(),
            )
        ),
    ),
    Act(
        "evidence.acts.check_can_revoke_token",
        ADMINISTRATORS,
        serve(lambda world, who, made: tokens.revoke_token(principal=who, token=made)),
        admin=browse(
            lambda *_: reverse("admin:evidence_accesstoken_changelist"),
            lambda _, made: {"action": "revoke", "_selected_action": [made.pk]},
            done=lambda _, made: AccessToken.objects.get(pk=made.pk).revoked_at is not None,
        ),
        prepare=token,
    ),
    Act(
        "evidence.acts.check_can_change_own_factor",
        frozenset(EVERYBODY) - {TOKEN_WITH, TOKEN_WITHOUT, COMMAND_LINE},
        serve(
            lambda _, who, secret: second_factors.set_up_second_factor(
                principal=who, secret=secret, code=code_of(secret)
            )
        ),
        prepare=lambda _: second_factors.new_secret(),
    ),
    Act(
        "evidence.acts.check_can_add_person",
        ADMINISTRATORS,
        serve(
            lambda world, who, _: person_changes.record_person_added(
                principal=who, person=make_person("nora"), fields=["username"], systems=[world.system]
            )
        ),
        admin=browse(
            lambda *_: reverse("admin:auth_user_add"),
            lambda world, _: {"username": "nina", "system": world.system.pk},
        ),
    ),
    Act(
        "evidence.acts.check_can_change_person",
        ADMINISTRATORS,
        serve(
            lambda world, who, made: person_changes.record_person_changed(
                principal=who, person=made, fields=["last_name"], roles_before=()
            )
        ),
        admin=browse(
            own_page,
            lambda _, made: person_form(made, last_name="Other"),
            done=lambda _, made: User.objects.get(pk=made.pk).last_name == "Other",
        ),
        prepare=newcomer,
    ),
    Act(
        "evidence.acts.check_can_change_roles",
        ADMINISTRATORS,
        serve(
            lambda world, who, made: person_changes.record_person_changed(
                principal=who, person=made, fields=["groups"], roles_before=()
            )
        ),
        admin=browse(
            own_page,
            lambda _, made: person_form(made, groups=[Group.objects.get(name="author").pk]),
            done=lambda _, made: made.groups.filter(name="author").exists(),
        ),
        prepare=newcomer, step="of somebody else",
    ),
    Act(
        "evidence.acts.check_can_change_roles",
        frozenset({COMMAND_LINE}),
        serve(
            lambda world, who, made: person_changes.record_person_changed(
                principal=who, person=made, fields=["groups"], roles_before={"operator"}
            )
        ),
        admin=browse(
            own_page,
            lambda _, made: person_form(made, groups=[]),
            done=lambda _, made: not made.groups.exists(),
        ),
        prepare=lambda world: world.people["operator"], step="of the operator, who is one of those who try",
    ),
    Act(
        "evidence.acts.check_can_give_roles",
        ADMINISTRATORS,
        serve(lambda world, who, made: acts.check_can_give_roles(who, made, ["author", "reviewer"])),
        prepare=newcomer, step="that an operator gives alone",
    ),
    Act(
        "evidence.acts.check_can_give_roles",
        frozenset({COMMAND_LINE}),
        serve(lambda world, who, made: acts.check_can_give_roles(who, made, ["author", "approver"])),
        admin=browse(
            own_page,
            lambda _, made: person_form(made, groups=[Group.objects.get(name="approver").pk]),
            done=lambda _, made: made.groups.filter(name="approver").exists(),
        ),
        prepare=newcomer, step="that take two operators",
    ),
    Act(
        "evidence.acts.check_can_make_password_link",
        ADMINISTRATORS,
        serve(lambda world, who, made: make_password_link(principal=who, person=made)),
        admin=browse(
            lambda *_: reverse("admin:auth_user_changelist"),
            lambda _, made: {"action": "make_password_link", "_selected_action": [made.pk]},
            done=lambda _, made: AuditEvent.objects.filter(verb="password_link.made").exists(),
        ),
        prepare=newcomer,
    ),
    Act(
        "evidence.acts.check_can_bind_sign_in",
        ADMINISTRATORS,
        serve(
            lambda world, who, made: bind_sign_in(
                principal=who, person=made, issuer="https://id.example.org", subject="1"
            )
        ),
        admin=browse(
            lambda *_: reverse("admin:evidence_signinbinding_add"),
            lambda _, made: {"person": made.pk, "subject": "1"},
        ),
        prepare=newcomer,
    ),
    Act(
        "evidence.acts.check_can_operate",
        frozenset({"operator", STRANGER}),
        serve(lambda world, who, _: acts.check_can_operate(who)),
    ),
    Act(
        "evidence.acts.check_can_propose_access",
        OPERATORS,
        serve(lambda world, who, made: propose_access(principal=who, person=made, role="auditor")),
        admin=browse(
            lambda *_: reverse("admin:evidence_accessproposal_add"),
            lambda _, made: {"person": made.pk, "role": "auditor"},
        ),
        prepare=newcomer,
    ),
    Act(
        "evidence.acts.check_can_confirm_access",
        OPERATORS,
        serve(lambda world, who, made: confirm_access(principal=who, proposal=made)),
        admin=browse(
            lambda *_: reverse("admin:evidence_accessproposal_changelist"),
            lambda _, made: {"action": "confirm", "_selected_action": [made.pk]},
            done=lambda _, made: made.user.groups.filter(name="approver").exists(),
        ),
        prepare=proposed,
    ),
    Act(
        "evidence.acts.check_can_erase_names",
        ADMINISTRATORS,
        serve(lambda world, who, made: name_erasure.erase_names(principal=who, person=made)),
        admin=browse(
            lambda *_: reverse("admin:auth_user_changelist"),
            lambda _, made: {"action": "erase_names", "_selected_action": [made.pk], "confirmed": "yes"},
            done=lambda _, made: User.objects.get(pk=made.pk).username.startswith("person:"),
        ),
        prepare=newcomer,
    ),
    Act(
        "evidence.acts.check_can_make_superuser",
        frozenset({COMMAND_LINE}),  # and a superuser who is a member: test_people
        serve(
            lambda world, who, made: person_changes.record_person_changed(
                principal=who, person=made, fields=["is_superuser"], roles_before=()
            )
        ),
        admin=browse(
            own_page,
            lambda _, made: person_form(made, is_superuser="on"),
            done=lambda _, made: User.objects.get(pk=made.pk).is_superuser,
        ),
        prepare=newcomer,
    ),
    Act(
        "evidence.acts.check_can_place_hold",
        OPERATORS,
        serve(
            lambda world, who, _: holds.place_hold(
                principal=who, system=world.system, reason="r", period_from=PERIOD[0], period_to=None
            )
        ),
        command=command(
            lambda world, _: [
                "legal_hold", "place", "--system", world.system.key, "--from", "2026-01-01", "--reason", "r",
            ]
        ),
    ),
    Act(
        "evidence.acts.check_can_release_hold",
        OPERATORS,
        serve(lambda world, who, made: holds.release_hold(principal=who, hold=made, reason="r")),
        command=command(lambda _, made: ["legal_hold", "release", str(made.pk), "--reason", "r"]),
        prepare=hold,
    ),
    Act(
        "evidence.acts.check_can_erase",
        OPERATORS,
        serve(
            lambda world, who, trace: erasure.erase_trace_payload(
                principal=who, system=world.system, trace_id=trace.trace_id, reason="r"
            )
        ),
        command=command(
            lambda world, trace: [
                "erase", "--system", world.system.key, "--trace", trace.trace_id.hex, "--reason", "r",
            ]
        ),
        prepare=make_trace,
    ),
    Act(
        "evidence.acts.check_can_erase_period",
        OPERATORS,
        serve(
            lambda world, who, _: acts.check_can_erase_period(who, world.system, PERIOD[0], PERIOD[1])
        ),
    ),
    Act(
        "requirements.acts.check_can_import_requirements",
        AUTHORS,
        serve(
            lambda world, who, _: import_requirements(
                principal=who, system=world.system, source=requirement_file(), file_name="r.yaml"
            )
        ),
        api=post(
            lambda world, _: f"/api/v1/requirements/import?system={world.system.key}",
            lambda *_: requirement_file(), content_type="application/yaml",
        ),
        scopes=(Scope.IMPORT,), step="a file",
    ),
    Act(
        "requirements.acts.check_can_import_requirements",
        AUTHORS,
        serve(
            lambda world, who, version: freeze_baseline(
                principal=who, system=world.system, name="b", versions=[version]
            )
        ),
        prepare=version_in(), scopes=(Scope.IMPORT,), step="a baseline",
    ),
    Act(
        "evidence.acts.check_can_resume_log",
        frozenset({COMMAND_LINE}),
        serve(lambda world, who, _: acts.check_can_resume_log(who)),
    ),
    Act(
        "evidence.acts.check_can_put_back",
        frozenset({COMMAND_LINE}),
        serve(lambda world, who, _: assembly.put_back(principal=who, system=world.system)),
    ),
    Act(
        "evidence.acts.check_can_rotate_binder_key",
        frozenset({COMMAND_LINE}),
        serve(lambda world, who, _: acts.check_can_rotate_binder_key(who)),
    ),
    Act(
        "evidence.acts.check_can_rotate_log_key",
        frozenset({COMMAND_LINE}),
        serve(lambda world, who, _: acts.check_can_rotate_log_key(who)),
    ),
    Act(
        "requirements.acts.check_can_assess",
        MACHINES,
        serve(
            lambda world, who, _: assess_release(
                principal=who, release=world.release, versions=[], as_of=clock.read_moment()
            )
        ),
        api=post(lambda *_: "/api/v1/assessments", lambda world, _: named(world, release="r1")),
        scopes=(Scope.GATE,),
    ),
    Act(
        "requirements.acts.check_can_move",
        frozenset({"approver"}),
        serve(lambda world, who, version: requirement_acts.check_can_move(who, version, "retired")),
        prepare=version_in(), scopes=(Scope.IMPORT,),
    ),
    step("in_review", "author", TOKEN_WITH, start=()),
    step("approved", "approver", start=("in_review",)),
    step("draft", "approver", start=("in_review",)),
    step("retired", "approver", start=("in_review",)),
    step("superseded", start=("in_review",)),
    Act(
        "interpret.acts.check_can_queue_probe_run",
        frozenset({"researcher", TOKEN_WITH}),
        serve(
            lambda world, who, _: queue_probe_run(principal=who, release=world.release, probe="induction.heads")
        ),
        api=post(
            lambda *_: "/api/v1/probe-runs", lambda world, _: named(world, release="r1", probe="induction.heads")
        ),
        scopes=(Scope.PROBE,), owner="researcher",
    ),
]  # fmt: skip

REFUSALS: Final = (AccessDenied, ConflictingContent, InvalidInput, NotFound, RequirementsError)
