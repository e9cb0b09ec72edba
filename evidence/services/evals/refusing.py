"""An eval file that nobody can read: its bytes and what is wrong with it are kept, and whoever posted it is told."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import transaction

from evidence.errors import EvidenceError, Fault
from evidence.evals.measurements import Said
from evidence.models import Reject, System
from evidence.models.base import LABEL_LENGTH
from evidence.services import audit, blobs
from evidence.services.evals.posting import PostedFile
from evidence.strict_json import read_json
from evidence.vocabulary import RejectSource
from evidence.worded import quoted


class EvalFileRefused(EvidenceError):
    """The file as a whole cannot be read; its bytes and the refusal are kept in the reject ledger."""

    code: ClassVar[str] = "eval_file_refused"
    http_status: ClassVar[int] = 422
    title: ClassVar[str] = "The eval file cannot be read"

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems

    def members(self) -> dict[str, object]:
        """What the problem document carries beside its detail."""
        return {
            "errors": [
                Fault("body", "", "eval_file_refused", quoted(problem)).as_dict() for problem in self.problems
            ]
        }


@transaction.atomic
def keep_refused(
    system: System,
    posted: PostedFile,
    format_name: str | None,
    problems: list[str],
    poster: Said,
    actor: str,
) -> None:
    """Put a file nobody can read on the ledger; the same bytes are put there once."""
    refused = Reject.objects.filter(system=system, source=RejectSource.EVAL_FILE, item_digest=posted.digest)
    if refused.exists():
        return
    named = _what_it_names(posted, poster)
    blobs.store_blob_file(posted.path, digest=posted.digest, media_type="application/octet-stream")
    reject = Reject.objects.create(
        system=system,
        source=RejectSource.EVAL_FILE,
        source_ref=(format_name or "")[:100],
        code=EvalFileRefused.code,
        detail="; ".join(problems).replace("\x00", "�"),
        item_digest=posted.digest,
        item=named,
    )
    audit.record(verb="eval_file.refused", actor=actor, obj=reject, system=system, digest=posted.digest)


def _what_it_names(posted: PostedFile, poster: Said) -> dict[str, str] | None:
    """Return run key, release and suite of a file that was refused, as far as its poster or its own form says them."""
    by_poster = {
        "run_key": poster.run_key,
        "release": poster.release,
        "suite": poster.suite.key if poster.suite else None,
    }
    named = _named_inside(posted) | {name: said for name, said in by_poster.items() if said}
    return {
        name: value[:LABEL_LENGTH].replace("\x00", "�")
        for name, value in named.items()
        if isinstance(value, str)
    } or None


def _named_inside(posted: PostedFile) -> dict[str, object]:
    if posted.size > settings.EVAL_MAX_WHOLE:
        return {}
    try:
        document = read_json(posted.read())
    except ValueError:
        return {}
    if not isinstance(document, dict):
        return {}
    suite = document.get("suite")
    return {
        "run_key": document.get("run_key"),
        "release": document.get("release"),
        "suite": suite.get("key") if isinstance(suite, dict) else None,
    }
