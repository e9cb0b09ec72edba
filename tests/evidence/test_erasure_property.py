"""Whatever is shared, held or copied: of the subject nothing is left, of the others everything, and all proofs hold."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from django.db import transaction
from django.test import override_settings
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as hypothesis_settings

from config.replay import replayer_of
from evidence.digests import digest_of, sha256_hex
from evidence.models import BlobRemoval, IngestBatch, Span, Trace
from evidence.services import ingest, log
from evidence.services.blobs import read_what_is_left
from evidence.services.disposal import bodies, files, planning, reach, values
from evidence.services.disposal.agreed import digest_of_whole
from evidence.services.disposal.blob_removal import delete_files
from evidence.services.disposal.erasure import ErasureReport, erase_trace_payload
from evidence.services.disposal.planning import ErasurePlan, plan_erasure, plan_subject
from evidence.services.log.checking import check_log
from tests.evidence.erasure_worlds import (
    VALUE_LIMIT,
    Plot,
    Told,
    find_content,
    large_value,
    make_it,
    plots,
    rows_of_others,
)
from tests.evidence.otlp_bodies import JSON, PROTOBUF, read_traces
from tests.factories import World, acting, make_world

SOAK_EXAMPLES = 8 * int(os.environ.get("TRACEBINDER_SOAK_ROUNDS", "50"))
_SLOW = (HealthCheck.too_slow, HealthCheck.function_scoped_fixture)


@contextmanager
def fresh_world(folder: Path) -> Iterator[World]:
    """Give one example a database, a blob store and a log of its own."""
    root = folder / sha256_hex(str(len(list(folder.iterdir()))).encode())[:12]
    own = {"BLOB_ROOT": root, "LOG_HEAD_FILE": root / "log.head", "OTLP_MAX_ATTRIBUTE": VALUE_LIMIT}
    with override_settings(**own), transaction.atomic():
        yield make_world()
        transaction.set_rollback(True)  # what one example did is taken back


def erase_and_check(plot: Plot, world: World) -> None:
    """Erase the subject of a world and look everywhere."""
    make_it(plot, world)
    log.sequence_events(limit=10_000)
    log.sign_checkpoint()
    subject, others = plot.subject, [one for one in plot.traces if not one.subject]
    replays = _replay()
    before = rows_of_others(subject.trace_id)
    asked: Any = {"system": world.system, "trace_id": subject.trace_id, "principal": acting()}
    plan = plan_erasure(**asked)
    _check_planned_together(plot, world)
    report = erase_trace_payload(**asked, reason="request 1", as_planned=plan.stays_digest)
    _delete_files(report)

    assert find_content(subject.secret) == []
    assert find_content(subject.hidden) == []
    _check_value(plot, report)
    _check_rows(before, rows_of_others(subject.trace_id), report)
    for one in others:
        assert find_content(one.secret)
        assert find_content(one.hidden)
    _check_bodies({one.trace_id.hex for one in others})
    assert report.certificate.digest == digest_of(report.certificate.document)
    assert plan.blobs == report.plan.blobs
    assert _replay() == replays
    _erase_the_others(plot, world)
    log.sequence_events(limit=10_000)
    log.sign_checkpoint()
    checked = check_log()
    assert checked.holds, checked.faults


def _check_planned_together(plot: Plot, world: World) -> None:
    """Many traces planned at once, two at a time, are planned as each is by itself after those before it."""
    ids = [one.trace_id for one in plot.traces]
    asked: Any = {"system": world.system, "principal": acting()}
    with (
        mock.patch.object(planning, "find_subject", return_value=ids),
        mock.patch.object(planning, "TOGETHER", 2),
    ):
        together = plan_subject(**asked, attribute="a", value="v")
    alone = list[ErasurePlan]()
    for trace_id in ids:
        gone = [plan.trace_id for plan in alone if not plan.held]
        alone.append(plan_erasure(**asked, trace_id=trace_id, gone=gone))
    assert digest_of_whole(together) == digest_of_whole(alone)
    assert [plan.stays_digest for plan in together] == [plan.stays_digest for plan in alone]


def _erase_the_others(plot: Plot, world: World) -> None:
    """Erase whoever may be: of them nothing is left either, and of those under hold everything."""
    for one in plot.traces[1:]:
        if not one.held:
            _delete_files(
                erase_trace_payload(
                    system=world.system, trace_id=one.trace_id, principal=acting(), reason="request 2"
                )
            )
    for one in plot.traces[1:]:
        assert bool(find_content(one.secret)) == one.held
        assert bool(find_content(one.hidden)) == one.held


def _delete_files(report: ErasureReport) -> None:
    """Do what the commit would have done: an example is taken back instead."""
    delete_files([blob.digest for blob in report.plan.blobs])


def _check_value(plot: Plot, report: ErasureReport) -> None:
    """A shared value stays, and the plan says for whom; one that only the subject had is gone."""
    if plot.subject.value is None:
        return
    sharing = [one for one in plot.traces if one.value == plot.subject.value and not one.subject]
    assert bool(find_content(large_value(plot.subject.value))) == bool(sharing)
    reasons = [stay.why for stay in report.plan.stays if stay.what.startswith("value ")]
    assert len(reasons) == min(1, len(sharing))
    assert set(reasons) <= {f"shared with trace {one.trace_id.hex}" for one in sharing}


def _check_rows(before: dict[str, list[str]], after: dict[str, list[str]], report: ErasureReport) -> None:
    """Byte for byte as before, but for the rows that the certificate names as copies."""
    copies = report.certificate.document["copies"]
    for table, rows in before.items():
        named = {str(pk) for pk in copies.get(table, [])}
        kept = [row for row in rows if row[1:].split(",")[0] not in named]
        assert kept == [row for row in after[table] if row[1:].split(",")[0] not in named]
        assert len(rows) == len(after[table])


def _check_bodies(others: set[str]) -> None:
    """Each request still holds the others' spans, under the digests their rows have."""
    stored = {row.trace_id.hex: row.digest for row in Span.objects.all()}
    seen = set()
    for batch in IngestBatch.objects.filter(signal="traces"):
        removal = BlobRemoval.objects.filter(pk=batch.body_digest).first()
        if removal is not None and removal.remainder is None:
            continue
        data = read_what_is_left(batch.body_digest)
        spans = read_traces(
            data, JSON if batch.encoding == "json" else PROTOBUF, limits=ingest.read_limits()
        ).spans
        seen |= {span.trace_id for span in spans}
        assert all(span.digest == stored[span.trace_id] for span in spans)
    assert seen == others


