"""Binders, and the entries of the log that stand in them."""

from __future__ import annotations

import uuid
from typing import Any, Final

from django.utils import timezone

from evidence import acts
from evidence.digests import sha256_hex
from evidence.log.tiles import Bundle
from evidence.models import Binder, Blob, Scope
from evidence.selectors.binder.scope import AskedScope
from evidence.services import binder_requests, binders
from tests.evidence.binder_world import PERIOD
from tests.evidence.test_log_api import publish
from tests.factories import World
from tests.invariants.act_doors.taking import Act, get, post, serve
from tests.invariants.who import TOKEN_WITH


def exported(world: World) -> Any:
    """A binder's row."""
    blob = Blob.objects.create(digest=sha256_hex(b"zip"), size=3, media_type="application/zip")
    return Binder.objects.create(
        binder_uuid=uuid.uuid4(), system=world.system, release=world.release, baseline="", period_from=PERIOD[0],
        period_to=PERIOD[1], as_of=timezone.now(), file_name="b.zip", archive=blob, sidecar="", created_by="user:x",
        tagmanifest_digest="0" * 64,
    )  # fmt: skip


def signed_log(world: World) -> int:
    """The size of the log, which holds entries of the system and one of no system."""
    world.token(Scope.READ)
    return publish().size


def binder_asked(world: World) -> dict[str, Any]:
    period = {"period_from": PERIOD[0], "period_to": PERIOD[1], "as_of": timezone.now()}
    return {"system": world.system, "release": world.release, "baseline": "", **period}


ACTS: Final[list[Act]] = [
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
]  # fmt: skip
