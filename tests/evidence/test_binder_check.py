"""A binder's pages: taken, verified on the server in bounded time, and the command that does it again elsewhere."""

from __future__ import annotations

import subprocess
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils.html import escape
from django.utils.translation import override
from pytest_django.fixtures import Settings

from evidence import tasks
from evidence.binder.front_page import NON_CLAIMS_ZH
from evidence.models import Binder, BinderRequest
from evidence.pages.binder_check import _shown
from evidence.services import binder_checks
from evidence.services.binder_checks import offline_command
from evidence.services.blobs import blob_path
from tests.evidence.binder_world import Filled, export, fill_lightly
from tests.factories import World, make_world
from tests.kept_scenes import kept_scene

pytestmark = pytest.mark.django_db


@pytest.fixture
@kept_scene
def filled(world: World) -> Filled:
    return fill_lightly(world)


@pytest.fixture
def binder(filled: Filled) -> Binder:
    return export(filled, as_of=None)


def signed_in(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


def check(person: User, binder: Binder, status: int = 200) -> Any:
    answer = signed_in(person).post(reverse("admin:check_binder", args=[binder.pk]))
    assert answer.status_code == status, answer.content.decode()
    return answer


def test_it_is_verified_line_by_line_by_the_verifier_itself(filled: Filled, binder: Binder) -> None:
    answer = check(filled.world.people["auditor"], binder)
    checked = answer.context["checked"]
    assert checked.problems == []
    assert (checked.exit_code, checked.digest) == (0, binder.archive_id)
    assert [line.name for line in checked.lines] == [
        "integrity", "origin", "container", "log inclusion", "witnessed", "completeness", "freshness",
    ]  # fmt: skip
    states = {line.name: line.state for line in checked.lines}
    assert states.pop("freshness") == "not checked"  # nobody said how old a binder may be
    assert states.pop("witnessed") != "ok"  # nobody did
    assert set(states.values()) == {"ok"}
    assert len(checked.non_claims) == len(NON_CLAIMS_ZH)
    with override("zh-hans"):
        told = _shown(checked)["non_claims"]
    for text, chinese, english in zip(told, NON_CLAIMS_ZH, checked.non_claims, strict=True):
        assert text.startswith(chinese)
        assert f'lang="en">{escape(english)}<' in text
    page = answer.content.decode()
    assert offline_command(binder).partition("&&")[2].strip() in page.replace("&#x27;", "'")
    assert binder.archive_id in page


def test_a_changed_byte_in_the_store_is_no_pass(filled: Filled, binder: Binder) -> None:
    path = blob_path(binder.archive_id)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.chmod(0o600)
    path.write_bytes(bytes(data))
    answer = check(filled.world.people["auditor"], binder, 500)
    assert "checked" not in answer.context
    assert answer.context["refusal"]


def test_a_sidecar_of_another_binder_fails_its_line(filled: Filled, binder: Binder) -> None:
    other = export(filled, as_of=None, period_from=filled.trace.started_at)
    mixed = Binder(
        archive=binder.archive, sidecar=other.sidecar, system=binder.system, release=binder.release
    )
    for name in ("period_from", "period_to", "as_of", "baseline", "file_name", "archive_id"):
        setattr(mixed, name, getattr(binder, name))
    checked = binder_checks.check_binder_here(principal=filled.world.principal("auditor"), binder=mixed)
    assert checked.exit_code == 1
    assert next(line.state for line in checked.lines if line.name == "origin") == "failed"
    assert any("sidecar" in problem for problem in checked.problems)


def test_what_is_too_large_too_slow_or_busy_is_to_be_verified_offline(
    filled: Filled, binder: Binder, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    auditor = filled.world.people["auditor"]
    with binder_checks._ONE_AT_A_TIME:
        assert "Another binder" in check(auditor, binder, 503).content.decode()
    settings.VERIFY_HERE_SECONDS = 0.001
    assert "verify it offline" in check(auditor, binder, 503).content.decode()
    monkeypatch.setattr(subprocess, "run", None)  # nothing is begun
    settings.VERIFY_HERE_BYTES = binder.archive.size - 1
    assert "at most" in check(auditor, binder, 503).content.decode()


def test_the_verifier_is_given_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRACEBINDER_SECRET_KEY", "s")
    assert binder_checks._environment().keys() == {"PYTHONPATH", "PATH", "PYTHONUTF8"}


def test_the_command_names_this_file_by_its_digest(binder: Binder, tmp_path: Any) -> None:
    (tmp_path / binder.file_name).write_bytes(blob_path(binder.archive_id).read_bytes())
    command = offline_command(binder).partition("&&")[0]
    assert subprocess.run(command, shell=True, cwd=tmp_path, check=False, capture_output=True).returncode == 0
    (tmp_path / binder.file_name).write_bytes(b"another")
    assert subprocess.run(command, shell=True, cwd=tmp_path, check=False, capture_output=True).returncode == 1


def test_its_record_leads_to_all_of_it_and_others_find_nothing(filled: Filled, binder: Binder) -> None:
    world = filled.world
    record = reverse("admin:evidence_binder_change", args=[binder.pk])
    page = signed_in(world.people["auditor"]).get(record).content.decode()
    for address in (
        f"/api/v1/binders/{binder.binder_uuid}/download", f"/api/v1/binders/{binder.binder_uuid}/sidecar",
        reverse("admin:check_binder", args=[binder.pk]), reverse("admin:dossier", args=[binder.release_id]),
    ):  # fmt: skip
        assert address in page
    author = signed_in(world.people["author"]).get(record).content.decode()
    assert "/download" not in author
    assert "Not verified" not in check(world.people["author"], binder, 403).content.decode()
    check(make_world("other").people["auditor"], binder, 404)


def test_an_export_is_asked_for_on_a_page(
    filled: Filled, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    sent: list[int] = []
    monkeypatch.setattr(tasks.export_binder, "delay", sent.append)
    world = filled.world
    address = reverse("admin:export_binder", args=[world.release.pk])
    client = signed_in(world.people["auditor"])
    day = filled.trace.started_at.date().isoformat()
    shown = client.get(address, {"from": day, "to": day}).content.decode()
    assert f'value="{day}"' in shown
    with django_capture_on_commit_callbacks(execute=True):
        answer = client.post(address, {"from": day, "to": day, "baseline": ""})
    asked = BinderRequest.objects.get()
    assert answer["Location"] == reverse("admin:evidence_binderrequest_change", args=[asked.pk])
    assert sent == [asked.pk]
    assert (asked.period_from.date().isoformat(), (asked.period_to - asked.period_from).days) == (day, 1)
    empty = client.post(address, {"from": "2026-01-02", "to": "2026-01-01"})
    assert "The period is empty" in empty.content.decode()
    assert signed_in(world.people["author"]).get(address).status_code == 403
    assert django_settings.VERIFY_HERE_BYTES
