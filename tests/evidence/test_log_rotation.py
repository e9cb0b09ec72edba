"""The log's key is replaced, after years or a theft: what it signed then holds for ever, and nothing it signs later."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from evidence.log import notes
from evidence.log.errors import SignatureRefused
from evidence.models import AuditEvent
from evidence.models.audit import Checkpoint
from evidence.services import log
from evidence.services.keys.files import read_key_file
from evidence.services.keys.log_signer import (
    LogKeyUnusable,
    check_log_key,
    load_log_signer,
    load_log_verifier,
)
from evidence.services.keys.trust import describe_trust
from evidence.services.log import check_log
from tests.evidence.binder_world import Filled, archive_of, export, fill_lightly, verify
from tests.evidence.test_log_service import add_events
from tests.factories import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def filled(world: World) -> Filled:
    return fill_lightly(world)


def sign(filled: Filled) -> Checkpoint:
    add_events(filled.world.system, 5)
    log.sequence_events()
    checkpoint = log.sign_checkpoint()
    assert checkpoint is not None
    return checkpoint


def rotate() -> None:
    call_command("rotate_log_key", reason="ten years have gone")


def retire(settings: Any) -> list[Path]:
    """Take the old private keys away, and return where they were put."""
    beside = sorted(settings.KEY_ROOT.glob("log.ed25519.until-*.pem"))
    return [path.rename(path.with_suffix(".gone")) for path in beside]


def trust_of(**changes: Any) -> dict[str, Any]:
    trust: dict[str, Any] = json.loads(json.dumps(describe_trust()))
    return {**trust, "log": {**trust["log"], **changes}, "requireAuditSlice": False}


def test_old_binders_verify_under_the_new_trust_file_and_new_ones_under_the_old(
    filled: Filled, tmp_path: Path, settings: Any
) -> None:
    sign(filled)
    before, old_trust = export(filled, as_of=None), trust_of()
    rotate()
    during = export(filled, as_of=None)
    for trust in (old_trust, trust_of()):
        for binder in (before, during):
            report = verify(tmp_path, archive_of(binder), binder.sidecar, trust)
            assert report.exit_code == 0, report.problems
    retire(settings)
    sign(filled)
    after = export(filled, as_of=None)
    assert verify(tmp_path, archive_of(after), after.sidecar, trust_of()).exit_code == 0
    assert verify(tmp_path, archive_of(before), before.sidecar, trust_of()).exit_code == 0
    refused = verify(tmp_path, archive_of(after), after.sidecar, old_trust)
    assert refused.exit_code == 1
    assert "not signed by the trusted log key" in refused.line("log inclusion").detail


def test_the_log_goes_on_and_holds_whichever_key_signed_what(filled: Filled, settings: Any) -> None:
    for _ in range(3):
        sign(filled)
        rotate()
        sign(filled)
        retire(settings)
    sign(filled)
    check_log_key()
    assert check_log().holds, check_log().faults
    assert AuditEvent.objects.filter(verb="log_key.rotated").count() == 3
    assert len(load_log_verifier().former) == 3


def test_a_stolen_old_key_signs_no_head_that_is_believed(
    filled: Filled, tmp_path: Path, settings: Any
) -> None:
    """Neither by the server nor by an auditor: it counts up to the size at which it was replaced."""
    last = sign(filled)
    rotate()
    (path,) = retire(settings)
    stolen = notes.SignerKey(settings.LOG_ORIGIN, read_key_file(path))
    sign(filled)
    for size in (last.size + 1, 10_000):
        forged = notes.sign_note(
            notes.Checkpoint(settings.LOG_ORIGIN, size, bytes(32)).text, stolen
        ).to_text()
        with pytest.raises(SignatureRefused, match="had been replaced by then"):
            notes.open_checkpoint(forged, key=load_log_verifier(), origin=settings.LOG_ORIGIN)
    binder = export(filled, as_of=None)
    trust = trust_of(
        vkey=stolen.verifier.vkey,
        formerKeys=[{"vkey": load_log_verifier().vkey, "untilSize": last.size}],
        minimumTreeSize=0,
    )
    assert verify(tmp_path, archive_of(binder), binder.sidecar, trust).exit_code == 1


def test_a_crash_while_it_is_replaced_leaves_a_key_and_it_is_done_again(
    filled: Filled, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign(filled)
    old = load_log_signer().verifier.public_key

    def fail(*_: object) -> None:
        raise RuntimeError("killed")

    for step in ("replace_text", "os.link", "Path.replace", "sync"):
        with monkeypatch.context() as killed:
            killed.setattr(f"evidence.services.keys.log_rotation.{step}", fail)
            with pytest.raises(RuntimeError):
                rotate()
        note = sign(filled).note
        assert len(set(note.splitlines())) == len(note.splitlines()), "no key signs twice"
        check_log_key()
        if step != "sync":
            assert load_log_signer().verifier.public_key == old
    rotate()
    sign(filled)
    assert check_log().holds, check_log().faults


def test_it_is_done_with_a_reason_and_once_there_is_something_to_replace(
    filled: Filled, settings: Any
) -> None:
    with pytest.raises(CommandError, match="Nothing was signed yet"):
        rotate()
    sign(filled)
    with pytest.raises(CommandError, match="Say why"):
        call_command("rotate_log_key", reason=" ")
    settings.HOLDS_KEYS = False
    with pytest.raises(CommandError, match="holds no keys of the log"):
        rotate()


def test_a_damaged_list_of_former_keys_is_no_key(filled: Filled, settings: Any) -> None:
    sign(filled)
    rotate()
    (settings.KEY_ROOT / "log.former-keys").write_text("7 nonsense\n")
    with pytest.raises(LogKeyUnusable, match="not as it was written"):
        load_log_signer()
