"""A bad item is rejected by itself, with its reason, in the answer and in the ledger; the rest is kept."""

from __future__ import annotations

import ast
import re
from typing import Any

import pytest
from rest_framework.test import APIClient

from evidence.digests import sha256_hex
from evidence.models import Blob, IngestBatch, Reject, Scope, Span
from evidence.services.blobs import read_blob
from tests.evidence.eval_files import eval_file
from tests.evidence.otlp_bodies import make_request, make_span
from tests.factories import World
from tests.invariants.walk import OUR_APPS, REPOSITORY

pytestmark = pytest.mark.django_db

PASSES = re.compile(r"(^|[:;])[ \t]*pass\b", re.MULTILINE)  # no other module is parsed


def test_one_bad_span_is_refused_alone_and_the_sums_agree(world: World) -> None:
    body = make_request(
        make_span(), make_span(span_id=b"\x00" * 8), make_span(trace_id=b"short")
    ).SerializeToString()
    response = _post(world, "/v1/traces", body, Scope.INGEST, "application/x-protobuf")
    assert response.status_code == 200
    batch = IngestBatch.objects.get()
    assert (batch.n_items, batch.n_accepted, batch.n_duplicate, batch.n_rejected) == (3, 1, 0, 2)
    assert Span.objects.count() == 1
    assert Reject.objects.filter(batch=batch).count() == 2
    assert all(reject.code and reject.detail for reject in Reject.objects.all())


def test_the_bytes_that_came_are_kept_by_their_digest(world: World) -> None:
    body = make_request(make_span(), make_span(span_id=b"\x00" * 8)).SerializeToString()
    _post(world, "/v1/traces", body, Scope.INGEST, "application/x-protobuf")
    batch = IngestBatch.objects.get()
    assert batch.body_digest == sha256_hex(body)
    assert read_blob(batch.body_digest) == body


def test_one_bad_sample_is_refused_alone(world: World) -> None:
    raw = eval_file(values=[1.0, 1.0, 7.5])  # 7.5 is no proportion
    path = f"/api/v1/eval-runs?system={world.system.key}&release=r1&format=native"
    response = _post(world, path, raw, Scope.PUSH_EVAL, "application/json")
    assert response.status_code == 201, response.content
    answer = response.json()
    assert len(answer["rejects"]) == 1
    assert Reject.objects.filter(source="eval_sample").count() == 1
    assert Blob.objects.filter(digest=sha256_hex(raw)).exists()


def test_a_body_that_cannot_be_decoded_is_refused_whole_and_stores_nothing(world: World) -> None:
    response = _post(world, "/v1/traces", b"\xff\xff\xff", Scope.INGEST, "application/x-protobuf")
    assert response.status_code == 400
    assert not Span.objects.exists()
    assert not IngestBatch.objects.exists()


def test_no_code_swallows_an_error_without_saying_why() -> None:
    """`except …: pass` (or `continue`) in the product carries a comment that says what is lost by it, and why."""
    silent = []
    for app in (*OUR_APPS, "config", "client"):
        for path in (REPOSITORY / app).rglob("*.py"):
            source = path.read_text(encoding="utf-8")
            if not PASSES.search(source):
                continue
            lines = source.splitlines()
            for node in ast.walk(ast.parse(source)):
                if isinstance(node, ast.ExceptHandler) and all(
                    isinstance(each, ast.Pass) for each in node.body
                ):
                    last = node.body[-1].end_lineno or node.lineno
                    if not any("#" in line for line in lines[node.lineno - 1 : last]):
                        silent.append(f"{path.relative_to(REPOSITORY)}:{node.lineno}")
    assert silent == []


def _post(world: World, path: str, body: bytes, scope: Scope, content_type: str) -> Any:
    return APIClient().post(path, body, content_type=content_type, **world.headers(scope))
