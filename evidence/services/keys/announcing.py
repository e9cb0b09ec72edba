"""What a process that holds keys does when it starts: see that they are there, and publish their public halves."""

from __future__ import annotations

from evidence.services.keys.binder_signer import load_binder_signer
from evidence.services.keys.holders import holds_binder_key, holds_log_key
from evidence.services.keys.log_signer import check_log_key, load_log_signer, publish_log_key


def announce_keys() -> None:
    """Make the keys where none was ever used, and publish their public halves; nothing where others hold them.

    The log worker does so for the log's key, the other workers for the binder key: each may read in the database what
    its own key has signed.

    Raises:
        LogKeyUnusable, SignerKeyUnusable: a key is not the one that signed last; its public half is not published.
        SignerAway: another process holds a key, and does not answer.
        OSError: nothing can be written there.
    """
    if holds_log_key():
        check_log_key()
        publish_log_key(load_log_signer().verifier)
    if holds_binder_key():
        load_binder_signer()
