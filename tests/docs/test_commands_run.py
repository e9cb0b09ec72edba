"""The operator's commands are carried out in their order; each role opens the pages and reads the API of its guide."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any, Final

import pytest
from django.core.management import call_command
from django.test import Client
from django.utils import timezone
from pytest_django.live_server_helper import LiveServer

from evidence.models import LegalHold, System
from evidence.services.keys.trust import describe_trust
from evidence.services.readings import propose_reading, settle_reading_proposal
from tests.api_scenes import READ, Asked, answer_to, measured
from tests.config.test_api_examples import operations
from tests.docs.commands import Address, addresses_of, commands_of, match_of
from tests.docs.references import DOCS
from tests.evidence import binder_world
from tests.evidence.test_log_api import publish
from tests.factories import GATE_APPROVER, World, acting, make_world
from tests.invariants.act_doors.sampling import drawn
from tracebinder.cli.main import main

GUIDES: Final = DOCS / "guides"
ROLES: Final = ("approver", "auditor", "author", "operator", "researcher", "reviewer")

NOT_RUN: Final = {
    "resume_log": "takes up a log that lost what was published: tests/evidence/test_log_published.py",
    "erase": "erases what there has to be: tests/docs/test_worked_erasure.py, tests/evidence/test_erasure.py",
    "migrate": "has been run, or there would be no table",
    "up": "starts processes: tests/config/test_up.py",
    "shell": "is Django's",
    "check": "of a production's settings: `make check` runs it",
    "replay": "of what there has to be: tests/evidence/test_replay.py",
    "rotate_binder_key": "of keys in files: tests/evidence/test_log_rotation.py",
    "rotate_log_key": "likewise",
    "remove_second_factor": "of somebody who has one: tests/config/test_second_factor.py",
    "bind_sign_in": "with a provider: tests/config/test_single_sign_on.py",
    "forget_worker": "of a worker that was seen: tests/config/test_health.py",
}
# What a page in a guide is of: a placeholder, in the world that is made here.
FILLED: Final[dict[str, Callable[[World], str]]] = {
    "/admin/dossier/<id>/": lambda world: f"/admin/dossier/{world.release.pk}/",
    "/admin/dossier/<id>/sample/": lambda world: f"/admin/dossier/{world.release.pk}/sample/",
    "/admin/chain/<kind>/<id>/": lambda world: f"/admin/chain/release/{world.release.pk}/",
    "/admin/findings/<id>/": lambda world: f"/admin/findings/{measured(world).pk}/",
    "/admin/probe-runs/<id>/": lambda world: f"/admin/probe-runs/{measured(world).run_id}/",
}
NOT_OPENED: Final = {
    "/admin/proof/": "leads on at once where no second proof is asked: tests/config/test_second_factor.py",
}


def in_force() -> None:
    """A reading that was approved: what traces are read again by."""
    system = System.objects.get()
    version = propose_reading(principal=acting(), system=system, document={})
    settle_reading_proposal(principal=acting(GATE_APPROVER), version=version, to_state="approved")


BEFORE: Final[dict[str, Callable[[], None]]] = {"read_again": in_force}


@pytest.mark.django_db
def test_the_operators_commands_are_carried_out_in_their_order() -> None:
    run = list[str]()
    commands = [each for each in commands_of(GUIDES / "operator.md") if each.words[0] == "manage.py"]
    typed = {each.words[1] for each in commands if each.whole}
    for command in commands:
        only_named = len(command.words) == 2 and not command.whole and command.words[1] in typed
        if only_named or command.words[1] in NOT_RUN:
            continue
        name, *words = (word.replace("NAME", "rui") for word in command.words[1:])
        if (name, *words[:1]) == ("legal_hold", "release"):
            words[1] = str(LegalHold.objects.latest("pk").pk)
        if name == "verify_log":
            words = []  # SIZE is of a log that has been verified
        if name == "create_person" and "--generate-password" not in words:
            words.append("--generate-password")  # otherwise it asks whoever sits at the terminal
        BEFORE.get(name, lambda: None)()
        call_command(name, *words, stdout=StringIO(), stderr=StringIO())
        run.append(name)
    assert {"create_person", "issue_token", "legal_hold", "read_again", "service_name", "verify_log"} <= set(
        run
    )


def test_each_command_that_is_not_run_is_named() -> None:
    named = {each.words[1] for each in commands_of(GUIDES / "operator.md") if each.words[0] == "manage.py"}
    assert set(NOT_RUN) <= named


@pytest.mark.django_db(transaction=True)
def test_the_auditors_commands_are_carried_out_in_their_order(
    live_server: LiveServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    fetch_for_an_auditor(make_world())
    answered = []
    for command in commands_of(GUIDES / "auditor.md"):
        if command.words[0] != "tracebinder" or not command.whole:
            continue
        words = [word.replace("$TRACEBINDER_URL", live_server.url) for word in command.words[1:]]
        answered.append((words[0], main(words), capsys.readouterr()))
    assert [(name, code) for name, code, _ in answered] == [
        ("checkpoint", 0),
        ("verify", 0),
        ("redraw", 0),
    ], answered


def fetch_for_an_auditor(world: World) -> None:
    """Put the files that the guide names into the folder: two binders with their sidecars, keys, and a sample."""
    sample = drawn(world)
    filled = binder_world.fill_lightly(world)
    publish()
    for name, as_of in (("binder-of-last-month.zip", filled.as_of), ("binder-….zip", timezone.now())):
        binder = binder_world.export(filled, as_of=as_of)
        publish()
        Path(name).write_bytes(binder_world.archive_of(binder))
        Path(f"{name}.intoto.jsonl").write_text(binder.sidecar)
    Path("trust.json").write_text(json.dumps(describe_trust()))
    asked = Asked(f"/api/v1/sampling-plans/{sample.pk}/file", scope="auditor")
    Path("sample-7.json").write_bytes(answer_to(world, asked).content)


def reads(role: str) -> list[str]:
    """Return the addresses of a role's guide that are read, without what one asks of them."""
    asked: list[Address] = addresses_of(GUIDES / f"{role}.md")
    return list(dict.fromkeys(each.path.partition("?")[0] for each in asked if each.method != "POST"))


PAGES: Final = [(role, path) for role in ROLES for path in reads(role) if path.startswith("/admin/")]
READS: Final = [(role, path) for role in ROLES for path in reads(role) if path.startswith("/api/v1/")]


@pytest.mark.django_db
@pytest.mark.parametrize(("role", "path"), PAGES)
def test_each_page_of_a_guide_opens_for_its_reader(world: World, role: str, path: str) -> None:
    client = Client(headers={"Accept": "text/html"})
    client.force_login(world.people[role])
    filled = FILLED[path](world) if path in FILLED else path
    assert re.search(r"[<{…]", filled) is None, f"{path}: say in FILLED what it is of"
    if path not in NOT_OPENED:
        assert client.get(filled).status_code == 200


@pytest.mark.django_db
@pytest.mark.parametrize(("role", "path"), READS)
def test_each_read_of_a_guide_is_answered_to_its_reader(world: World, role: str, path: str) -> None:
    match = match_of(path)
    assert match is not None
    scene: Any = READ.get(str(match.url_name))
    if scene is None:
        methods = {each.method for each in operations().values() if each.name == match.url_name}
        assert methods, path
        assert "get" not in methods, f"{path}: it is read, and tests.api_scenes has no scene of it"
        return  # it is posted to, as test_commands sees
    with closing(answer_to(world, replace(scene(world), scope=role))) as answer:  # a file is held until then
        content = b"" if answer.streaming else answer.content
    assert answer.status_code == 200, content
