"""What ordinary senders send, as they send it: each case ends in a trace that says what became of it."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib import admin
from django.utils import timezone
from rest_framework.test import APIClient

from evidence import clock
from evidence.access import Principal, principal_of_command_line, principal_of_token, principal_of_user
from evidence.models import (
    AccessToken,
    AuditEvent,
    Blob,
    IngestBatch,
    PendingTrace,
    Reject,
    Scope,
    Span,
    System,
    Trace,
)
from evidence.otlp.errors import UndecodableBody
from evidence.services import assembly, ingest, registry
from evidence.services.blobs import read_blob
from evidence.services.disposal.erasure import erase_trace_payload
from evidence.services.people import memberships, tokens
from tests.factories import World, make_world
from tests.kept_scenes import kept_scene

DIFFER = ("span_versions_differ", "spans_refused")
CASES = Path(__file__).parent / "data" / "traces"
JSON = "application/json"


@pytest.fixture
@kept_scene
def desk(db: None) -> World:
    return make_world("acme-assistant")


@pytest.fixture
@kept_scene
def sender(desk: World) -> Principal:
    desk.token(Scope.INGEST)
    return principal_of_token(AccessToken.objects.get())


def case(name: str) -> dict[str, Any]:
    return dict(json.loads((CASES / f"{name}.json").read_text()))


def post(sender: Principal, document: dict[str, Any]) -> str:
    """Post a body where it belongs; returns what the reply complains of."""
    take = ingest.ingest_logs if "resourceLogs" in document else ingest.ingest_traces
    receipt = take(
        body=json.dumps(document).encode(), content_type=JSON, content_encoding="", principal=sender
    )
    return str(json.loads(receipt.reply).get("partialSuccess", {}).get("errorMessage", ""))


def assemble() -> Trace:
    """Assemble what is due now, three seconds after the last span, and return the newest trace."""
    assembly.assemble_due_traces(limit=100, now=timezone.now() + timedelta(seconds=3))
    return Trace.objects.order_by("pk").last() or pytest.fail("no trace was sealed")


def sealed(sender: Principal, *names: str) -> Trace:
    for name in names:
        post(sender, case(name))
    PendingTrace.objects.update(root_ended=True)  # most cases have no root, and would wait ten minutes
    return assemble()


def flags(trace: Trace) -> dict[str, str]:
    return {flag["code"]: flag["detail"] for flag in trace.flags}


def spans_of(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        span
        for group in document["resourceSpans"]
        for scope in group["scopeSpans"]
        for span in scope["spans"]
    ]


def test_a_finished_span_after_its_snapshot_is_the_same_span_said_better(sender: Principal) -> None:
    first = sealed(sender, "snapshot_then_finished.1")
    assert first.answer == ""
    second = sealed(sender, "snapshot_then_finished.2")
    assert (second.revision, second.answer, second.span_count) == (2, "3 EUR.", 1)
    assert "2 versions" in flags(second)["span_versions_differ"]
    assert "gen_ai.output.messages" in flags(second)["span_versions_differ"]
    assert not Reject.objects.exists()
    assert Span.objects.count() == 2
    for trace in (first, second):
        assert assembly.replay_trace(trace).agrees


def test_which_version_stands_does_not_depend_on_the_order(sender: Principal) -> None:
    trace = sealed(sender, "snapshot_then_finished.2", "snapshot_then_finished.1")
    assert (trace.revision, trace.answer) == (1, "3 EUR.")
    assert "span_versions_differ" in flags(trace)


def test_a_version_sent_again_changes_nothing(sender: Principal) -> None:
    sealed(sender, "snapshot_then_finished.1", "snapshot_then_finished.2")
    document = case("snapshot_then_finished.2")
    document["resourceSpans"].append(document["resourceSpans"][0])  # another body
    post(sender, document)
    assert IngestBatch.objects.latest("pk").n_duplicate == 2
    assert not PendingTrace.objects.exists()


def test_a_collector_that_adds_to_a_span_says_it_better(sender: Principal) -> None:
    document = case("snapshot_then_finished.2")
    enriched = json.loads(json.dumps(document))
    spans_of(enriched)[0]["attributes"].append({"key": "k8s.pod.name", "value": {"stringValue": "clerk-1"}})
    post(sender, enriched)
    post(sender, document)
    trace = sealed(sender)
    assert flags(trace)["span_versions_differ"].startswith("2 versions")
    assert "k8s.pod.name" in flags(trace)["span_versions_differ"]


def test_content_in_a_log_event_reaches_its_span(sender: Principal) -> None:
    first = sealed(sender, "content_in_log_event.1.traces")
    assert (first.question, first.answer) == ("", "")
    trace = sealed(sender, "content_in_log_event.2.logs")
    assert (trace.question, trace.answer, trace.revision, trace.span_count) == ("Fee?", "3 EUR.", 2, 1)
    assert "log_event_without_span" not in flags(trace)
    assert assembly.replay_trace(trace).agrees


def test_content_that_comes_before_its_span_waits_for_it(sender: Principal) -> None:
    post(sender, case("content_in_log_event.2.logs"))
    trace = sealed(sender, "content_in_log_event.1.traces")
    assert (trace.question, trace.answer, trace.revision) == ("Fee?", "3 EUR.", 1)


def test_log_events_whose_span_never_came_are_read_by_themselves(sender: Principal) -> None:
    trace = sealed(sender, "content_in_log_event.2.logs")
    assert (trace.question, trace.answer) == ("Fee?", "3 EUR.")
    assert "log_event_without_span" in flags(trace)


def log_event(name: str, body: dict[str, Any]) -> dict[str, Any]:
    """Return the record of an event as SDKs before 1.36 logged it, of the span of `content_in_log_event`."""
    document = case("content_in_log_event.2.logs")
    (record,) = document["resourceLogs"][0]["scopeLogs"][0]["logRecords"]
    record.update({"eventName": name, "attributes": [], "body": otlp_value(body)})
    return document


def otlp_value(value: Any) -> dict[str, Any]:
    if isinstance(value, dict):
        pairs = [{"key": key, "value": otlp_value(held)} for key, held in value.items()]
        return {"kvlistValue": {"values": pairs}}
    return {"stringValue": value}


def test_log_events_of_before_1_36_reach_their_span(sender: Principal) -> None:
    post(sender, log_event("gen_ai.user.message", {"content": "Fee?"}))
    post(sender, log_event("gen_ai.choice", {"finish_reason": "stop", "message": {"content": "3 EUR."}}))
    trace = sealed(sender, "content_in_log_event.1.traces")
    assert (trace.question, trace.answer) == ("Fee?", "3 EUR.")


def test_lines_that_an_application_logs_are_refused_and_not_kept(sender: Principal) -> None:
    assert "unsupported_log_record" in post(sender, case("app_log_line.logs"))
    reject = Reject.objects.get()
    assert (reject.code, reject.item) == ("unsupported_log_record", None)
    assert "4711" not in reject.detail
    assert not Blob.objects.exists()


def test_lines_among_events_are_not_kept_either(sender: Principal) -> None:
    document = case("content_in_log_event.2.logs")
    document["resourceLogs"] += case("app_log_line.logs")["resourceLogs"]
    post(sender, document)
    batch = IngestBatch.objects.get()
    assert (batch.n_accepted, batch.n_rejected) == (1, 1)
    assert not Blob.objects.exists()
    trace = sealed(sender, "content_in_log_event.1.traces")
    assert trace.answer == "3 EUR."
    assert "spans_refused" not in flags(trace)


def test_evaluations_among_lines_keep_a_file_without_them(sender: Principal) -> None:
    document = case("app_log_line.logs")
    records = document["resourceLogs"][0]["scopeLogs"][0]["logRecords"]
    score = {"key": "gen_ai.evaluation.name", "value": {"stringValue": "tone"}}
    records.append(
        {
            "timeUnixNano": "1791277200000000000",
            "eventName": "gen_ai.evaluation.result",
            "attributes": [score],
        }
    )
    post(sender, document)
    (blob,) = Blob.objects.all()
    assert b"tone" in read_blob(blob.digest)
    assert b"4711" not in read_blob(blob.digest)


def test_lines_are_kept_where_the_settings_say_so(sender: Principal, settings: Any) -> None:
    settings.OTLP_KEEP_APP_LOGS = True
    post(sender, case("app_log_line.logs"))
    assert "4711" in json.dumps(Reject.objects.get().item)


def test_a_nul_is_kept_and_the_answer_is_read(sender: Principal) -> None:
    trace = sealed(sender, "wire_nul")
    assert trace.answer == "It is a deed."
    assert "Muster␛0000straat" in trace.question
    assert not Reject.objects.exists()


def test_a_clock_that_is_far_ahead_is_flagged(sender: Principal) -> None:
    trace = sealed(sender, "wire_clock_2040")
    assert trace.answer == "3 EUR."
    assert "starts_in_future" in flags(trace)


@pytest.mark.parametrize(
    ("days", "expected"), [(-31, {"starts_in_past"}), (-29, set()), (0, set()), (1, {"starts_in_future"})]
)
def test_how_far_a_start_may_be_from_its_arrival(sender: Principal, days: int, expected: set[str]) -> None:
    document = case("wire_clock_2040")
    (span,) = spans_of(document)
    start = int((clock.now() + timedelta(days=days)).timestamp()) * 10**9
    span["startTimeUnixNano"], span["endTimeUnixNano"] = str(start), str(start + 10**9)
    post(sender, document)
    assert {code for code in flags(sealed(sender)) if code.startswith("starts_in")} == expected


def test_a_span_of_a_service_that_is_not_declared_is_told_on_its_trace(sender: Principal) -> None:
    post(sender, case("two_services_one_token"))
    trace = assemble()
    assert trace.answer == "3 EUR."
    assert flags(trace)["spans_refused"].startswith("1 span refused (system_not_permitted 1)")


def test_a_span_refused_after_its_trace_was_sealed_makes_a_revision(sender: Principal) -> None:
    document = case("two_services_one_token")
    ours, other = document["resourceSpans"]
    post(sender, {"resourceSpans": [ours]})
    assert "spans_refused" not in flags(assemble())
    post(sender, {"resourceSpans": [other]})
    trace = assemble()
    assert (trace.revision, "spans_refused" in flags(trace)) == (2, True)
    post(sender, {"resourceSpans": [other, other]})  # another body, the same span
    assert assemble().revision == 2


def test_a_span_id_given_to_two_spans_is_told_on_the_trace(sender: Principal) -> None:
    document = case("two_services_one_token")
    document["resourceSpans"].pop()
    post(sender, document)
    assemble()
    reused = spans_of(document)[1]
    reused["startTimeUnixNano"] = str(int(reused["startTimeUnixNano"]) + 1)
    assert "span_conflict" in post(sender, document)
    assert "span_conflict 1" in flags(assemble())["spans_refused"]


def test_refusals_of_traces_that_nobody_has_put_nothing_up(sender: Principal) -> None:
    document = case("two_services_one_token")
    document["resourceSpans"].pop(0)
    post(sender, document)
    assert Reject.objects.count() == 1
    assert not PendingTrace.objects.exists()


def test_a_remote_parent_is_not_waited_for(sender: Principal) -> None:
    post(sender, case("remote_parent"))
    trace = assemble()
    assert (trace.question, trace.answer, trace.status) == ("Who signs?", "The branch manager.", "complete")
    assert "ab12cd34ef56ab78" in flags(trace)["parent_elsewhere"]
    assert "no_root" not in flags(trace)


def test_a_remote_parent_that_comes_after_all_is_the_root(sender: Principal) -> None:
    document = case("remote_parent")
    post(sender, document)
    assemble()
    parent = {**spans_of(document)[0], "spanId": "ab12cd34ef56ab78", "parentSpanId": "", "flags": 1}
    parent.update({"attributes": [], "name": "POST /ask"})
    document["resourceSpans"][0]["scopeSpans"][0]["spans"] = [parent]
    post(sender, document)
    trace = assemble()
    assert (trace.revision, trace.root_span_id, trace.answer) == (2, parent["spanId"], "The branch manager.")
    assert "parent_elsewhere" not in flags(trace)


def test_a_body_of_which_nothing_was_understood_is_an_error_that_says_why(sender: Principal) -> None:
    with pytest.raises(UndecodableBody, match=r"scope_spans.*written scopeSpans"):
        post(sender, case("wire_inner_scope_spans"))
    assert not IngestBatch.objects.exists()


def test_a_body_of_which_a_part_was_understood_says_which_was_not(sender: Principal) -> None:
    document = case("wire_clock_2040")
    document["resourceSpans"] += case("wire_inner_scope_spans")["resourceSpans"]
    assert "resourceSpans: scope_spans (written scopeSpans in OTLP/JSON) x1" in post(sender, document)
    assert Span.objects.count() == 1


def declare(world: World, name: str, *, is_part: bool = True) -> None:
    registry.declare_service(
        principal=world.principal("operator"), system=world.system, name=name, is_part=is_part
    )


def test_a_declared_service_sends_spans_of_its_system(desk: World, sender: Principal) -> None:
    declare(desk, "rag-service")
    assert post(sender, case("two_services_one_token")) == ""
    trace = assemble()
    assert [one.document_ref for one in trace.retrievals.all()] == ["FEES-3"]
    assert (trace.answer, "spans_refused" in flags(trace)) == ("3 EUR.", False)


def test_a_service_that_was_withdrawn_sends_none(desk: World, sender: Principal) -> None:
    declare(desk, "rag-service")
    declare(desk, "rag-service", is_part=False)
    assert "an operator declares no such service" in post(sender, case("two_services_one_token"))
    verbs = (
        AuditEvent.objects.filter(verb__startswith="service.").order_by("pk").values_list("verb", flat=True)
    )
    assert list(verbs) == ["service.declared", "service.withdrawn"]


@pytest.mark.parametrize("name", [None, "unknown_service", "unknown_service:python"])
def test_a_token_of_one_system_needs_no_name(sender: Principal, name: str | None) -> None:
    document = case("wire_clock_2040")
    attributes = document["resourceSpans"][0]["resource"]["attributes"]
    attributes.clear()
    if name:
        attributes.append({"key": "service.name", "value": {"stringValue": name}})
    assert post(sender, document) == ""
    assert Span.objects.get().system.key == "acme-assistant"


@pytest.fixture
@kept_scene
def of_both(desk: World) -> Principal:
    """The principal of a token that writes to two systems."""
    other = make_world("other-desk")
    owner = desk.people["operator"]
    memberships.grant_membership(principal=principal_of_command_line(), system=other.system, user=owner)
    tokens.issue_token(
        principal=principal_of_command_line(), name="both", owner=owner, scopes=[Scope.INGEST],
        systems=[desk.system, other.system], expires_at=timezone.now() + timedelta(days=1),
    )  # fmt: skip
    return principal_of_token(AccessToken.objects.get())


def test_a_token_of_two_systems_has_to_name_one(of_both: Principal) -> None:
    document = case("wire_clock_2040")
    document["resourceSpans"][0]["resource"]["attributes"].clear()
    assert "missing_system" in post(of_both, document)


def test_a_service_of_two_systems_says_which(desk: World, of_both: Principal) -> None:
    for system in System.objects.all():
        registry.declare_service(
            principal=principal_of_user(desk.people["operator"]),
            system=system,
            name="rag-service",
            is_part=True,
        )
    document = case("two_services_one_token")
    assert "part of several systems the token writes to" in post(of_both, document)
    rag = document["resourceSpans"].pop()
    rag["resource"]["attributes"].append(
        {"key": "tracebinder.system", "value": {"stringValue": "acme-assistant"}}
    )
    assert post(of_both, {"resourceSpans": [rag]}) == ""


def test_a_refusal_whose_system_cannot_be_told_is_counted_on_the_trace(of_both: Principal) -> None:
    post(of_both, case("two_services_one_token"))
    assert "1 span refused" in flags(assemble())["spans_refused"]


def test_a_trace_id_in_two_systems_is_two_traces(of_both: Principal) -> None:
    document = case("remote_parent")
    elsewhere = json.loads(
        json.dumps(document).replace("acme-assistant", "other-desk").replace("manager", "clerk")
    )
    post(of_both, {"resourceSpans": document["resourceSpans"] + elsewhere["resourceSpans"]})
    assemble()
    answers = Trace.objects.order_by("system__key").values_list("system__key", "answer")
    assert list(answers) == [
        ("acme-assistant", "The branch manager."),
        ("other-desk", "The branch clerk."),
    ]
    assert all(not Trace.objects.filter(flags__contains=[{"code": code}]).exists() for code in DIFFER)


def test_a_trace_id_of_two_systems_is_read_of_one(desk: World, of_both: Principal, api: APIClient) -> None:
    test_a_trace_id_in_two_systems_is_two_traces(of_both)
    other = System.objects.get(key="other-desk")
    headers = tokened(desk, [desk.system, other])
    address = f"/api/v1/traces/{Trace.objects.first().trace_id.hex}"  # type: ignore[union-attr]
    for path in (address, f"{address}/spans"):
        refused = api.get(path, **headers)
        assert (refused.status_code, refused.json()["code"]) == (409, "ambiguous_trace")
        assert "acme-assistant, other-desk" in refused.json()["detail"]
    assert api.get(address, {"system": "other-desk"}, **headers).json()["answer"] == "The branch clerk."
    assert len(api.get(f"{address}/spans", {"system": "other-desk"}, **headers).json()["results"]) == 1


def tokened(desk: World, systems: list[System]) -> dict[str, Any]:
    """Return the headers of a token that reads these systems."""
    reader = desk.people["auditor"]
    for system in systems:
        memberships.grant_membership(principal=principal_of_command_line(), system=system, user=reader)
    issued = tokens.issue_token(
        principal=principal_of_command_line(), name="reader", owner=reader, scopes=[Scope.READ], systems=systems,
        expires_at=timezone.now() + timedelta(days=1),
    )  # fmt: skip
    return {"HTTP_AUTHORIZATION": f"Bearer {issued.text}"}


def test_links_by_trace_id_name_the_system() -> None:
    links = [
        (model._meta.label, link)
        for model, model_admin in admin.site._registry.items()
        for link in getattr(model_admin, "chain", ())
        if link.lookup == "trace_id__exact"
    ]
    assert len(links) > 4
    assert [label for label, link in links if not link.system] == []


def test_what_is_said_beside_a_span_is_erased_with_its_trace(desk: World, sender: Principal) -> None:
    document = case("content_in_log_event.2.logs")
    document["resourceLogs"] += case("app_log_line.logs")["resourceLogs"]
    post(sender, document)
    first, second = case("snapshot_then_finished.1"), case("snapshot_then_finished.2")
    for one in (first, second):
        spans_of(one)[0]["traceId"] = "3085d1dfd0c2501a715a660f4224b926"
        post(sender, one)
    assert sealed(sender).answer == "3 EUR."
    report = erase_trace_payload(
        principal=desk.principal("operator"),
        system=desk.system,
        trace_id=Trace.objects.get().trace_id,
        reason="r",
    )
    assert report.plan.stays == []
    assert sorted(report.removed_blobs) == sorted(Blob.objects.values_list("digest", flat=True))
    for row in Span.objects.all():
        assert "EUR" not in json.dumps([row.attributes, row.events, row.name])
