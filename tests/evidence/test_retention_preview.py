"""What retention would take is read before it does, and is what it then takes."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from evidence.access import principal_of_token
from evidence.models import AccessToken, Blob, Disposal, IngestBatch, Scope, Span, System, Trace
from evidence.services import ingest
from evidence.services.disposal import holds, retention_preview
from evidence.services.disposal.retention import apply_retention
from evidence.services.disposal.retention_preview import Preview, preview_retention
from evidence.services.ingest.partitions import ensure_partitions
from evidence.statement_limit import TookTooLong
from tests.evidence.otlp_bodies import PROTOBUF, make_request, make_span
from tests.evidence.test_retention import NOW, PERIOD, old
from tests.factories import World, acting, make_world

__all__ = ["old"]

pytestmark = pytest.mark.django_db

PAGE = "/admin/retention/"
JUNE = datetime(2023, 6, 1, tzinfo=UTC), datetime(2023, 7, 1, tzinfo=UTC)


@pytest.fixture
def operator(client: Client, world: World) -> Client:
    client.force_login(world.people["operator"])
    return client


def preview(world: World, at: datetime = NOW) -> Preview:
    return preview_retention(principal=world.principal("operator"), at=at)


def post(sender: World, *, month: int, spans: int = 1, body: int = 0) -> None:
    """Send some spans of a month of 2023 in one request; another `body` makes another request."""
    start = int(datetime(2023, month, 9 + body, tzinfo=UTC).timestamp()) * 1_000_000_000
    made = [
        make_span(
            trace_id=bytes([month, body + 1]) * 8,
            span_id=bytes([number + 1]) * 8,
            start_time_unix_nano=start + number,
            end_time_unix_nano=start + number,
        )
        for number in range(spans)
    ]
    token = AccessToken.objects.filter(systems=sender.system).first()
    if token is None:
        sender.token(Scope.INGEST)
        token = AccessToken.objects.get(systems=sender.system)
    ingest.ingest_traces(
        body=make_request(*made, system=sender.system.key).SerializeToString(),
        content_type=PROTOBUF,
        content_encoding="",
        principal=principal_of_token(token),
    )


def months(told: Preview) -> dict[str, tuple[int, bool]]:
    """Return count and whether it goes, of the months of 2023: no later one is old enough for the database."""
    return {
        month.plan.partition: (month.n, not month.plan.kept_because)
        for month in told.months
        if month.plan.month.year == 2023
    }


def taken() -> dict[str, int]:
    return dict(Disposal.objects.filter(kind="spans").values_list("subject", "n_items"))


def test_what_is_told_is_what_is_taken(old: list[Trace], world: World) -> None:
    """Two months, one of them held for another system; bodies held, due, and sent twice by different tokens."""
    other = make_world("aml-copilot")
    post(world, month=5, spans=3, body=1)
    post(other, month=6, spans=2, body=2)
    holds.place_hold(
        system=other.system, reason="lawsuit", period_from=JUNE[0], period_to=JUNE[1], principal=acting()
    )
    at = NOW + timedelta(days=3000)  # by then what was received now is old enough as well
    before = preview(world, at)
    traces = before.signals[0]
    assert months(before) == {"evidence_span_2023_05": (4, True), "evidence_span_2023_06": (3, False)}
    assert (traces.due.n, traces.held.n) == (3, 1)
    apply_retention(now=at)
    assert taken() == {name: n for name, (n, goes) in months(before).items() if goes}
    gone = Disposal.objects.filter(kind="bodies")
    assert sum(gone.values_list("n_items", flat=True)) == traces.due.n
    assert Span.objects.count() == sum(n for n, goes in months(before).values() if not goes)
    after = preview(world, at)
    assert (after.signals[0].due.n, after.signals[0].held.n) == (0, 1)
    assert months(after) == {"evidence_span_2023_06": (3, False)}


def test_the_same_bytes_of_two_tokens_are_one_body_to_take(old: list[Trace], world: World) -> None:
    first = IngestBatch.objects.earliest("pk")
    world.token(Scope.INGEST)
    sent_again = IngestBatch.objects.create(
        token=AccessToken.objects.latest("pk"), system_ids=first.system_ids, signal="traces", encoding="protobuf",
        body_digest=first.body_digest, n_items=1, n_accepted=0, n_duplicate=1, n_rejected=0, answer={}, moved=[],
        received_at=first.received_at,
    )  # fmt: skip
    assert sent_again.pk
    at = NOW + timedelta(days=3000)
    told = preview(world, at).signals[0].due
    assert (told.n, told.size) == (2, sum(Blob.objects.values_list("size", flat=True)))
    assert apply_retention(now=at, dry_run=True).n_bodies == 2
    assert apply_retention(now=at).n_bodies == 2


def test_a_hold_of_ones_own_is_named_and_of_another_only_told(
    old: list[Trace], world: World, operator: Client
) -> None:
    other = make_world("aml-copilot")
    post(other, month=6, body=2)
    for system, month, reason in (
        (world.system, PERIOD, "our case"),
        (other.system, JUNE, "their secret case"),
    ):
        holds.place_hold(
            system=system, reason=reason, period_from=month[0], period_to=month[1], principal=acting()
        )
    page = operator.get(PAGE, {"at": "2026-11-22"}).content.decode()
    assert "our case" in page
    assert "a legal hold of a system that is not yours" in page
    assert "systems that are not yours: 1" in page
    assert "their secret case" not in page
    assert "aml-copilot" not in page


def test_looking_changes_nothing(old: list[Trace], operator: Client) -> None:
    assert operator.get(PAGE, {"at": "2030-01-01"}).status_code == 200
    assert not Disposal.objects.exists()
    assert Span.objects.count() == 2


def test_without_a_period_everything_is_kept(old: list[Trace], operator: Client, settings: Any) -> None:
    settings.RETENTION_DAYS = {"traces": 0, "logs": 0}
    page = operator.get(PAGE).content.decode()
    assert "traces: kept for ever" in page
    assert "Spans are kept for ever: no month goes." in page


def test_what_a_period_is_of_is_told_in_the_readers_language(old: list[Trace], operator: Client) -> None:
    page = operator.get(PAGE, headers={"accept-language": "zh-CN"}).content.decode()
    said = re.findall(r'<(?:li|th scope="row")>([^<]*)<', page[page.index('id="tb-rule"') :])
    assert "轨迹" in said
    assert re.search(r"\b(traces|logs)\b", " ".join(said)) is None


def test_a_large_month_is_told_as_estimated_and_its_shares_as_at_least(
    old: list[Trace], world: World, operator: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    post(world, month=5, spans=6, body=1)
    monkeypatch.setattr(retention_preview, "MOST_SPANS", 3)
    monkeypatch.setattr(retention_preview, "MOST_BODIES", 2)
    at = NOW + timedelta(days=3000)
    told = preview(world, at)
    may = told.months[0]
    assert (may.is_exact, may.oldest, may.shares[0].n) == (False, None, 4)
    due = told.signals[0].due
    assert (due.n, due.is_all) == (2, False)
    page = operator.get(PAGE, {"at": "2035-01-01"}).content.decode()
    assert "about 4" in page
    assert "more than 2" in page


def test_what_takes_too_long_is_ended_and_said(
    operator: Client, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wait(*_: object, **__: object) -> None:
        raise TookTooLong

    monkeypatch.setattr("evidence.pages.retention.preview_retention", wait)
    assert "retention --dry-run" in operator.get(PAGE).content.decode()


def test_what_is_kept_for_ever_is_not_said_to_go(old: list[Trace], operator: Client, settings: Any) -> None:
    """It said "go" of no bodies, and "0" where there were some."""
    settings.RETENTION_DAYS = {"traces": 0, "logs": 365}
    traces, logs = said_of_bodies(operator)
    assert "stay: kept for ever, and not counted" in traces
    assert ("go" in traces.split(), "0" in traces.split()) == (False, False)
    assert "none goes" in logs
    page = operator.get(PAGE).content.decode()
    assert "Spans are kept for ever: no month goes." in page
    assert "under a legal hold" not in page
    settings.RETENTION_DAYS = {"traces": 1, "logs": 0}
    traces, logs = said_of_bodies(operator, at="2035-01-01")
    assert "go" in traces.split()
    assert "kept for ever" in logs


def said_of_bodies(operator: Client, **asked: str) -> list[str]:
    """Return what the page says of the bodies of each signal, without its marks."""
    table = operator.get(PAGE, asked).content.decode().partition("Raw bodies of requests</h2>")[2]
    rows = re.findall(r"<tr>(.*?)</tr>", table.partition("</table>")[0], re.DOTALL)[1:]
    return [" ".join(re.sub(r"<[^>]*>", " ", row).split()) for row in rows]


@pytest.mark.parametrize("asked", [{"at": "soon"}, {"day": "2026-01-01"}])
def test_what_is_no_day_or_no_parameter_is_refused(operator: Client, asked: dict[str, str]) -> None:
    assert operator.get(PAGE, asked).status_code in {400, 422}


@pytest.mark.parametrize("role", ["reviewer", "approver", "auditor", "author", "researcher"])
def test_others_are_not_told(client: Client, world: World, role: str) -> None:
    client.force_login(world.people[role])
    assert client.get(PAGE).status_code == 403


def test_it_does_not_grow_with_months_and_holds(
    old: list[Trace], world: World, operator: Client, settings: Any
) -> None:
    settings.RETENTION_DAYS = {"traces": 365, "logs": 365}
    operator.get(PAGE)
    with CaptureQueriesContext(connection) as few:
        operator.get(PAGE, {"at": "2026-11-22"})
    ensure_partitions(today=date(2022, 12, 2), months_ahead=12)
    for month in range(1, 8):
        post(world, month=month, body=3)
        holds.place_hold(
            system=System.objects.get(), reason=f"case {month}", period_from=datetime(2023, month, 1, tzinfo=UTC),
            period_to=None, principal=acting(),
        )  # fmt: skip
    with CaptureQueriesContext(connection) as many:
        operator.get(PAGE, {"at": "2026-11-22"})
    assert len(many) <= max(len(few) + 1, 25)  # whether a span is held is one more, for all months and holds
    assert len(many) <= 25, [query["sql"][-120:] for query in many]


def test_a_month_that_ones_own_hold_keeps_too_says_so(
    old: list[Trace], world: World, operator: Client
) -> None:
    other = make_world("aml-copilot")
    post(other, month=5, body=2)
    for system, reason in ((other.system, "their secret case"), (world.system, "our case")):
        holds.place_hold(
            system=system, reason=reason, period_from=PERIOD[0], period_to=PERIOD[1], principal=acting()
        )
    (month,) = [each for each in preview(world, NOW).months if each.plan.partition == "evidence_span_2023_05"]
    assert [hold.reason for hold in month.plan.holds] == ["their secret case", "our case"]
    assert month.hold is not None
    assert month.hold.reason == "our case"
    page = operator.get(PAGE, {"at": "2026-11-22"}).content.decode()
    assert "a legal hold of a system that is not yours" not in page
    assert "their secret case" not in page
