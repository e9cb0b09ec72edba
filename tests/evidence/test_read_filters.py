"""Lists narrowed by what people ask for, and both ways along the chain."""

from __future__ import annotations

import json
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest
from django.db.models.constants import LOOKUP_SEP
from django.utils import timezone

from evidence.access import principal_of_user
from evidence.api.filtering import StrictFilterBackend
from evidence.api.reading import ScopedList
from evidence.models import Membership, ReviewTask, Scope, SourceDocument, Trace
from evidence.services import assembly, registry, reviews
from tests.e2e.cases import make_trace
from tests.evidence import semconv_spans
from tests.evidence.otlp_bodies import PROTOBUF, make_request, make_span
from tests.evidence.stored_spans import BASE_NS, store_spans
from tests.factories import DOCUMENT_TEXT, World, acting, make_person, make_world, manifest
from tests.invariants.walk import our_urls

pytestmark = pytest.mark.django_db
QUOTE = "annual percentage rate is 7.9%"
WINDOW = {"since": "2025-11-22T08:00:00Z", "until": "2025-11-22T10:00:00Z"}


def send_traces(api: Any, world: World, *answers: dict[str, str]) -> list[Trace]:
    """Post one trace for each dict of further attributes, and assemble them."""
    spans = []
    for number, further in enumerate(answers, start=1):
        said = {
            "gen_ai.operation.name": "invoke_agent", "tracebinder.release": "r1", "tracebinder.answer": QUOTE,
            "gen_ai.data_source.id": "credit-assistant-docs", "tracebinder.index.version": "1",
            "tracebinder.claims": json.dumps(
                [{"id": "c", "text": QUOTE, "start": 0, "end": len(QUOTE), "material": True,
                  "citations": [{"id": "x", "document": further.pop("document", "DOC-1"), "quote": QUOTE}]}]
            ),
            **further,
        }  # fmt: skip
        spans.append(make_span(trace_id=bytes([number]) * 16, attributes=said, parent_span_id=b""))
    body = make_request(*spans).SerializeToString()
    response = api.generic("POST", "/v1/traces", body, content_type=PROTOBUF, **world.headers(Scope.INGEST))
    assert response.status_code == 200
    assembly.assemble_due_traces(limit=10, now=timezone.now() + timedelta(minutes=1))
    ids = [uuid.UUID(bytes=bytes([number]) * 16) for number in range(1, len(answers) + 1)]
    return [Trace.objects.get(trace_id=trace_id) for trace_id in ids]


def ids_of(api: Any, world: World, path: str, **query: Any) -> list[str]:
    response = api.get(f"/api/v1/{path}", query, **world.headers(Scope.READ))
    assert response.status_code == 200, response.content
    return [row.get("trace_id") for row in response.json()["results"]]


def test_answers_that_relied_on_a_document_and_documents_an_answer_relied_on(api: Any, world: World) -> None:
    cited, other = send_traces(api, world, {}, {"document": "UNKNOWN"})
    digest = SourceDocument.objects.get().digest
    assert ids_of(api, world, "traces", document=digest) == [cited.trace_id.hex]
    assert ids_of(api, world, "traces", retrieved_document=digest) == [cited.trace_id.hex]
    assert ids_of(api, world, "traces", document="0" * 64) == []
    detail = api.get(f"/api/v1/traces/{cited.trace_id.hex}", **world.headers(Scope.READ)).json()
    assert detail["documents"] == [{"digest": digest, "cited": True}]
    assert (
        api.get(f"/api/v1/traces/{other.trace_id.hex}", **world.headers(Scope.READ)).json()["documents"] == []
    )


def test_answers_that_used_a_version_each_once(api: Any, world: World) -> None:
    first, second = send_traces(api, world, {}, {"tracebinder.index.version": "2"})
    index = world.release.pins.get(slot="index").version
    assert ids_of(api, world, "traces", version=index.digest) == [first.trace_id.hex]
    unknown = second.versions.get(version__label="2").version
    assert ids_of(api, world, "traces", version=unknown.digest) == [second.trace_id.hex]
    assert ids_of(api, world, "traces", version="0" * 64) == []


