"""An auditor at work in a real browser: dossier, chain, a sample of their own, a binder exported and verified."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from evidence import tasks
from evidence.models import Binder, BinderRequest
from tests.e2e.browser import click, see
from tests.evidence.binder_world import fill, verify
from tests.factories import make_world

pytestmark = pytest.mark.django_db(transaction=True)

SignIn = Callable[[User], Any]


def test_an_auditor_walks_the_chain_draws_a_sample_and_verifies_a_binder(
    sign_in: SignIn, live_server: Any, shoot: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What a queue would send to a worker is done here when the browser has asked for it."""
    monkeypatch.setattr(tasks.export_binder, "delay", lambda _: None)
    filled = fill(make_world())
    auditor = filled.world.people["auditor"]
    browser = sign_in(auditor)
    click(browser, "css selector", "main a[href*='/dossier/']")
    see(browser, "all of this as of")

    click(browser, "link text", "The chain")
    see(browser, filled.world.release.name)
    shoot("auditor-chain")
    click(browser, "css selector", "main a[href*='/chain/gate-decision/'], main a[href*='/chain/decision/']")
    see(browser, filled.world.release.name)
    browser.back()
    browser.back()

    see(browser, "all of this as of")
    click(browser, "link text", "Draw a sample of your own")
    see(browser, "Nothing of this is stored.")
    fill_in(browser, "n", "3")
    fill_in(browser, "seed", "noted this morning")
    click(browser, "css selector", "#content button[type=submit]")
    see(browser, "3 answers of")
    shoot("auditor-sample")
    drawn = [each.text for each in browser.find_elements("css selector", "#tb-drawn ~ * tbody th")]
    browser.refresh()
    see(browser, "3 answers of")
    assert drawn == [each.text for each in browser.find_elements("css selector", "#tb-drawn ~ * tbody th")]
    click(browser, "link text", drawn[0])
    see(browser, drawn[0].partition("/")[0][:8])

    browser.get(f"{live_server.url}{reverse('admin:dossier', args=[filled.world.release.pk])}")
    click(browser, "link text", "Export a binder of this")
    see(browser, "Export it")
    click(browser, "css selector", "#content button[type=submit]")
    see(browser, "A worker exports it.")
    tasks.export_binder(BinderRequest.objects.get().pk)
    browser.refresh()
    binder = Binder.objects.get()
    click(browser, "css selector", f"a[href='{reverse('admin:evidence_binder_change', args=[binder.pk])}']")
    click(browser, "link text", "Verify it here")
    click(browser, "css selector", "#content form button[type=submit]")
    said = see(browser, "Verified: every line that could be checked here holds.")
    shoot("auditor-binder")
    assert binder.archive_id in said

    browser.get(f"{live_server.url}{reverse('admin:evidence_binder_change', args=[binder.pk])}")
    archive, sidecar = (take(browser, auditor, what) for what in ("download", "sidecar"))
    assert verify(tmp_path, archive, sidecar.decode()).exit_code == 0


def fill_in(browser: Any, name: str, value: str) -> None:
    """Put a value into a field in place of what it holds."""
    field = browser.find_element("name", name)
    browser.execute_script("arguments[0].value = arguments[1]", field, value)


def take(browser: Any, person: User, what: str) -> bytes:
    """Follow a link to a file as the browser would, and return the file."""
    address = browser.find_element("css selector", f"a[href$='/{what}']").get_attribute("href")
    client = Client()
    client.force_login(person)
    answer: Any = client.get(re.sub(r"^https?://[^/]+", "", address))
    assert answer.status_code == 200
    return b"".join(answer.streaming_content) if answer.streaming else bytes(answer.content)
