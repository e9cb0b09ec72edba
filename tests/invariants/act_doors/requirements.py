"""Requirements: importing, moving and assessing them."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from typing import Any, Final

from django.urls import reverse

from evidence import clock
from evidence.models import Artefact, Scope
from requirements import acts as requirement_acts
from requirements.selectors.links import standings_of
from requirements.services.assessment import assess_release
from requirements.services.baselines import freeze_baseline, sign_off_baseline
from requirements.services.desk import save_draft
from requirements.services.importing import SourceText, plan_import
from requirements.services.links import add_link, clear_link, withdraw_link
from requirements.services.requirements import import_requirements
from requirements.services.retirements import ask_retirement, settle_retirement
from requirements.services.transitions import transition_requirement
from requirements.yaml_import import parse_requirement_file, read_text
from requirements.yaml_import.writing import write_requirement
from tests.factories import World, acting
from tests.invariants.act_doors.taking import AUTHORS, MACHINES, Act, browse, get, named, post, serve
from tests.invariants.who import TOKEN_WITH
from tests.requirements.builders import make_criterion, move, read, requirement_file


def version_in(*steps: str) -> Callable[[World], Any]:
    """A requirement version by somebody who is none of those who try."""

    def prepare(world: World) -> Any:
        version = make_criterion(world, approved=False).version
        for step in steps:
            move(version, step, "user:ana", "r")
        return version

    return prepare


def transition_path(_: World, version: Any) -> str:
    return f"/api/v1/requirements/{version.requirement.key}/versions/{version.number}/transitions"


def _planned(world: World, _: Any) -> dict[str, Any]:
    """What the second button of the page sends: the bytes that were planned, and the digest of their plan."""
    sources = [SourceText("r.yaml", requirement_file())]
    plan = plan_import(principal=world.principal("author"), system=world.system, sources=sources)
    return {
        "system": world.system.key, "act": "apply", "file": "r.yaml", "plan_digest": plan.digest,
        "source": b64encode(requirement_file()).decode(),
    }  # fmt: skip


def version_page(_: World, version: Any) -> str:
    return reverse("admin:requirements_requirementversion_change", args=[version.pk])


def as_read(version: Any, to_state: str = "") -> dict[str, Any]:
    """What a body or form says that was read."""
    found = read(version, warnings=to_state == "approved")
    warnings = {"warnings_read": list(found.warnings)} if found.warnings else {}
    return {"digest": found.digest, "from_state": found.from_state, **warnings}


def step(to_state: str, *allowed: str, start: tuple[str, ...]) -> Act:
    """Return the entry of one step of a requirement version, made by another author than the one who tries."""
    return Act(
        "requirements.acts.check_can_transition",
        frozenset(allowed),
        serve(
            lambda world, who, version: transition_requirement(
                principal=who,
                version=version,
                to_state=to_state,
                reason="r",
                read=read(version, warnings=to_state == "approved"),
            )
        ),
        api=post(
            transition_path,
            lambda world, version: named(world, to_state=to_state, reason="r", **as_read(version, to_state)),
        ),
        admin=browse(
            version_page,
            lambda _, version: {"to_state": to_state, "reason": "r", **as_read(version, to_state)},
        ),
        prepare=version_in(*start),
        scopes=(Scope.IMPORT,),
        step=to_state,
    )


def retirement_asked(world: World) -> Any:
    """A retirement that waits for an approver, asked for by the world's author."""
    version = version_in("in_review")(world)
    return ask_retirement(
        principal=world.principal("author"), version=version, reason="r", read=read(version)
    )


def retirement_body(world: World, version: Any) -> dict[str, Any]:
    asked = {"key": version.requirement.key, "number": version.number, "reason": "r"}
    return named(world, **asked, **as_read(version))