def test_versions_nobody_vouches_for_are_the_list_to_register(api: Any, world: World) -> None:
    send_traces(api, world, {"tracebinder.index.version": "2"})
    headers = world.headers(Scope.READ)
    listed = api.get("/api/v1/versions", {"registered": "false"}, **headers).json()["results"]
    assert [(row["kind"], row["label"], row["registered_by"]) for row in listed] == [("index", "2", None)]
    assert all(
        row["registered_by"]
        for row in api.get("/api/v1/versions?registered=true", **headers).json()["results"]
    )


def test_spans_and_traces_by_any_attribute_within_a_window(api: Any, world: World) -> None:
    first, second = send_traces(api, world, {"branch": "Leeds"}, {"branch": "York", "n": "7"})
    assert ids_of(api, world, "spans", attribute="branch=York", **WINDOW) == [second.trace_id.hex]
    assert ids_of(api, world, "spans", attribute=["branch=York", "n=8"], **WINDOW) == []
    assert ids_of(api, world, "traces", attribute="branch=Leeds", **WINDOW) == [first.trace_id.hex]
    path = f"traces/{second.trace_id.hex}/spans"
    assert len(ids_of(api, world, path, attribute="n=7")) == 1
    assert ids_of(api, world, path, attribute="n=8") == []


@pytest.mark.parametrize(
    ("query", "advice"),
    [
        ({}, "This field is required."),
        ({"attribute": "a=b"}, "This field is required."),
        ({"since": "2025-01-01T00:00:00Z", "until": "2025-11-22T10:00:00Z"}, "at most 24 hours apart"),
        ({**WINDOW, "attribute": "nosign"}, "`attribute` is key=value"),
    ],
)
def test_a_search_of_everything_is_refused_with_what_to_do(
    api: Any, world: World, query: dict[str, str], advice: str
) -> None:
    response = api.get("/api/v1/spans", query, **world.headers(Scope.READ))
    assert (response.status_code, response.json()["code"]) == (422, "invalid_input")
    assert advice in response.content.decode()


def test_traces_by_the_state_of_their_review(api: Any, world: World) -> None:
    asked, _ = send_traces(api, world, {"tracebinder.risk_tier": "high"}, {"tracebinder.risk_tier": "low"})
    required = ReviewTask.objects.get(trace=asked).reviews_required
    reviewers = [world.people["reviewer"], make_person("second", "reviewer")][:required]
    Membership.objects.get_or_create(system=world.system, user=reviewers[-1])
    assert ids_of(api, world, "traces", review="open") == [asked.trace_id.hex]
    assert len(ids_of(api, world, "traces", review="none")) == 1
    assert ids_of(api, world, "traces", reviewed="true") == []
    for reviewer in reviewers:
        reviews.record_review(
            trace=asked,
            principal=principal_of_user(reviewer),
            decision="reject",
            reason_code="unclear",
            rationale="why",
        )
    assert ids_of(api, world, "traces", review="done") == [asked.trace_id.hex]
    assert ids_of(api, world, "traces", decision="reject", reviewed="true") == [asked.trace_id.hex]
    assert ids_of(api, world, "traces", decision="approve") == []


def test_claims_by_verdict_and_trace(api: Any, world: World) -> None:
    good, bad = send_traces(api, world, {}, {"document": "UNKNOWN"})
    assert ids_of(api, world, "claims", verdict="verbatim") == [good.trace_id.hex]
    assert ids_of(api, world, "claims", trace=bad.trace_id.hex, material="true") == [bad.trace_id.hex]
    assert len(ids_of(api, world, "claims", release="r1", system=world.system.key)) == 2


def test_batches_by_time_and_refusals_and_never_those_of_others(api: Any, world: World) -> None:
    send_traces(api, world, {})
    headers = world.headers(Scope.READ)
    for query, n in (
        ({"rejected": "false"}, 1),
        ({"rejected": "true"}, 0),
        ({"until": "2020-01-01T00:00:00Z"}, 0),
    ):
        assert len(api.get("/api/v1/batches", query, **headers).json()["results"]) == n
    assert api.get("/api/v1/rejects?since=2020-01-01T00:00:00Z", **headers).json()["results"] == []


