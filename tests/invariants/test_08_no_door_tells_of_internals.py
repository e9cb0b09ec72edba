"""After a finding was recorded, no address tells anybody without the permission of it: every one is asked."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import pytest
from django.test import Client
from rest_framework.test import APIClient

from evidence.log.tiles import Bundle
from evidence.models import ArtefactVersion, AuditEvent, Defeater, Evidence, Scope
from interpret import registry as probes
from interpret.contracts import Status
from interpret.models import Finding
from interpret.services.attachment import attach_findings
from interpret.services.execution import execute_probe_run
from interpret.services.queueing import queue_probe_run
from tests.evidence.test_log_api import publish
from tests.factories import World
from tests.interpret.conftest import INPUTS, StandInProbe, StandInSession
from tests.interpret.measurements import make_measurement_of, make_result
from tests.invariants.walk import SAYS_NOTHING_STORED, our_models, our_urls

pytestmark = pytest.mark.django_db

PROBE: Final = "entropy.next_token"  # reads prompts, so that a dataset is stored as well
PARAMETER: Final = re.compile(r"<(?:(\w+):)?\w+>")
FITS: Final = {"int": r"\d+", "uuid": r"[0-9a-f-]{36}"}  # what a parameter takes


@dataclass(frozen=True)
class Secrets:
    """What was stored of the inside of a model: what names it, and what of it may stand in an address."""

    words: frozenset[bytes]  # that nothing but these rows says
    keys: tuple[str, ...]  # ids, digests, paths


@pytest.fixture
def secrets(world: World, monkeypatch: pytest.MonkeyPatch) -> Secrets:
    monkeypatch.setattr("interpret.tasks.run_probe.delay", lambda _: None)
    probe = StandInProbe()
    put_forward = (Status.SUPPORTED, Status.NOT_SUPPORTED)  # the latter opens a doubt, which is told of
    probe.result = lambda: make_result(*map(make_measurement_of, put_forward))
    monkeypatch.setattr(probes, "load", lambda _: probe)
    monkeypatch.setattr(probes, "open_session", lambda *_: StandInSession())
    before = AuditEvent.objects.latest("pk").pk
    run = queue_probe_run(
        release=world.release, probe=PROBE, inputs=INPUTS, principal=world.principal("researcher")
    )
    execute_probe_run(run.pk)
    attach_findings()
    size = publish().size
    events = list(AuditEvent.objects.filter(pk__gt=before))
    assert {event.verb for event in events} >= {
        "probe_run.queued",
        "finding.recorded",
        "evidence.attached",
        "defeater.opened",
    }
    findings, items = list(Finding.objects.all()), list(Evidence.objects.all())
    assert len(findings) == len(items) == Defeater.objects.count() + 1 == 2
    versions = ArtefactVersion.objects.filter(artefact__kind__in=["probe", "probe_inputs"])
    assert versions.count() == 2
    digests = {*(finding.digest for finding in findings), *(version.digest for version in versions)}
    words = {
        *(str(event.event_uuid) for event in events), *(event.verb for event in events if "probe" in event.verb),
        *digests, "finding.recorded", "interpret.Finding", "interpret.ProbeRun", "defeater.opened",
        *(item.title for item in items), *(finding.statistic for finding in findings),
        *(version.label for version in versions), *(version.artefact.name for version in versions), "probe-inputs",
    }  # fmt: skip
    rows = [run, run.spec, *findings, *items, *versions]
    keys = {*(str(row.pk) for row in rows), *(str(event.event_uuid) for event in events), *digests}
    keys |= {Bundle(0, size).path.removeprefix("tile/entries/"), world.system.key, PROBE}
    return Secrets(frozenset(word.encode() for word in words), tuple(sorted(keys)))


def addresses(secrets: Secrets) -> Iterator[str]:
    """Yield each address outside the admin, with everything that was stored in place of its parameters."""
    for route, _ in our_urls():
        if route == SAYS_NOTHING_STORED:
            continue
        parameters = PARAMETER.findall(route)
        for key in secrets.keys if parameters else [""]:
            if all(re.fullmatch(FITS.get(kind, ".+"), key) for kind in parameters):
                yield "/" + PARAMETER.sub(key, route)


def records() -> Iterator[str]:
    """Yield the address of each list and each row of the admin."""
    for model in our_models():
        base = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        yield base
        for row in model._default_manager.all():
            yield f"{base}{row.pk}/change/"


def check(client: Client, path: str, secrets: Secrets, **query: str) -> int:
    """See that an answer says nothing of what is hidden, beyond what was asked for."""
    response: Any = client.get(path, query, follow=True)  # a redirection takes a message with it
    body = b"".join(response.streaming_content) if response.streaming else response.content
    asked = (path + " ".join(query.values())).encode()
    told = sorted(word.decode() for word in secrets.words if word in body and word not in asked)
    assert not told, f"{path} {query} tells of {told}"
    return int(response.status_code)


def client_of(world: World, who: str) -> Client:
    """Return a client that is signed in in a role, or that sends a token of all scopes but `probe`."""
    if who != "token":
        client = APIClient()
        client.force_login(world.people[who])
        return client
    return APIClient(**world.headers(*(scope for scope in Scope if scope is not Scope.PROBE)))


@pytest.mark.parametrize("who", ["auditor", "reviewer", "token"])
def test_no_address_tells_of_it(world: World, secrets: Secrets, who: str) -> None:
    client = client_of(world, who)
    answered = {check(client, path, secrets) for path in addresses(secrets)}
    assert 200 in answered


@pytest.mark.parametrize("who", ["auditor", "reviewer", "token"])
def test_what_is_told_in_plain_words_names_nothing_of_it(world: World, secrets: Secrets, who: str) -> None:
    client, asked = client_of(world, who), {"system": world.system.key, "release": world.release.name}
    assert client.get("/api/v1/supporting-evidence", asked).json()["results"]  # that something was found
    assert check(client, "/api/v1/supporting-evidence", secrets, **asked) == 200


@pytest.mark.parametrize("who", ["auditor", "operator"])
def test_no_record_tells_of_it(world: World, secrets: Secrets, who: str) -> None:
    client = client_of(world, who)
    answered = {check(client, path, secrets) for path in records()}
    assert 200 in answered


@pytest.mark.parametrize("who", ["auditor", "token"])
def test_no_filter_of_the_events_finds_it(world: World, secrets: Secrets, who: str) -> None:
    client = client_of(world, who)
    for name in ("verb", "object_type", "object_id", "actor"):
        for value in set(AuditEvent.objects.values_list(name, flat=True)):
            check(client, "/api/v1/audit-events", secrets, **{name: value})
