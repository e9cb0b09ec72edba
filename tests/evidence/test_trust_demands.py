"""A trust file demands at least what it says, and the one that a server serves says what there is."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.db import transaction

from evidence.log.notes import COSIGNATURE, VerifierKey
from evidence.models import Binder
from evidence.services import binders, log
from evidence.services.keys.trust import describe_trust
from tests.evidence.binder_world import Filled, archive_of, export, fill_lightly, verify
from tests.evidence.kept_binders import Export, KeptBinder
from tests.evidence.test_log_service import add_events
from tests.factories import World
from tracebinder.verify import BinderMalformed
from tracebinder.verify.trust import parse_trust

pytestmark = pytest.mark.django_db


@pytest.fixture
def filled(world: World) -> Filled:
    return fill_lightly(world)


@pytest.fixture(scope="module")
def unsigned(keep_binder: Callable[[Export], KeptBinder]) -> KeptBinder:
    """As of a time at which the log had not been signed yet."""
    return keep_binder(lambda world: export(fill_lightly(world)))


@pytest.fixture(scope="module")
def signed(keep_binder: Callable[[Export], KeptBinder]) -> KeptBinder:
    """The binder that `binder` is, of a server that has done nothing since."""
    return keep_binder(lambda world: export(fill_lightly(world), as_of=None))


@pytest.fixture
def binder(filled: Filled) -> Binder:
    return export(filled, as_of=None)


def served(by: KeptBinder | None = None, **changes: object) -> dict[str, Any]:
    trust: dict[str, Any] = json.loads(json.dumps(by.trusted if by else describe_trust()))
    log_changes = changes.pop("log", {})
    return {**trust, **changes, "log": {**trust["log"], **log_changes}}  # type: ignore[dict-item]


def grow(world: World) -> None:
    add_events(world.system, 50)
    log.sequence_events()
    log.sign_checkpoint()


def test_the_served_trust_file_takes_the_servers_binders_of_before_and_after(
    filled: Filled, binder: Binder, tmp_path: Path
) -> None:
    grow(filled.world)
    trust = served()
    assert trust["log"]["minimumTreeSize"] > 50
    assert verify(tmp_path, archive_of(binder), binder.sidecar, trust).exit_code == 0
    later = export(filled, as_of=None)
    assert verify(tmp_path, archive_of(later), later.sidecar, trust).exit_code == 0


def test_a_smaller_log_is_refused_where_the_trust_file_has_seen_a_larger(
    world: World, binder: Binder, tmp_path: Path
) -> None:
    grow(world)
    trust = served(log={"seenAt": None})
    report = verify(tmp_path, archive_of(binder), binder.sidecar, trust)
    assert report.exit_code == 3
    assert f"{trust['log']['minimumTreeSize']} were seen before" in report.line("log inclusion").detail


def test_a_binder_made_after_the_log_was_cut_is_refused(
    filled: Filled, binder: Binder, tmp_path: Path, settings: Any
) -> None:
    """The auditor's trust file is of before the cut; the head outside the database was put back, too."""
    kept = settings.LOG_HEAD_FILE.read_text()
    with transaction.atomic():
        grow(filled.world)
        trust = served()
        transaction.set_rollback(True)
    settings.LOG_HEAD_FILE.write_text(kept)
    later = export(filled, as_of=None)
    report = verify(tmp_path, archive_of(later), later.sidecar, trust)
    assert report.exit_code == 3, report.problems


def test_a_server_that_goes_back_to_a_version_that_tells_less_is_refused(
    filled: Filled, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    grow(filled.world)
    trust = served()
    monkeypatch.setattr(binders, "PRODUCER_VERSION", 1)
    later = export(filled, as_of=None)
    report = verify(tmp_path, archive_of(later), later.sidecar, trust)
    assert report.exit_code == 3
    assert "binder/1 wrote it" in report.line("completeness").detail


@pytest.mark.parametrize("name", ["requireSidecar", "requireAuditSlice"])
def test_what_is_demanded_must_be_there(unsigned: KeptBinder, tmp_path: Path, name: str) -> None:
    sidecar = None if name == "requireSidecar" else unsigned.sidecar
    for demanded, code in ((True, 3), (False, 0)):
        demands = {"requireSidecar": False, "requireAuditSlice": False, name: demanded}
        report = verify(tmp_path, unsigned.archive, sidecar, served(unsigned, **demands))
        assert report.exit_code == code, report.problems


def test_demands_that_nothing_could_meet_are_refused_with_the_file(signed: KeptBinder) -> None:
    for changes, told in (
        ({"requireSidekick": True}, "did you mean 'requireSidecar'"),
        ({"minimumTreesize": 1}, "nobody knows 'minimumTreesize'"),
        ({"log": {"minimumTreeSze": 1}}, "did you mean the log's 'minimumTreeSize'"),
        ({"requireSidecar": 1}, "must be true or false"),
        ({"requireWitness": True, "quorum": 1}, "whole number"),
        ({"requireWitness": 1}, "mean the same and differ"),
        ({"requireWitness": 1, "quorum": 1}, "there are 0 witnesses"),
        ({"requireTimestamp": True}, "needs 'timestampAuthorities'"),
        ({"timestampAuthorities": [{"certificate": "none"}]}, "no certificate in PEM"),
    ):
        with pytest.raises(BinderMalformed, match=told):
            parse_trust(json.dumps(served(signed, **changes)).encode())


@pytest.mark.parametrize("demand", ["requireWitness", "requireAuditSlice"])
def test_what_cannot_be_checked_without_a_log_is_not_met(
    signed: KeptBinder, tmp_path: Path, demand: str
) -> None:
    """A quorum of witnesses was passed over where the trust file named no log."""
    trust = {key: value for key, value in served(signed).items() if key != "log"}
    trust |= {"requireAuditSlice": False, "quorum": 0, "requireWitness": 0}
    assert verify(tmp_path, signed.archive, signed.sidecar, trust).exit_code == 0
    other = Ed25519PrivateKey.generate().public_key().public_bytes_raw()
    witness = VerifierKey("witness.example", other, COSIGNATURE).vkey
    met = {"requireWitness": 1, "quorum": 1} if demand == "requireWitness" else {demand: True}
    trust |= {"witnesses": [{"name": "w", "vkey": witness}], **met}
    assert verify(tmp_path, signed.archive, signed.sidecar, trust).exit_code == 3
