"""The endpoint as an SDK meets it: statuses, encodings, and errors that say what to do."""

from __future__ import annotations

import base64
import gzip
import io
import json
from pathlib import Path
from threading import BoundedSemaphore
from typing import Any

import pytest
from django.db import IntegrityError, OperationalError, ProgrammingError
from django.test import RequestFactory
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from rest_framework.test import APIClient

from evidence.api.otlp import read_posted_body
from evidence.models import EvalRun, EvalSample, IngestBatch, Reject, Scope, Span
from evidence.otlp.errors import BodyTooLarge, UndecodableBody
from evidence.services import ingest
from evidence.services.ingest import admission as ingest_admission
from tests.evidence.otlp_bodies import JSON, PROTOBUF, make_request, make_span, to_otlp_json
from tests.evidence.test_otlp_logs import EVENT, make_logs
from tests.factories import World

BODY = make_request(make_span(), make_span(span_id=bytes(8))).SerializeToString()


def post(api: APIClient, world: World, body: bytes, content_type: str = PROTOBUF, **extra: Any) -> Any:
    path = extra.pop("path", "/v1/traces")
    headers = extra.pop("headers", None) or world.headers(Scope.INGEST)
    return api.post(path, data=body, content_type=content_type, **headers, **extra)


def told(response: Any) -> tuple[str, str]:
    """Return code and detail of a refusal, in the encoding of what was sent."""
    if response["Content-Type"] == PROTOBUF:
        code, _, detail = Status.FromString(response.content).message.partition(": ")
        return code, detail
    assert response["Content-Type"] == "application/problem+json"
    problem = json.loads(response.content)
    assert problem["status"] == response.status_code
    return problem["code"], problem["detail"]


def test_protobuf_is_answered_in_protobuf(api: APIClient, world: World) -> None:
    response = post(api, world, BODY, HTTP_ACCEPT=PROTOBUF)
    assert (response.status_code, response["Content-Type"]) == (200, PROTOBUF)
    assert ExportTraceServiceResponse.FromString(response.content).partial_success.rejected_spans == 1
    assert Span.objects.count() == 1


def test_json_is_answered_in_json(api: APIClient, world: World) -> None:
    body = to_otlp_json(make_request(make_span(), make_span(span_id=bytes(8))))
    response = post(
        api, world, gzip.compress(body), "application/json; charset=utf-8", HTTP_CONTENT_ENCODING="gzip"
    )
    assert (response.status_code, response["Content-Type"]) == (200, JSON)
    partial = json.loads(response.content)["partialSuccess"]
    assert partial["rejectedSpans"] == "1"
    assert "invalid_span_id" in partial["errorMessage"]


@pytest.mark.parametrize(
    ("body", "content_type", "extra", "status", "code"),
    [
        (b"\xff" * 40, PROTOBUF, {}, 400, "undecodable_body"),
        (b'{"resourceLogs": []}', JSON, {}, 400, "wrong_signal"),
        (BODY, "text/plain", {}, 415, "unsupported_media"),
        (BODY, PROTOBUF, {"HTTP_CONTENT_ENCODING": "br"}, 415, "unsupported_media"),
        (BODY, PROTOBUF, {"HTTP_CONTENT_ENCODING": "gzip"}, 400, "undecodable_body"),
    ],
)
def test_whole_request_refused_is_told_in_its_encoding(
    api: APIClient,
    world: World,
    body: bytes,
    content_type: str,
    extra: dict[str, str],
    status: int,
    code: str,
) -> None:
    response = post(api, world, body, content_type, **extra)
    wanted = PROTOBUF if content_type == PROTOBUF else "application/problem+json"
    assert (response.status_code, response["Content-Type"]) == (status, wanted)
    assert told(response)[0] == code
    assert not Reject.objects.exists()


def test_too_large_is_413(api: APIClient, world: World, settings: Any) -> None:
    settings.OTLP_MAX_BODY = 10
    assert post(api, world, BODY).status_code == 413


def test_without_a_token_or_its_scope_nothing_is_taken(api: APIClient, world: World) -> None:
    assert api.post("/v1/traces", data=BODY, content_type=PROTOBUF).status_code == 401
    assert post(api, world, BODY, headers=world.headers(Scope.READ)).status_code == 403
    assert not Span.objects.exists()


def test_when_all_places_are_taken_the_sender_is_asked_to_come_back(
    api: APIClient, world: World, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.OTLP_MAX_WAIT = 0
    places = BoundedSemaphore(1)
    monkeypatch.setattr(ingest_admission, "_places", places)
    with places:
        response = post(api, world, BODY)
    assert (response.status_code, response["Retry-After"]) == (429, "2")
    assert post(api, world, BODY).status_code == 200


def test_database_away_is_503_which_sdks_retry(
    api: APIClient, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(**_: object) -> None:
        raise OperationalError("server closed the connection")

    monkeypatch.setattr(ingest, "ingest_traces", fail)
    response = post(api, world, BODY)
    assert (response.status_code, response["Retry-After"]) == (503, "5")


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (ProgrammingError, "42501"),  # a right is missing
        (ProgrammingError, "42P01"),  # a table
        (ProgrammingError, "42703"),  # a column
        (IntegrityError, "23502"),  # a column is new to this server
        (OperationalError, "55P03"),  # a lock was not to be had
        (OperationalError, "40P01"),  # a deadlock
        (OperationalError, "40001"),  # a conflict of snapshots
    ],
)
def test_what_an_upgrade_sets_off_is_503_which_sdks_retry(
    api: APIClient, world: World, monkeypatch: pytest.MonkeyPatch, error: type[Exception], state: str
) -> None:
    raised = error("the database's own words")
    raised.__cause__ = type("Cause", (Exception,), {"sqlstate": state})()

    def fail(**_: object) -> None:
        raise raised

    monkeypatch.setattr(ingest, "ingest_traces", fail)
    response = post(api, world, BODY)
    assert (response.status_code, response["Retry-After"]) == (503, "5")
    assert b"nothing was acknowledged" in response.content


