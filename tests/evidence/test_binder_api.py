"""Binders over HTTP: who may export and fetch, and what comes back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from rest_framework.test import APIClient

from evidence.digests import sha256_hex
from evidence.models import Binder, Scope
from evidence.services.blobs import blob_path
from evidence.services.disposal.erasure import erase_trace_payload
from tests.evidence.binder_world import PERIOD, Filled, fill_lightly, verify
from tests.factories import World, acting, make_world
from tests.kept_scenes import kept_scene


@pytest.fixture
@kept_scene
def filled(world: World) -> Filled:
    return fill_lightly(world)


def body(**changes: Any) -> dict[str, Any]:
    return {
        "system": "credit-assistant",
        "release": "r1",
        "period_from": PERIOD[0].isoformat(),
        "period_to": PERIOD[1].isoformat(),
        **changes,
    }


def post(
    api: APIClient, world: World, *, scope: Scope = Scope.BINDER, headers: Any = None, **changes: Any
) -> Any:
    sent = {**world.headers(scope), **(headers or {})}
    return api.post("/api/v1/binders", body(**changes), format="json", **sent)


def test_auditor_exports_downloads_and_verifies(api: APIClient, filled: Filled, tmp_path: Path) -> None:
    created = post(api, filled.world)
    assert created.status_code == 201, created.content
    made = created.json()
    assert made["state"] == "ready"
    headers = filled.world.headers(Scope.BINDER)
    assert api.get(f"/api/v1/binders/{made['id']}", **headers).json() == made
    download = api.get(f"/api/v1/binders/{made['id']}/download", **headers)
    archive = download.getvalue()
    assert sha256_hex(archive) == made["digest"]
    assert made["file_name"] in download["Content-Disposition"]
    sidecar = api.get(f"/api/v1/binders/{made['id']}/sidecar", **headers).content.decode()
    trust = api.get("/api/v1/trust", **headers).json()
    assert trust["log"]["required"] is True
    assert verify(tmp_path, archive, sidecar).exit_code == 0


def test_of_two_exports_of_one_scope_each_row_of_the_list_leads_to_its_own(
    api: APIClient, filled: Filled, tmp_path: Path
) -> None:
    """They share an id, which is that of the scope; what was erased between them makes them two."""
    world, headers = filled.world, filled.world.headers(Scope.BINDER)
    scope: dict[str, Any] = {"as_of": filled.as_of.isoformat()}
    first = post(api, world, **scope).json()
    erase_trace_payload(
        principal=acting(), system=world.system, trace_id=filled.trace.trace_id, reason="request 17"
    )
    second = post(api, world, **scope).json()
    assert (first["id"], first["digest"]) == (second["id"], first["digest"])
    assert first["digest"] != second["digest"]
    rows = api.get("/api/v1/binders", **headers).json()["results"]
    assert rows == [second, first]
    there = f"/api/v1/binders/{first['id']}"
    assert api.get(there, **headers).json() == second, "without a digest, the newest"
    assert rows[0]["file_name"] != rows[1]["file_name"], "so that both lie in one folder"
    for row in rows:
        named = {"digest": row["digest"]}
        assert row["file_name"] == f"binder-{row['id']}-{row['digest'][:12]}.zip"
        assert api.get(there, named, **headers).json() == row
        download = api.get(f"{there}/download", named, **headers)
        archive = download.getvalue()
        assert sha256_hex(archive) == row["digest"]
        assert f'filename="{row["file_name"]}"' in download["Content-Disposition"]
        sidecar = api.get(f"{there}/sidecar", named, **headers)
        assert f'filename="{row["file_name"]}.intoto.jsonl"' in sidecar["Content-Disposition"]
        assert verify(tmp_path, archive, sidecar.content.decode()).exit_code == 0
    for suffix in ("", "/download", "/sidecar"):
        unknown = api.get(f"{there}{suffix}", {"digest": "0" * 64}, **headers)
        assert unknown.status_code == 404
        assert f"has the digest {'0' * 64}" in unknown.json()["detail"]
        assert api.get(f"{there}{suffix}", {"digest": "newest"}, **headers).status_code == 422


def test_reading_alone_exports_nothing(api: APIClient, filled: Filled) -> None:
    assert post(api, filled.world, scope=Scope.READ).status_code == 403
    assert not Binder.objects.exists()


def test_members_of_other_systems_see_no_binder(api: APIClient, filled: Filled) -> None:
    made = post(api, filled.world).json()
    other = make_world("aml-copilot")
    headers = other.headers(Scope.BINDER)
    for suffix in ("", "/download", "/sidecar"):
        assert api.get(f"/api/v1/binders/{made['id']}{suffix}", **headers).status_code == 404
    assert post(api, other).status_code == 404


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"release": "r9"}, 404),
        ({"system": "nobody"}, 404),
        ({"period_to": "2020-01-01T00:00:00Z"}, 422),
        ({"as_of": "2100-01-01T00:00:00Z"}, 422),
        ({"baseline": "none"}, 404),
        ({"period_from": "yesterday"}, 422),
    ],
)
def test_unusable_request_is_a_problem(
    api: APIClient, filled: Filled, changes: dict[str, Any], status: int
) -> None:
    answer = post(api, filled.world, **changes)
    assert answer.status_code == status, answer.content
    assert answer["Content-Type"] == "application/problem+json"
    assert not Binder.objects.exists()


def test_changed_file_in_the_store_is_not_sent(api: APIClient, filled: Filled) -> None:
    made = post(api, filled.world).json()
    path = blob_path(made["digest"])
    path.chmod(0o600)
    path.write_bytes(path.read_bytes() + b"x")
    answer = api.get(f"/api/v1/binders/{made['id']}/download", **filled.world.headers(Scope.BINDER))
    assert answer.status_code >= 400
    assert "was changed" in json.dumps(answer.json())
