"""Eval runs: the file as it came, its samples, and the aggregates we computed from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any, ClassVar, Final

from django.db import transaction

from evidence import acts, clock
from evidence.access import Principal
from evidence.digests import digest_of, sha256_hex
from evidence.errors import ConflictingContent, EvidenceError, Fault, InvalidInput
from evidence.evals.aggregate import AggregateScore, aggregate
from evidence.evals.contracts import EvalFileError, ParsedRun, RunHead, SampleReject, VersionClaim
from evidence.evals.observations import count_absent
from evidence.evals.registry import EVAL_FORMATS, parse_eval_file
from evidence.limits import excess
from evidence.locks import Lock, hold
from evidence.models import (
    ArtefactKind,
    ArtefactVersion,
    DigestBasis,
    EvalRun,
    EvalSample,
    EvalScore,
    Reject,
    Release,
    System,
)
from evidence.models.base import LABEL_LENGTH
from evidence.services import audit, blobs, registry
from evidence.statistics import CONFIDENCE, Plan
from evidence.strict_json import read_json
from evidence.vocabulary import ABSENT, RejectSource

PARSER_VERSION: Final = (
    # 2: unknown fields are refused; 3: units, and what is missing, in the intervals; 4: what is absent, by item; judges
    "evals/4"
)
CLOCK_SKEW: Final = timedelta(minutes=5)  # how far the runner's clock may run ahead of ours
_BATCH: Final = 1000  # rows of one INSERT


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
            "errors": [Fault("body", "", "eval_file_refused", problem).as_dict() for problem in self.problems]
        }


@dataclass(frozen=True, slots=True)
class RecordedRun:
    """A stored run, and whether this call stored it."""

    run: EvalRun
    created: bool


def record_eval_run(
    *, principal: Principal, system: System, raw: bytes, format_name: str, release: str | None = None
) -> RecordedRun:
    """Store one eval file; the same file again returns the first row.

    The file is read before anything is stored. Samples that are malformed go to the reject ledger one by one;
    aggregates are computed from the rest, by metric and slice.

    Args:
        raw: the file's bytes; kept by digest.
        release: name, where the file does not say it.

    Raises:
        AccessDenied, NotFound: as `acts.check_can_record_eval_run` does.
        EvalFileRefused: the file as a whole cannot be read; all faults at once.
        InvalidInput: the file is about another system or release, or about the future.
        NotFound: the system has no release of that name.
        ConflictingContent: the run key already brought another file.
    """
    acts.check_can_record_eval_run(principal, system)
    actor = principal.actor
    try:
        parsed = parse_eval_file(raw, format_name)
        _check_size(parsed)
    except EvalFileError as exc:
        _keep_refused(system=system, raw=raw, format_name=format_name, problems=exc.problems, actor=actor)
        raise EvalFileRefused(exc.problems) from exc
    _check_addressee(parsed.head, system, release)
    _check_collected_at(parsed.head)
    name = parsed.head.release or release
    found = registry.find_release(system, name) if name else None
    return _store(system=system, release=found, parsed=parsed, raw=raw, format_name=format_name, actor=actor)


def ensure_claimed_version(
    *, system: System, kind: ArtefactKind, claim: VersionClaim, actor: str
) -> ArtefactVersion:
    """Return the version a runner says it used. It is not vouched for by this: `registry.register_version` does.

    Where only a label is given the digest is over kind, key and label, so that even this version has an identity.
    """
    by_content = claim.digest is not None
    return registry.ensure_version(
        system=system,
        kind=kind,
        key=claim.key,
        label=claim.label or "",
        digest=claim.digest or digest_of({"kind": kind.value, "key": claim.key, "label": claim.label}),
        basis=DigestBasis.CONTENT if by_content else DigestBasis.LABEL,
        actor=actor,
    )


@transaction.atomic
def _store(
    *, system: System, release: Release | None, parsed: ParsedRun, raw: bytes, format_name: str, actor: str
) -> RecordedRun:
    run_key, digest = parsed.head.run_key, sha256_hex(raw)
    hold(Lock.EVAL_RUN, system.pk, run_key)  # two equal posts at once become one run
    earlier = EvalRun.objects.filter(system=system, run_key=run_key).first()
    if earlier is not None:
        if (earlier.raw_id, earlier.release_id) != (digest, release.pk if release else None):
            raise ConflictingContent(
                f"Run key {run_key!r} brought another file before: give each run a key of its own."
            )
        return RecordedRun(earlier, created=False)
    run = EvalRun.objects.create(
        system=system,
        release=release,
        format=parsed.format,
        parser_version=PARSER_VERSION,
        raw=blobs.store_blob(raw, EVAL_FORMATS[format_name].media_type),
        received_at=clock.now(),
        posted_by=actor,
        **_head_columns(parsed.head, system, actor),
    )
    EvalSample.objects.bulk_create(_sample_rows(run, parsed), batch_size=_BATCH)
    EvalScore.objects.bulk_create(_score_rows(run, parsed, _judges(parsed, system, actor)), batch_size=_BATCH)
    rejects = [*_reject_rows(run, parsed.rejects), *_absent_rows(run, parsed)]
    Reject.objects.bulk_create(rejects, batch_size=_BATCH)
    audit.record(
        verb="eval_run.recorded",
        actor=actor,
        obj=run,
        system=system,
        digest=digest,
        payload={"run_key": run.run_key, "n_samples": len(parsed.samples), "n_rejected": len(parsed.rejects)},
    )
    return RecordedRun(run, created=True)


def _head_columns(head: RunHead, system: System, actor: str) -> dict[str, Any]:
    claimed = {
        "suite": (ArtefactKind.SUITE, head.suite),
        "evaluator": (ArtefactKind.EVALUATOR, head.evaluator),
        "dataset": (ArtefactKind.DATASET, head.dataset),
    }
    versions = {
        role: ensure_claimed_version(system=system, kind=kind, claim=claim, actor=actor)
        for role, (kind, claim) in claimed.items()
    }
    return {
        "run_key": head.run_key,
        **versions,
        "model_digest": head.model.digest or "",
        "status": head.status,
        "commit": head.commit or "",
        "observed_from": head.observed_from,
        "observed_to": head.observed_to,
        "collected_at": head.collected_at,
    }


def _judges(parsed: ParsedRun, system: System, actor: str) -> dict[VersionClaim, ArtefactVersion]:
    """Return the version of each judge that a metric names."""
    claims = dict.fromkeys(spec.judge for spec in parsed.head.metrics.values() if spec.judge)
    return {
        claim: ensure_claimed_version(system=system, kind=ArtefactKind.JUDGE, claim=claim, actor=actor)
        for claim in claims
    }


def _sample_rows(run: EvalRun, parsed: ParsedRun) -> list[EvalSample]:
    return [
        EvalSample(
            run=run,
            sample_id=sample.sample_id,
            metric=score.metric,
            slice=dict(sample.slice),
            status=score.status,
            value=score.value,
            explanation=score.explanation,
            input=sample.input,
            output=sample.output,
            target=sample.target or "",
            trace_id=sample.trace_id,
        )
        for sample in parsed.samples
        for score in sample.scores
    ]


def _aggregate(parsed: ParsedRun) -> list[AggregateScore]:
    try:
        return aggregate(parsed)
    except OverflowError as exc:
        raise InvalidInput("Scores as large as these have no spread that a number can hold.") from exc


def _score_rows(
    run: EvalRun, parsed: ParsedRun, judges: Mapping[VersionClaim, ArtefactVersion]
) -> list[EvalScore]:
    rows = []
    for score in _aggregate(parsed):
        estimate = score.estimate
        numbers: dict[str, Any] = {"value": None, "stderr": None, "low": None, "high": None}
        if estimate is not None:
            numbers = {name: getattr(estimate, name) for name in numbers}
        rows.append(
            EvalScore(
                run=run,
                metric=score.metric.key,
                judge=judges[score.metric.judge] if score.metric.judge else None,
                slice=dict(score.slice),
                unit=score.metric.unit,
                direction=score.metric.direction,
                n=score.n_scored,
                n_unscored=score.missing.unscored,
                n_error=score.missing.errored,
                confidence=CONFIDENCE,
                interval_method=estimate.method if estimate else "none",
                **numbers,
            )
        )
    return rows


def _reject_rows(run: EvalRun, rejects: tuple[SampleReject, ...]) -> list[Reject]:
    return [
        Reject(
            system=run.system,
            source=RejectSource.EVAL_SAMPLE,
            source_ref=run.run_key,
            code=reject.code,
            detail=f"sample {reject.index}: {reject.detail}",
            item=reject.item,
        )
        for reject in rejects
    ]


def _absent_rows(run: EvalRun, parsed: ParsedRun) -> list[Reject]:
    """Return one row of the ledger for all that was planned and is not in the file: it is missing, too."""
    plan, absent = parsed.head.plan, count_absent(parsed)
    if not absent and not plan.is_open:
        return []
    if plan.is_open:
        said = f"the run stopped after {plan.limit} items, and the file does not say of how many: give dataset.samples"
    else:
        said = _say_absent(plan, absent)
    return [
        Reject(
            system=run.system,
            source=RejectSource.EVAL_SAMPLE,
            source_ref=run.run_key,
            code=ABSENT,
            detail=said,
            item={**asdict(plan), "absent": absent, "open": plan.is_open},
        )
    ]


def _say_absent(plan: Plan, absent: int) -> str:
    planned = plan.epochs * (plan.items or 0)
    many = f"{absent} of the {planned}" if absent <= planned else f"{absent}"
    how = f" ({plan.epochs} attempts at each item, each named ITEM#ATTEMPT)" if plan.epochs > 1 else ""
    return f"{many} planned samples are not in the file{how}"


@transaction.atomic
def _keep_refused(*, system: System, raw: bytes, format_name: str, problems: list[str], actor: str) -> None:
    """Put a file nobody can read on the ledger; the same bytes are put there once."""
    digest = sha256_hex(raw)
    if Reject.objects.filter(system=system, source=RejectSource.EVAL_FILE, item_digest=digest).exists():
        return
    blobs.store_blob(raw, "application/octet-stream")
    reject = Reject.objects.create(
        system=system,
        source=RejectSource.EVAL_FILE,
        source_ref=format_name[:100],
        code=EvalFileRefused.code,
        detail="; ".join(problems).replace("\x00", "�"),
        item_digest=digest,
        item=_what_it_names(raw),
    )
    audit.record(verb="eval_file.refused", actor=actor, obj=reject, system=system, digest=digest)


def _what_it_names(raw: bytes) -> dict[str, str] | None:
    """Return run key, release and suite of a file that was refused, as far as it says them in the native form."""
    try:
        document = read_json(raw)
    except ValueError:
        return None
    if not isinstance(document, dict):
        return None
    suite = document.get("suite")
    named = {
        "run_key": document.get("run_key"),
        "release": document.get("release"),
        "suite": suite.get("key") if isinstance(suite, dict) else None,
    }
    return {
        name: value[:LABEL_LENGTH].replace("\x00", "�")
        for name, value in named.items()
        if isinstance(value, str)
    } or None


def _check_size(parsed: ParsedRun) -> None:
    """See that a file leads to no more rows than one run may have, before any is made.

    Raises:
        EvalFileError: it does; each limit is named.
    """
    slices = {pair for sample in parsed.samples for pair in sample.slice.items()}
    metrics = len(parsed.head.metrics)
    counts = {
        "samples": (len(parsed.samples) + len(parsed.rejects), "EVAL_MAX_SAMPLES"),
        "metrics": (metrics, "EVAL_MAX_METRICS"),
        "scores, one for each metric in each slice": (metrics * (len(slices) + 1), "EVAL_MAX_SCORES"),
    }
    found = [f"{what}: {excess(*count)}" for what, count in counts.items() if excess(*count)]
    if found:
        raise EvalFileError(found)


def _check_addressee(head: RunHead, system: System, release: str | None) -> None:
    if head.system != system.key:
        raise InvalidInput(f"The file is about system {head.system!r}, it was posted to {system.key!r}.")
    if release and head.release and release != head.release:
        raise InvalidInput(f"The file is about release {head.release!r}, it was posted to {release!r}.")


def _check_collected_at(head: RunHead) -> None:
    if head.collected_at > clock.now() + CLOCK_SKEW:
        raise InvalidInput(
            "collected_at lies in the future: set the clock of the machine that ran the suite."
        )
