"""The head last published, kept in a file outside the database, and whether the log still continues it.

A database that is put back to an older state continues the log from there: what is signed then contradicts what
somebody holds already. The tables cannot know that; a file that goes back with no database can. It is written before
a checkpoint is committed, so that no head leaves the house without it.
"""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Final

from django.conf import settings

from evidence.access import Principal
from evidence.acts import check_can_resume_log
from evidence.durable_files import replace_text, sync
from evidence.errors import InvalidInput
from evidence.event_rules import LOG_RESUMED
from evidence.log import notes
from evidence.log.errors import LogError
from evidence.models import AuditEvent
from evidence.models.audit import Checkpoint
from evidence.selectors import log_proofs as stored
from evidence.services.keys.holders import holds_log_key
from evidence.services.keys.log_signer import load_log_verifier
from evidence.services.log.errors import LogForked, LogInconsistent
from evidence.services.log.role import record_log_act
from evidence.worded import Worded, sentence_of, worded


def note_published(note: str) -> None:
    """Keep a signed note as the head last published, durably; nothing is written where it is kept already.

    Raises:
        OSError: the file cannot be written; then the note must not be published.
    """
    if note == read_published():
        return
    path = _path()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    replace_text(path, note)


def read_head_to_publish() -> str:
    """Return the note of the newest checkpoint, with its cosignatures, for whoever asks for the head.

    A process without keys cannot read what was published last, and returns what the database holds.

    Raises:
        NotFound: the log has not been signed yet.
        LogForked, LogInconsistent, LogKeyUnusable: as `check_continues_published` does. An older head in its place
            would look to everybody as if the log had been cut.
    """
    if holds_log_key():
        check_continues_published()
    return stored.cosigned_note(stored.latest_checkpoint())


def check_continues_published() -> None:
    """See that the log continues the head last published.

    Where none is kept, there is nothing to contradict: the next signing begins to keep it.

    Raises:
        LogForked: the log is shorter than that head, or another one; or what is kept is no head of this log.
        LogInconsistent: the log's tables do not lead to a root.
        LogKeyUnusable: the log's key cannot be read.
    """
    note = read_published()
    if note is None or note == _last_note():
        return
    head = open_published(note)
    size = stored.count_leaves()
    if head.size > size:
        raise LogForked(
            worded(
                "%(published)s entries were published, and %(left)s are left. %(head)s",
                published=f"{head.size:,}",
                left=f"{size:,}",
                head=_name(head),
            )
        )
    try:
        root = stored.read_live_root(size=head.size)
    except LogError as exc:
        raise LogInconsistent(
            worded(
                "The log cannot be compared with the head last published: %(reason)s.",
                reason=sentence_of(exc),
            )
        ) from exc
    if root != head.root:
        raise LogForked(
            worded(
                "The first %(size)s entries are not those that were published. %(head)s",
                size=f"{head.size:,}",
                head=_name(head),
            )
        )


def read_published() -> str | None:
    """Return the note of the head last published; None where none is kept."""
    try:
        return _path().read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return None


def open_published(note: str) -> notes.Checkpoint:
    """Return the head that a kept note signs.

    Raises:
        LogForked: it is no head of this log.
        LogKeyUnusable: the log's key cannot be read.
    """
    try:
        return notes.open_checkpoint(note, key=load_log_verifier(), origin=settings.LOG_ORIGIN)
    except LogError as exc:
        raise LogForked(
            worded(
                "%(path)s holds no head of this log (%(reason)s). %(what_to_do)s",
                path=_path(),
                reason=sentence_of(exc),
                what_to_do=_WHAT_TO_DO,
            )
        ) from exc


def resume_log(*, principal: Principal, reason: str) -> AuditEvent:
    """Let the log go on from where the database ends, on record, and return the event that says so.

    For a database of which no newer state is left. The event names the head that is given up: whoever holds it sees
    that the entries after the restored ones were lost, when that was said, and by whom. The head's file is kept
    beside the new one. A crash after the event leaves a log that is refused, and this is done again.

    Raises:
        AccessDenied: whoever asks does not run commands on this machine.
        InvalidInput: no reason, or the log continues what was published.
    """
    check_can_resume_log(principal)
    if not reason.strip():
        raise InvalidInput(worded("Say why the log goes on without what was published."))
    path, note = _path(), read_published()
    if note is None or _continues():
        raise InvalidInput(worded("The log continues what was published last: there is nothing to resume."))
    last = Checkpoint.objects.order_by("size").last() or AuditEvent.objects.order_by("pk").last()
    if last is None:
        raise InvalidInput(worded("This database holds no log at all: restore a backup first."))
    event = record_log_act(verb=LOG_RESUMED, obj=last, payload={"given_up": note, "reason": reason})
    path.replace(path.with_name(f"{path.name}.given-up-{event.event_uuid}"))
    sync(path.parent)
    return event


_WHAT_TO_DO: Final = worded(
    "This database is older than what auditors may hold, and nothing is signed. Restore its newest state; if none is "
    'left, `manage.py resume_log` says so on record and goes on. docs/guides/operator.md, "After restoring a backup".'
)


def _name(head: notes.Checkpoint) -> Worded:
    """Return what tells whoever kept the published head that it is this one, and what to do."""
    root = base64.b64encode(head.root).decode()  # as the note writes it
    return worded(
        "The head published last is that of size %(size)s with the root %(root)s. %(what_to_do)s",
        size=head.size,
        root=root,
        what_to_do=_WHAT_TO_DO,
    )


def _continues() -> bool:
    try:
        check_continues_published()
    except LogForked:
        return False
    return True


def _last_note() -> str | None:
    return Checkpoint.objects.order_by("-size").values_list("note", flat=True).first()


def _path() -> Path:
    return Path(settings.LOG_HEAD_FILE)