def _replay() -> list[tuple[str, bool, bool]]:
    """What each trace replays to: the trace rests on digests, so that of the subject agrees as before."""
    replay = replayer_of("evidence.Trace")
    return [
        (trace.trace_id.hex, replay(trace).agrees, replay(trace).differs)
        for trace in Trace.objects.order_by("pk")
    ]


@pytest.mark.django_db
@hypothesis_settings(
    max_examples=5,
    deadline=None,
    suppress_health_check=_SLOW,
    derandomize=True,
    phases=[Phase.generate],  # an example takes a second: shrinking one that fails is for the soak
)
@given(plot=plots())
def test_nothing_of_the_subject_is_left_and_nothing_of_anybody_else_is_gone(
    plot: Plot, tmp_path: Path
) -> None:
    with fresh_world(tmp_path) as world:
        erase_and_check(plot, world)


@pytest.mark.soak
@pytest.mark.django_db
@hypothesis_settings(max_examples=SOAK_EXAMPLES, deadline=None, suppress_health_check=_SLOW)
@given(plot=plots())
def test_the_same_in_many_worlds(plot: Plot, tmp_path: Path) -> None:
    with fresh_world(tmp_path) as world:
        erase_and_check(plot, world)


FORGOTTEN: dict[str, list[tuple[Any, str, object]]] = {
    "find_user_of_value": [(values, "find_user_of_value", None)],
    "every value": [(reach, "find_values", set()), (bodies, "_values_of", set())],
    "find_bodies": [(bodies, "find_bodies", ())],
    "find_files": [(files, "find_files", ())],
    "is_of": [(bodies, "is_of", False)],
}


@pytest.mark.django_db
@pytest.mark.parametrize(
    "forgotten", ["", "find_user_of_value", "every value", "find_bodies", "find_files", "is_of"]
)
def test_the_property_can_fail(forgotten: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An erasure that forgets one of its parts leaves something of the subject, or takes something of another."""
    told = [
        Told(number, odd="", value=number // 2, body=0, as_json=False, held=False, subject=number == 0)
        for number in range(4)
    ]
    plot = Plot(told, sampled=[0], quoted=[0], overheard=[0])
    for module, name, answer in FORGOTTEN.get(forgotten, []):
        monkeypatch.setattr(module, name, lambda *_, answer=answer, **__: answer)
    with fresh_world(tmp_path) as world:
        if forgotten:
            with pytest.raises(AssertionError):
                erase_and_check(plot, world)
        else:
            erase_and_check(plot, world)
