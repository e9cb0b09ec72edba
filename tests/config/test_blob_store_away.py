"""A blob store that cannot be read or written is a 503 that says when to come back, whatever was asked."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import path
from rest_framework.test import APIClient

from config.urls import urlpatterns as ours
from evidence.models import Binder, EvalRun, Scope
from evidence.services.blobs import read_blob, store_blob
from tests.factories import World
from tests.invariants.test_04_acknowledged_is_durable import REPEATED, Sent

pytestmark = pytest.mark.django_db


def page_that_reads(request: HttpRequest) -> HttpResponse:
    """Stand for a page of the admin that shows something of a blob."""
    return HttpResponse(read_blob(request.GET["digest"]))


urlpatterns = [*ours, path("reads", page_that_reads)]


@pytest.fixture
def away(settings: Any, tmp_path: Path) -> Any:
    """Return a function after which each file of the store answers with an error of the operating system."""
    broken = tmp_path / "no folder"
    broken.write_bytes(b"")

    def break_it() -> None:
        settings.BLOB_ROOT = broken / "below a file"

    return break_it


def post(world: World, sent: Sent) -> Any:
    client: Any = APIClient(raise_request_exception=False)
    extra: dict[str, Any] = {}
    if isinstance(sent.scope, Scope):
        extra = world.headers(sent.scope)
    else:
        client.force_login(world.people[sent.scope])
    if isinstance(sent.body, bytes):
        return client.generic("POST", sent.path, sent.body, content_type=sent.content_type, **extra)
    return client.post(sent.path, sent.body, format="json", **extra)


@pytest.mark.parametrize("name", sorted(REPEATED))
def test_no_write_ends_in_a_500(world: World, away: Any, name: str) -> None:
    sent = REPEATED[name](world)
    away()
    response = post(world, sent)
    if name in {"eval-runs", "otlp-traces", "otlp-logs"}:
        assert response.status_code == 503
        assert response["Retry-After"] == "5"
    assert response.status_code < 500 or response.status_code == 503, response.content


def test_an_eval_file_that_could_not_be_kept_leaves_no_run_and_promises_nothing(
    world: World, away: Any
) -> None:
    sent = REPEATED["eval-runs"](world)
    away()
    problem = post(world, sent).json()
    assert (problem["code"], problem["status"]) == ("blob_store_away", 503)
    assert "Whether anything of this was stored is not known" in problem["detail"]
    assert not EvalRun.objects.exists()


def test_a_binder_that_cannot_be_read_is_asked_for_later(world: World, away: Any) -> None:
    blob = store_blob(b"a binder", "application/zip")
    when = world.release.created_at
    binder = Binder.objects.create(
        binder_uuid=uuid.uuid4(), system=world.system, release=world.release, archive=blob, file_name="b.zip",
        baseline="", period_from=when, period_to=when, as_of=when, sidecar="", tagmanifest_digest="", created_by="x",
    )  # fmt: skip
    address, headers = f"/api/v1/binders/{binder.binder_uuid}/download", world.headers(Scope.BINDER)
    client: Any = APIClient(raise_request_exception=False)
    assert b"".join(client.get(address, **headers).streaming_content) == b"a binder"
    away()
    response = client.get(address, **headers)
    assert (response.status_code, response["Retry-After"]) == (503, "5")


@pytest.mark.urls(__name__)
def test_a_page_says_so_too(world: World, away: Any) -> None:
    digest = store_blob(b"kept", "text/plain").digest
    away()
    client = Client(raise_request_exception=False, headers={"Accept": "text/html"})
    response = client.get("/reads", {"digest": digest})
    assert (response.status_code, response["Retry-After"]) == (503, "5")
    assert "The blob store cannot be reached" in response.content.decode()
