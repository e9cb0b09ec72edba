"""What a process that holds the keys does when it starts: see that they are there, and publish their public halves."""

from __future__ import annotations

from django.conf import settings

from evidence.services.keys.binder_signer import load_binder_signer
from evidence.services.keys.log_signer import check_log_key, load_log_signer
from evidence.services.keys.public_keys import LOG, publish


def announce_keys() -> None:
    """Make the keys where none was ever used, and publish their public halves; nothing where others hold them.

    Raises:
        LogKeyUnusable, SignerKeyUnusable: a key is not the one that signed last; its public half is not published.
        OSError: nothing can be written there.
    """
    if not settings.HOLDS_KEYS:
        return
    check_log_key()
    publish(LOG, load_log_signer().verifier.public_key)
    load_binder_signer()
