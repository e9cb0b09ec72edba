"""What an Inspect log says of its run, of its metrics and of its totals."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

from evidence.digests import digest_of
from evidence.evals.contracts import Direction, MetricSpec, RunStatus, VersionClaim
from evidence.evals.formats.inspect.container import Log
from evidence.evals.measurements import Remark, RemarkCode, Said, StatedTotal
from evidence.statistics import Plan

LONGEST: Final = 100  # characters of a key: what names an artefact
_STATUSES: Final = {
    "success": RunStatus.SUCCESS,
    "cancelled": RunStatus.CANCELLED,
    "error": RunStatus.ERROR,
}
_MEANS: Final = frozenset({"accuracy", "mean"})  # metrics that are the mean over items
_GRADED: Final = frozenset(
    {"model_graded_qa", "model_graded_fact"}
)  # scorers that ask the model of the role `grader`

Json = dict[str, Any]


def said_in(log: Log) -> Said:
    """Return what a log says of its run. What it does not say of it is None."""
    told: Json = log.head["eval"]
    revision, stats = _object(told.get("revision")), _object(log.head.get("stats"))
    began = _moment(stats.get("started_at")) or _moment(told.get("created"))
    ended = _moment(stats.get("completed_at")) or _moment(log.last_seen)
    return Said(
        run_key=_text(told.get("eval_id")) or _text(told.get("run_id")),
        commit=_text(revision.get("commit")),
        dirty=revision["dirty"] if isinstance(revision.get("dirty"), bool) else None,
        suite=VersionClaim(told["task"][:LONGEST], _label(told.get("task_version")), None),
        evaluator=_evaluator(told),
        dataset=_dataset(told),
        model=_claim(told.get("model")),
        status=_STATUSES.get(str(log.head.get("status")), RunStatus.STARTED),
        observed_from=began,
        observed_to=max(began, ended) if began and ended else ended,
        collected_at=ended,
        plan=_plan(told),
        seeds=dict(_seeds(told)),
    )


def metrics_in(head: Json) -> dict[str, MetricSpec]:
    """Return the metrics that are known before a sample is read; what samples have beside them is added then."""
    results = _object(head.get("results"))
    names = [
        metric_name(_text(each.get("scorer")) or "", _text(each.get("name")) or "")
        for each in _objects(results.get("scores"))
    ]
    told: Json = head["eval"]
    scored = {name.partition("/")[0] for name in names}
    names += [
        each["name"]
        for each in _objects(told.get("scorers"))
        if _text(each.get("name")) and each["name"] not in scored
    ]
    return {name: unsettled(name, told) for name in names if name}


def unsettled(name: str, told: Json) -> MetricSpec:
    """Return a metric of which nobody knows yet whether its values stay in [0, 1]: the values will say.

    Inspect does not say which way is better. Its own metrics take more for better, and so is it taken here.
    """
    return MetricSpec(name, "mean", Direction.HIGHER, "score", judge=_judge(name.partition("/")[0], told))


def metric_name(scorer: str, score: str) -> str:
    """Return what a score is called here: by its scorer, and its own name where a scorer gives several."""
    return scorer if score in {"", scorer} else f"{scorer}/{score}" if scorer else score


def totals_in(head: Json, metrics: Json) -> list[StatedTotal]:
    """Return the totals that the log states. Several reducers have a total each, under one name."""
    results = _object(head.get("results"))
    return [
        StatedTotal(
            metric=metric,
            name=(_text(one.get("name")) or key).rpartition("/")[2][:LONGEST],
            value=_number(one.get("value")),
            reducer=(_text(each.get("reducer")) or "")[:LONGEST],
            n=each["scored_samples"] if isinstance(each.get("scored_samples"), int) else None,
            is_mean=key.rpartition("/")[2] in _MEANS and each.get("reducer") in (None, "", "mean"),
        )
        for each in _objects(results.get("scores"))
        if (metric := metric_name(_text(each.get("scorer")) or "", _text(each.get("name")) or "")) in metrics
        for key, one in _object(each.get("metrics")).items()
        if isinstance(one, dict)
    ]


def remarks_in(head: Json) -> list[Remark]:
    """Return what the log as a whole says against its numbers."""
    found = []
    if head.get("invalidated") is True:
        found.append(Remark(RemarkCode.INVALIDATED, "the log says that samples of it were invalidated"))
    for update in _objects(head.get("log_updates")):
        edits = ", ".join(str(each.get("type", "edit")) for each in _objects(update.get("edits")))
        found.append(
            Remark(
                RemarkCode.EDITED,
                f"the log was edited ({edits or 'edit'}) {by_whom(update.get('provenance'))}",
            )
        )
    error = _object(head.get("error"))
    if error:
        found.append(Remark(RemarkCode.UNFINISHED, f"the run broke off: {str(error.get('message'))[:300]}"))
    return found


def by_whom(provenance: object) -> str:
    """Return who did something to a log, when and why, as the end of a sentence."""
    told = _object(provenance)
    author = _text(told.get("author")) or "somebody"
    when = f" at {told['timestamp']}" if _text(told.get("timestamp")) else ""
    why = f": {told['reason']}" if _text(told.get("reason")) else ", without a reason"
    return f"by {author}{when}{why}"


def _evaluator(told: Json) -> VersionClaim | None:
    """Return the scorers, with the version of Inspect and what they were set to: other options measure otherwise."""
    scorers = [
        {"name": each.get("name"), "options": each.get("options"), "metrics": each.get("metrics")}
        for each in _objects(told.get("scorers"))
    ]
    names = "+".join(dict.fromkeys(str(each["name"]) for each in scorers))
    if not names:
        return None
    version = _text(_object(told.get("packages")).get("inspect_ai")) or "?"
    return VersionClaim(names[:LONGEST], f"inspect_ai {version}, options {_digest(scorers)[:12]}", None)


def _digest(value: object) -> str:
    try:
        return digest_of(value)
    except (ValueError, TypeError, RecursionError, OverflowError):
        return digest_of(repr(value))


def _dataset(told: Json) -> VersionClaim | None:
    dataset = _object(told.get("dataset"))
    return _claim(dataset.get("name")) or _claim(dataset.get("location"))


def _judge(scorer: str, told: Json) -> VersionClaim | None:
    """Return the model that a scorer asks: its own option, or the one that has the role of grader."""
    for each in _objects(told.get("scorers")):
        if each.get("name") == scorer:
            named = _claim(_object(each.get("options")).get("model"))
            if named is not None:
                return named
    grader = _object(_object(told.get("model_roles")).get("grader"))
    return _claim(grader.get("model")) if scorer in _GRADED else None


def _plan(told: Json) -> Plan:
    config, dataset = _object(told.get("config")), _object(told.get("dataset"))
    limit = config.get("limit")
    if isinstance(limit, list) and len(limit) == 2 and all(_is_count(each) for each in limit):
        limit = max(0, limit[1] - limit[0])
    samples, epochs = dataset.get("samples"), config.get("epochs")
    return Plan(
        samples=samples if _is_count(samples) else None,
        limit=limit if _is_count(limit) else None,
        epochs=epochs if _is_count(epochs) and epochs else 1,
    )


def _seeds(told: Json) -> Iterator[tuple[str, str]]:
    model = _object(told.get("model_generate_config")).get("seed")
    shuffle = _object(told.get("config")).get("sample_shuffle")
    for name, seed in (("model", model), ("shuffle", shuffle)):
        if isinstance(seed, int) and not isinstance(seed, bool):
            yield name, str(seed)


def _claim(key: object) -> VersionClaim | None:
    return VersionClaim(key[:LONGEST], None, None) if isinstance(key, str) and key else None


def _label(version: object) -> str | None:
    return str(version)[:LONGEST] if isinstance(version, str | int) and version != "" else None


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**31


def _object(value: object) -> Json:
    return value if isinstance(value, dict) else {}


def _objects(value: object) -> list[Json]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and abs(value) < 1e300 else None


def _moment(value: object) -> datetime | None:
    """Return an aware time; without a zone it could be any, and is none."""
    try:
        read = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return read if read is not None and read.tzinfo is not None else None
