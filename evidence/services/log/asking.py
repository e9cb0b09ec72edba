"""Asking witnesses and a time-stamping authority about a checkpoint, over the network.

Done by a worker that may not write the log, outside every transaction: one that is silent holds up nobody who signs.
What they answer is handed to the log worker, which looks at it again before it keeps it (`keeping`).
"""

from __future__ import annotations

import base64
import logging
import re
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeVar

from django.conf import settings
from django.db.models import Exists, OuterRef, QuerySet

from evidence.log import notes, tiles, tree
from evidence.log.encoding import encode_base64
from evidence.log.errors import LogError
from evidence.log.timestamps import QUERY_TYPE, ask_timestamp, open_timestamp
from evidence.models.audit import Checkpoint, CheckpointTimestamp, Cosignature
from evidence.outgoing import NoAnswer, ask
from evidence.selectors import log_proofs as stored

logger = logging.getLogger(__name__)

_SIZE: Final = re.compile(r"(0|[1-9][0-9]{0,17})\n")

Answer = TypeVar("Answer")


class Witness(NamedTuple):
    """Where a witness answers, and its key."""

    url: str  # submission prefix
    key: notes.VerifierKey


@dataclass(frozen=True, slots=True)
class Attestations:
    """What others say of one checkpoint, as texts, so that a message can carry it."""

    size: int  # of the checkpoint
    cosignatures: tuple[str, ...] = ()  # signature lines
    timestamp: str = ""  # base64 of the TimeStampResp

    def __bool__(self) -> bool:
        return bool(self.cosignatures or self.timestamp)


def configured_witnesses() -> list[Witness]:
    """Return the witnesses of the settings, whose form the start has seen to."""
    return [
        Witness(url, notes.parse_vkey(vkey, kind=notes.COSIGNATURE)) for url, vkey in settings.LOG_WITNESSES
    ]


def is_to_be_attested() -> bool:
    """Whether anybody outside is to be asked about checkpoints at all."""
    return bool(settings.LOG_WITNESSES or settings.TSA_URL)


def attested(checkpoints: QuerySet[Checkpoint]) -> QuerySet[Checkpoint]:
    """Return those of some checkpoints of which everybody in the settings has said what there is to say."""
    for _, vkey in settings.LOG_WITNESSES:
        said = Cosignature.objects.filter(checkpoint=OuterRef("pk"), vkey=vkey)
        checkpoints = checkpoints.filter(Exists(said))
    if settings.TSA_URL:
        stamps = CheckpointTimestamp.objects.filter(checkpoint=OuterRef("pk"), authority=settings.TSA_URL)
        checkpoints = checkpoints.filter(Exists(stamps))
    return checkpoints


def ask_about_newest() -> Attestations | None:
    """Ask everybody at once about the newest checkpoint who has not said yet, and return what they say.

    Whoever does not answer in `WITNESS_TIMEOUT` seconds, or wrongly, is named in the log of the server and asked again
    later. None where there is nothing to ask.
    """
    checkpoint = Checkpoint.objects.order_by("-size").first()
    if checkpoint is None or attested(Checkpoint.objects.filter(pk=checkpoint.pk)).exists():
        return None
    text = notes.parse_note(checkpoint.note).text
    with ThreadPoolExecutor(len(settings.LOG_WITNESSES) + 1) as pool:
        stamp = pool.submit(_ask_authority, settings.TSA_URL, text) if _needs_timestamp(checkpoint) else None
        lines = _ask_witnesses(checkpoint, pool)
    return Attestations(checkpoint.size, tuple(lines), _result_of(stamp) or "" if stamp else "")


def _ask_witnesses(checkpoint: Checkpoint, pool: Executor) -> list[str]:
    """Return the cosignatures that witnesses give; one that knows the log at another size is asked once more.

    What the database says is read here: the threads of the pool have no connection.
    """
    has = set(Cosignature.objects.filter(checkpoint=checkpoint).values_list("vkey", flat=True))
    known = {
        witness: _size_known_to(witness) for witness in configured_witnesses() if witness.key.vkey not in has
    }
    lines: list[str] = []
    for _ in range(2):
        asked = {
            witness: pool.submit(_ask_witness, witness, checkpoint.note, _prove_growth(checkpoint, old))
            for witness, old in known.items()
            if old <= checkpoint.size
        }
        answers = {witness: _result_of(future) for witness, future in asked.items()}
        lines += [answer for answer in answers.values() if isinstance(answer, str)]
        known = {witness: answer for witness, answer in answers.items() if isinstance(answer, int)}
        for witness, size in known.items():
            if size > checkpoint.size:
                logger.critical(
                    "witness %s has seen %d entries of the log, which has %d: it shrank or forked",
                    witness.key.name,
                    size,
                    checkpoint.size,
                )
    return lines


def _size_known_to(witness: Witness) -> int:
    """Return the size at which a witness cosigned last, as far as we know."""
    seen = Cosignature.objects.filter(vkey=witness.key.vkey).order_by("-checkpoint__size")
    return seen.values_list("checkpoint__size", flat=True).first() or 0


def _prove_growth(checkpoint: Checkpoint, old: int) -> str:
    """Return the head of a request to a witness that cosigned at a size: that size, and the proof from there."""
    read = tiles.nodes_from_tiles(stored.read_stored_tiles, size=checkpoint.size)
    proof = tree.prove_consistency(read, old_size=old, new_size=checkpoint.size)
    return "".join([f"old {old}\n", *(f"{encode_base64(value)}\n" for value in proof), "\n"])


def _ask_witness(witness: Witness, note: str, growth: str) -> str | int:
    """Return the line with which a witness cosigns, or the size at which it knows the log."""
    body = f"{growth}{note}".encode()
    status, answer = _send(f"{witness.url.rstrip('/')}/add-checkpoint", body, "text/plain; charset=utf-8")
    text = answer.decode("utf-8", errors="replace")
    if status == 409 and _SIZE.fullmatch(text):
        return int(text)
    if status != 200:
        raise NoAnswer(f"witness {witness.key.name} answered {status}: {text[:200]!r}")
    for signature in notes.parse_signatures(text):
        if (signature.name, signature.key_id) == (witness.key.name, witness.key.key_id):
            notes.open_cosignature(notes.parse_note(note).text, signature, witness.key)
            return signature.line
    raise NoAnswer(f"witness {witness.key.name} did not sign with its key")


def _needs_timestamp(checkpoint: Checkpoint) -> bool:
    stamped = CheckpointTimestamp.objects.filter(checkpoint=checkpoint, authority=settings.TSA_URL)
    return bool(settings.TSA_URL) and not stamped.exists()


def _result_of(future: Future[Answer]) -> Answer | None:
    """Return what came of asking; None where nothing did, which is said in the log of the server."""
    try:
        return future.result()
    except (NoAnswer, LogError) as exc:
        logger.warning("%s", exc)
        return None


def _ask_authority(url: str, text: str) -> str:
    question = ask_timestamp(text)
    status, body = _send(url, question.request, QUERY_TYPE)
    if status != 200:
        raise NoAnswer(f"the time-stamping authority {url} answered {status}")
    open_timestamp(body, text, nonce=question.nonce)
    return base64.b64encode(body).decode()


def _send(url: str, body: bytes, content_type: str) -> tuple[int, bytes]:
    return ask(url, timeout=settings.WITNESS_TIMEOUT, body=body, headers={"Content-Type": content_type})