def test_two_index_versions_compared_with_the_answers_that_relied_on_what_changed(
    api: Any, world: World
) -> None:
    trace, _ = send_traces(api, world, {}, {"document": "UNKNOWN"})
    earlier = world.release.pins.get(slot="index").version
    documents = [
        registry.DocumentSpec(
            document_id="DOC-1", title="t", language="en", text=DOCUMENT_TEXT + " Changed."
        ),
        registry.DocumentSpec(document_id="DOC-2", title="t", language="en", text="New."),
    ]
    pins = [
        registry.PinSpec(slot="index", kind="index", key="credit-assistant-docs", label="2", documents=documents)
        if pin.slot == "index" else pin
        for pin in manifest(name="r2").pins
    ]  # fmt: skip
    release = registry.register_release(
        system=world.system, manifest=registry.ReleaseManifest(name="r2", pins=pins), principal=acting()
    )
    later = release.pins.get(slot="index").version
    query = {"system": world.system.key, "from": earlier.digest, "to": later.digest}
    told = api.get("/api/v1/index-diff", query, **world.headers(Scope.READ)).json()
    assert [row["document_id"] for row in told["added"]] == ["DOC-2"]
    assert [row["document_id"] for row in told["changed"]] == ["DOC-1"]
    assert (told["n_removed"], told["n_unchanged"]) == (0, 0)
    assert [row["trace_id"] for row in told["results"]] == [trace.trace_id.hex]
    back = {**query, "from": later.digest, "to": earlier.digest}
    told = api.get("/api/v1/index-diff", back, **world.headers(Scope.READ)).json()
    assert [row["document_id"] for row in told["removed"]] == ["DOC-2"]
    assert told["results"] == []
    missing = api.get("/api/v1/index-diff", {**query, "to": "0" * 64}, **world.headers(Scope.READ))
    assert missing.status_code == 404


def test_no_trace_is_found_by_a_span_of_another_system_in_it(api: Any, world: World) -> None:
    """Two systems that call each other share a trace id; each has its own trace, of its own spans."""
    began = datetime.fromtimestamp(BASE_NS / 1e9, tz=UTC)
    trace, other = make_trace(world, sealed_at=began), make_world("aml-copilot")
    window = {
        "since": (began - timedelta(hours=1)).isoformat(),
        "until": (began + timedelta(hours=1)).isoformat(),
    }
    for system, said in ((world.system, "mine"), (other.system, "theirs")):
        span = semconv_spans.make_span(f"{system.pk:016x}", attributes={"said": said})
        store_spans(system, trace.trace_id, [span])
    assert ids_of(api, world, "traces", attribute="said=mine", **window) == [trace.trace_id.hex]
    assert ids_of(api, world, "traces", attribute="said=theirs", **window) == []


def test_a_version_in_two_slots_is_listed_once(api: Any, world: World) -> None:
    first = manifest(name="r2").pins[0]
    pins = [first, replace(first, slot="embedding_model")]
    registry.register_release(
        principal=acting(), system=world.system, manifest=registry.ReleaseManifest("r2", pins)
    )
    listed = api.get("/api/v1/versions", {"release": "r2"}, **world.headers(Scope.READ)).json()["results"]
    assert [row["key"] for row in listed] == [first.key]


# What a filter asks of a row that hangs on the one that is listed.
ASK_WHAT_HANGS_ON_A_ROW: Final = {
    ("ArtefactVersion", "registered"): "a registration is shown to whoever is shown its version"
}


def test_a_filter_asks_about_the_row_and_what_it_belongs_to() -> None:
    """What hangs on a row may be hidden from whoever sees the row: a filter must not tell of it."""
    asking, n_walked = set(), 0
    views: list[Any] = [
        view for _, view in our_urls() if isinstance(view, type) and issubclass(view, ScopedList)
    ]
    for view in views:
        for name, each in StrictFilterBackend().filters_of(view()).items():
            model = view.queryset.model
            for part in each.field_name.split(LOOKUP_SEP) if each.method is None else ():
                if part in view.queryset.query.annotations:
                    break
                field = model._meta.get_field(part)
                if field.is_relation and (not field.concrete or field.many_to_many):
                    asking.add((view.queryset.model.__name__, name))
                model, n_walked = field.related_model or model, n_walked + 1
    assert n_walked > 50
    assert asking == set(ASK_WHAT_HANGS_ON_A_ROW)