def test_blob_store_that_cannot_be_written_is_503_and_nothing_is_stored(
    api: APIClient, world: World, settings: Any, tmp_path: Path
) -> None:
    settings.BLOB_ROOT = tmp_path / "full"
    settings.BLOB_ROOT.write_bytes(b"a file where the folder should be")
    response = post(api, world, BODY)
    assert (response.status_code, response["Retry-After"]) == (503, "5")
    assert not IngestBatch.objects.exists()
    settings.BLOB_ROOT.unlink()
    assert post(api, world, BODY).status_code == 200


def test_logs_become_samples_once(api: APIClient, world: World) -> None:
    failed = {"key": "error.type", "value": {"stringValue": "timeout"}}
    error = {**EVENT, "attributes": [EVENT["attributes"][0], failed]}
    other = {"timeUnixNano": "1", "body": {"stringValue": "hello"}}
    response = post(api, world, make_logs(EVENT, error, other), JSON, path="/v1/logs")
    assert json.loads(response.content)["partialSuccess"]["rejectedLogRecords"] == "1"
    post(api, world, make_logs(EVENT, EVENT), JSON, path="/v1/logs")  # the same event in another body
    run = EvalRun.objects.get()
    assert run.run_key == "otlp:2025-11-22:groundedness"
    values = EvalSample.objects.filter(run=run).order_by("value").values_list("status", "value")
    assert list(values) == [("scored", 0.75), ("error", None)]


@pytest.mark.parametrize("path", ["/v1/traces/", "/v1/traces", "//v1/traces"])
def test_a_slash_more_is_no_other_address(api: APIClient, world: World, path: str) -> None:
    assert post(api, world, BODY, PATH_INFO=path).status_code == 200


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("/", "/v1/traces"),
        ("/v1", "/v1/traces"),
        ("/v1/traces/v1/traces", "twice"),
        ("/otlp/v1/traces", "root"),
        ("/V1/Logs", "root"),
        ("/api/v2/spans", "Zipkin"),
        ("/api/traces", "Jaeger"),
        ("/v1/metrics", "OTEL_METRICS_EXPORTER=none"),
        ("/opentelemetry.proto.collector.trace.v1.TraceService/Export", "http/protobuf"),
    ],
)
def test_an_export_to_an_address_beside_it_is_told_which(
    api: APIClient, world: World, path: str, says: str
) -> None:
    response = post(api, world, BODY, path=path)
    code, detail = told(response)
    assert (response.status_code, code) == (404, "wrong_otlp_address")
    assert says in detail


def basic(user: str, password: str) -> dict[str, str]:
    return {"HTTP_AUTHORIZATION": f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"}


def test_what_exporters_send_as_credentials_is_taken(api: APIClient, world: World) -> None:
    token = world.token(Scope.INGEST)
    for headers in (basic("any", token), basic(token, ""), {"HTTP_X_API_KEY": token}):
        assert post(api, world, BODY, headers=headers).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        basic("any", "password"),
        basic("any", "tb_000000000000_none"),
        {"HTTP_AUTHORIZATION": "Basic %%%"},
        basic("tb_a\0b_c", ""),
        {"HTTP_AUTHORIZATION": "Bearer tb_a\0b_c"},
        {"HTTP_X_API_KEY": "tb_000000000000_none"},
    ],
)
def test_other_credentials_are_refused(api: APIClient, world: World, headers: dict[str, str]) -> None:
    assert post(api, world, BODY, headers=headers).status_code == 401


@pytest.mark.parametrize(
    ("header", "says"),
    [
        ("Bearer%20tb_a_b", "percent-encoded"),
        ("tb_a_b", "`Bearer tb_…`"),
        ("Token tb_a_b", "`Bearer tb_…`"),
        (None, "`Authorization: Bearer tb_…`"),
    ],
)
def test_who_sends_credentials_otherwise_is_told_how(
    api: APIClient, world: World, header: str | None, says: str
) -> None:
    headers = {"HTTP_X_OTHER": "x"} if header is None else {"HTTP_AUTHORIZATION": header}
    response = post(api, world, BODY, headers=headers)
    assert (response.status_code, response["WWW-Authenticate"]) == (401, "Bearer")
    assert says in told(response)[1]
    assert b"tb_a_b" not in response.content


def test_elsewhere_only_a_bearer_is_a_token(api: APIClient, world: World) -> None:
    token = world.token(Scope.READ)
    kinds: list[dict[str, Any]] = [basic("any", token), {"HTTP_X_API_KEY": token}]
    for headers in kinds:
        assert api.get("/api/v1/traces", **headers).status_code == 401


def test_chunked_body_is_read_to_its_end() -> None:
    request = RequestFactory().post("/v1/traces", content_type=PROTOBUF)
    request.META.update(
        {"wsgi.input": io.BytesIO(BODY), "HTTP_TRANSFER_ENCODING": "chunked", "CONTENT_LENGTH": ""}
    )
    assert read_posted_body(request, limit=1_000) == BODY
    request.META["wsgi.input"] = io.BytesIO(BODY)
    with pytest.raises(BodyTooLarge):
        read_posted_body(request, limit=10)


def test_body_shorter_than_stated_is_not_taken() -> None:
    request = RequestFactory().post("/v1/traces", data=BODY, content_type=PROTOBUF)
    request.META["CONTENT_LENGTH"] = str(len(BODY) + 1)
    with pytest.raises(UndecodableBody, match="cut short"):
        read_posted_body(request, limit=10_000)