def retirement_step(check: str, to_state: str, *allowed: str, **over: Any) -> Act:
    """Return the entry of one way in which a requested retirement is settled."""
    return Act(
        f"requirements.acts.check_can_{check}_retirement",
        frozenset(allowed),
        serve(
            lambda world, who, asked: settle_retirement(
                principal=who, request=asked, to_state=to_state, reason="r"
            )
        ),
        api=post(
            lambda _, asked: f"/api/v1/retirements/{asked.pk}/transitions",
            lambda *_: {"to_state": to_state, "reason": "r"},
        ),
        admin=browse(
            lambda _, asked: reverse("admin:requirements_retirementrequest_change", args=[asked.pk]),
            lambda *_: {"step": to_state, "reason": "r"},
        ),
        prepare=retirement_asked,
        scopes=(Scope.IMPORT, Scope.READ),
        **over,
    )


READERS: Final = frozenset({"author", "approver", "reviewer", "researcher", "auditor", TOKEN_WITH})


def suspect_link(world: World) -> Any:
    """A link by somebody who is none of those who try, whose parent moved since."""
    for key in ("up", "down"):
        make_criterion(world, key=key)
    link = add_link(
        principal=acting("user:ana"), system=world.system, kind="derives",
        upstream=Artefact.objects.get(key="up"), downstream=Artefact.objects.get(key="down"),
    )  # fmt: skip
    make_criterion(world, key="up", min_n=12)
    return next(each for each in standings_of(world.system) if each.link_id == link.pk), link


def withdrawn_link(world: World) -> Any:
    """Two ends whose link somebody else withdrew, and whose parent others changed."""
    _, link = suspect_link(world)
    withdraw_link(principal=acting("user:bob"), link=link, reason="r")
    return [link.upstream, link.downstream]


def looked_at(made: Any) -> dict[str, str]:
    return {"upstream": made[0].upstream.digest, "downstream": made[0].downstream.digest}


def written() -> str:
    """A requirement as it is written at the desk."""
    (draft,) = parse_requirement_file(requirement_file(), "r.yaml").requirements
    return write_requirement(draft)


def frozen(world: World) -> Any:
    """A baseline by somebody who is none of those who try."""
    version = make_criterion(world).version
    return freeze_baseline(principal=acting("user:ana"), system=world.system, name="b", versions=[version])


def two_ends(world: World) -> Any:
    return [make_criterion(world, key=key).version.requirement.artefact for key in ("up", "down")]


def adding_a_link(check: str, allowed: frozenset[str], prepare: Any) -> Act:
    """Return the entry of an act that is done by adding a link."""
    return Act(
        f"requirements.acts.{check}",
        allowed,
        serve(
            lambda world, who, ends: add_link(
                principal=who, system=world.system, kind="derives", upstream=ends[0], downstream=ends[1]
            )
        ),
        api=post(
            lambda *_: "/api/v1/links",
            lambda world, _: named(world, kind="derives", upstream={"key": "up"}, downstream={"key": "down"}),
        ),
        admin=browse(
            lambda *_: reverse("admin:links"),
            lambda world, _: {
                "system": world.system.key, "kind": "derives", "upstream_kind": "requirement", "upstream_key": "up",
                "downstream_kind": "requirement", "downstream_key": "down",
            },
        ),
        prepare=prepare, scopes=(Scope.IMPORT,),
    )  # fmt: skip


