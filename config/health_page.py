"""How this installation does, for operators: what is wrong, and what tells it before it is."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import redis
from django.conf import settings
from django.db.models import Count, Min, Sum
from django.http import HttpRequest
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrOrPromise

from config import heartbeats
from config.health import find_faults
from evidence import acts, clock
from evidence.access import Principal, visible_to
from evidence.admin.frame.display import list_url
from evidence.models import AccessToken, Checkpoint, IngestBatch, PendingTrace
from evidence.pages.frame import Page, page_view
from evidence.selectors.tokens import expiring_soon, never_used

_RECENTLY: Final = timedelta(minutes=5)
_GIB: Final = 1024**3


@dataclass(frozen=True, slots=True)
class Figure:
    """One thing that is measured now."""

    name: StrOrPromise
    value: str  # with its unit
    about: StrOrPromise = ""  # what it says
    last: StrOrPromise = ""  # what the moment is of
    moment: datetime | None = None  # None: there was none
    url: str = ""  # where one looks further


@page_view()
def health(request: HttpRequest, principal: Principal) -> Page:
    """Show operators the faults that `/readyz` names, and figures of what comes in, waits and runs out."""
    del request
    acts.check_can_administer(principal)
    stopping, degrading = find_faults()
    figures = [] if stopping else [*_coming_in(), *_waiting(), *_running_out(principal)]
    context = {"stopping": stopping, "degrading": degrading, "figures": figures, "at": clock.now()}
    return Page("pages/health.html", _("Health"), context)


def _coming_in() -> Iterator[Figure]:
    batches = IngestBatch.objects.filter(received_at__gte=clock.now() - _RECENTLY)
    found = batches.aggregate(accepted=Sum("n_accepted"), rejected=Sum("n_rejected"))
    accepted, rejected = found["accepted"] or 0, found["rejected"] or 0
    rate = f"{accepted / _RECENTLY.total_seconds():,.1f}"
    yield Figure(
        _("Telemetry taken"),
        gettext("%(rate)s spans and records a second") % {"rate": rate},
        _("over five minutes"),
        _("the newest request"),
        IngestBatch.objects.order_by("-received_at").values_list("received_at", flat=True).first(),
        list_url("evidence.ingestbatch"),
    )
    yield Figure(
        _("Telemetry refused"),
        f"{rejected:,}",
        _("spans and records of the last five minutes, each with its reason in the list"),
        url=list_url("evidence.reject"),
    )


def _waiting() -> Iterator[Figure]:
    pending = PendingTrace.objects.aggregate(count=Count("pk"), first=Min("first_received_at"))
    yield Figure(
        _("Traces to assemble"),
        f"{pending['count']:,}",
        _("each is assembled once it is quiet"),
        _("the oldest came"),
        pending["first"],
        list_url("evidence.pendingtrace"),
    )
    checkpoint = Checkpoint.objects.order_by("-size").first()
    yield Figure(
        _("Leaves of the log under a signed checkpoint"),
        f"{checkpoint.size if checkpoint else 0:,}",
        _("one is signed every minute while anything happens"),
        _("the newest"),
        checkpoint.created_at if checkpoint else None,
        list_url("evidence.checkpoint"),
    )
    try:
        silences = heartbeats.read_silences()
        backlogs = {queue: heartbeats.read_backlog(queue) for queue in settings.QUEUES}
    except redis.RedisError:  # a fault that stands above
        return
    for who, seconds in silences.items():
        heard = None if seconds is None else clock.now() - timedelta(seconds=seconds)
        yield _worker(who, backlogs.get(who), heard)


def _worker(who: str, backlog: int | None, heard: datetime | None) -> Figure:
    if backlog is None:
        return Figure("beat", "–", _("starts what is done at times"), _("heard"), heard)
    name = gettext("Workers of queue %(queue)s") % {"queue": who}
    waiting = ngettext("%(count)s message waits", "%(count)s messages wait", backlog) % {
        "count": f"{backlog:,}"
    }
    return Figure(name, waiting, last=_("heard"), moment=heard)


def _running_out(principal: Principal) -> Iterator[Figure]:
    for name, folder in (
        (_("Disk of the server's own files"), settings.VAR),
        (_("Disk of blobs"), settings.BLOB_ROOT),
    ):
        if folder.is_dir():
            disk = shutil.disk_usage(folder)
            free = gettext("%(free)s GiB free") % {"free": f"{disk.free / _GIB:,.1f}"}
            yield Figure(
                name, free, gettext("%(share)s of it is used") % {"share": f"{disk.used / disk.total:.0%}"}
            )
    tokens = AccessToken.objects.all()
    soon = visible_to(expiring_soon(tokens), principal).aggregate(
        count=Count("pk", distinct=True), first=Min("expires_at")
    )
    yield Figure(
        _("Tokens that expire within fourteen days"),
        f"{soon['count']:,}",
        last=_("the first"),
        moment=soon["first"],
        url=list_url("evidence.accesstoken", works="expires_soon"),
    )
    never = visible_to(never_used(tokens), principal).aggregate(
        count=Count("pk", distinct=True), first=Min("created_at")
    )
    yield Figure(
        _("Tokens that work and were never used"),
        f"{never['count']:,}",
        _("one that was used only before uses were noted counts as unused"),
        _("the oldest was issued"),
        never["first"],
        list_url("evidence.accesstoken", works="never_used"),
    )