LINK_ACTS: Final[list[Act]] = [
    adding_a_link("check_can_link", AUTHORS, two_ends),
    adding_a_link("check_can_restore_link", frozenset({"author"}), withdrawn_link),
    Act(
        "requirements.acts.check_can_clear_link",
        frozenset({"author", "approver"}),
        serve(lambda _, who, made: clear_link(principal=who, link=made[1], reason="r", **looked_at(made))),
        api=post(
            lambda _, made: f"/api/v1/links/{made[1].pk}/clear",
            lambda world, made: named(
                world, reason="r", **{f"{side}_digest": digest for side, digest in looked_at(made).items()}
            ),
        ),
        admin=browse(
            lambda _, made: reverse("admin:link", args=[made[1].pk]),
            lambda _, made: {"act": "clear", "reason": "r", **looked_at(made)},
        ),
        prepare=suspect_link, scopes=(Scope.IMPORT,),
    ),
    Act(
        "requirements.acts.check_can_withdraw_link",
        frozenset({"approver"}),
        serve(lambda _, who, made: withdraw_link(principal=who, link=made[1], reason="r")),
        api=post(
            lambda _, made: f"/api/v1/links/{made[1].pk}/withdraw", lambda world, _: named(world, reason="r")
        ),
        admin=browse(
            lambda _, made: reverse("admin:link", args=[made[1].pk]), lambda *_: {"act": "withdraw", "reason": "r"}
        ),
        prepare=suspect_link, scopes=(Scope.IMPORT,),
    ),
    Act(
        "requirements.acts.check_can_sign_off_baseline",
        frozenset({"approver"}),
        serve(lambda _, who, made: sign_off_baseline(principal=who, baseline=made, digest=made.digest)),
        api=post(lambda *_: "/api/v1/baselines/b/sign-offs", lambda world, made: named(world, digest=made.digest)),
        admin=browse(
            lambda _, made: reverse("admin:baseline", args=[made.pk]), lambda _, made: {"digest": made.digest}
        ),
        prepare=frozen, scopes=(Scope.IMPORT,),
    ),
    Act(
        "requirements.acts.check_can_read_links",
        READERS,
        serve(lambda world, who, _: requirement_acts.check_can_read_links(who, world.system)),
        api=get(lambda world, _: f"/api/v1/links/standing?system={world.system.key}"),
        scopes=(Scope.GATE,),
    ),
    Act(
        "requirements.acts.check_can_read_coverage",
        READERS,
        serve(lambda world, who, _: requirement_acts.check_can_read_coverage(who, world.release)),
        api=get(lambda world, _: f"/api/v1/coverage?system={world.system.key}&release=r1"),
        scopes=(Scope.GATE,),
    ),
]  # fmt: skip

ACTS: Final[list[Act]] = [
    *LINK_ACTS,
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
        admin=browse(lambda *_: reverse("admin:import_plan"), _planned),
        scopes=(Scope.IMPORT,), step="a file",
    ),
    Act(
        "requirements.acts.check_can_import_requirements",
        AUTHORS,
        serve(
            lambda world, who, _: save_draft(
                principal=who, system=world.system, reading=read_text(written().encode())
            )
        ),
        api=post(
            lambda *_: "/api/v1/requirements/drafts", lambda world, _: named(world, text=written())
        ),
        admin=browse(
            lambda *_: reverse("admin:new_draft"),
            lambda world, _: {
                "system": world.system.key, "act": "save", "key": "r", "statement.en": "It must hold.", "owner": "o",
                "risk_tier": "low", "layer": "product", "review_every_days": "90", "rest": "criteria: []",
            },
        ),
        scopes=(Scope.IMPORT,), step="by hand",
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
    step("superseded", start=("in_review",)),
    Act(
        "requirements.acts.check_can_ask_retirement",
        frozenset({"author", "approver", TOKEN_WITH}),
        serve(
            lambda world, who, version: ask_retirement(
                principal=who, version=version, reason="r", read=read(version)
            )
        ),
        api=post(lambda *_: "/api/v1/retirements", retirement_body),
        admin=browse(
            version_page, lambda _, version: {"to_state": "retired", "reason": "r", **as_read(version)}
        ),
        prepare=version_in("in_review"), scopes=(Scope.IMPORT,),
    ),
    retirement_step("confirm", "confirmed", "approver"),
    retirement_step("decline", "declined", "approver"),
    retirement_step("withdraw", "withdrawn", "author", TOKEN_WITH, owner="author"),
]  # fmt: skip
