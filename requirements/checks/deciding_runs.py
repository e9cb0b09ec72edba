"""Which run of a suite decides for a release: the one that was received last, and what keeps it from being a pass.

The newest run decides or explains; no older one ever stands in for it. Newest is by our clock: `observed_to` is the
sender's, and whoever could back-date it would have an older run decide. Where a run that was received before says that
it was observed later, which of them is newer cannot be told, and that is no pass (docs/decisions/0046-what-decides.md).
A run whose retraction was confirmed is passed over; while a retraction waits, the run counts. So is a run that holds no
sample and of which none is missing: it says nothing, and is neither a failure nor a pass.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, cast

from django.db.models import Exists, OuterRef

from evidence.actors import person_behind
from evidence.digests import digest_of, parse_digest
from evidence.evals.measurements import RemarkCode
from evidence.gate_reasons import RunNote, RunRetraction
from evidence.models import (
    ArtefactVersion,
    EvalRemark,
    EvalRun,
    EvalSample,
    EvalScore,
    Registration,
    Reject,
    Release,
    ReleasePin,
    Retraction,
)
from evidence.selectors.builders import builders_of
from evidence.selectors.registrations import HOW_TO_REGISTER
from evidence.selectors.retractions import waiting_retractions
from evidence.vocabulary import RejectSource
from requirements.checks.contracts import Obstacle, Population, RunsSeen

ROLES: Final = ("suite", "evaluator", "dataset")
_LISTED: Final = 50  # runs that a finding names; of older ones it says how many there are


@dataclass(frozen=True, slots=True)
class ChosenRun:
    """The run that decides, what stands in its way, and every run that was looked at."""

    run: EvalRun | None  # None: there is none, or none that is recent enough
    obstacles: tuple[Obstacle, ...]
    seen: RunsSeen
    inputs: list[dict[str, object]]  # of every run that was looked at, for the digest


def choose_run(population: Population, parameters: Mapping[str, object]) -> ChosenRun:
    """Return the run of the suite that decides for the release, and name every other with why it does not."""
    asked = ("choose_run", digest_of(dict(parameters)))
    chosen = population.once(asked, lambda: _choose_of_any_age(population, parameters))
    run, since = chosen.run, population.since
    is_recent = run is not None and (since is None or run.observed_to >= since)
    return chosen if is_recent else replace(chosen, run=None)


def _choose_of_any_age(population: Population, parameters: Mapping[str, object]) -> ChosenRun:
    runs, n_older = _runs_of_suite(population, parameters)
    retractions, remarks = _retractions(runs, population), _remarks(runs)
    counting = [run for run in runs if not _is_retracted(retractions[run.pk])]
    empty = _empty(counting, str(parameters["metric"]))
    deciding = next((run for run in counting if run.pk not in empty), next(iter(counting), None))
    notes = [
        _note(run, deciding, retractions[run.pk], remarks[run.pk], is_empty=run.pk in empty) for run in runs
    ]
    obstacles = (
        [_no_run(runs, parameters)]
        if deciding is None
        else list(
            _obstacles(deciding, _before(deciding, counting), remarks[deciding.pk], population, parameters)
        )
    )
    return ChosenRun(
        run=deciding,
        obstacles=(*obstacles, *_refused_files(deciding, population, parameters)),
        seen=RunsSeen(
            used=tuple(note for note in notes if note["code"] == "decides"),
            passed_over=tuple(note for note in notes if note["code"] != "decides"),
            n_older=n_older,
        ),
        inputs=[
            {"run_key": note["run_key"], "raw": note["digest"], "code": note["code"],
             "retractions": note["retractions"]}
            for note in notes
        ],
    )  # fmt: skip


def _runs_of_suite(population: Population, parameters: Mapping[str, object]) -> tuple[list[EvalRun], int]:
    """Return the runs of the suite on the release, received last first, and how many more there are."""
    runs = EvalRun.objects.filter(
        population.as_of.knew("received_at"),
        system_id=population.system_id,
        release_id=population.release_id,
        suite__artefact__key=_suite_key(parameters),
    )
    listed = runs.select_related(*ROLES, *(f"{role}__artefact" for role in ROLES))
    found = list(listed.order_by("-received_at", "-pk")[:_LISTED])
    return found, runs.count() - len(found) if len(found) == _LISTED else 0


def _empty(runs: Sequence[EvalRun], metric: str) -> set[int]:
    """Return the runs that have the metric and no sample, and of which none was rejected or is absent."""
    lost = Reject.objects.filter(
        system_id=OuterRef("system_id"), source=RejectSource.EVAL_SAMPLE, source_ref=OuterRef("run_key")
    )
    said = Exists(EvalSample.objects.filter(run=OuterRef("pk"))) | Exists(lost)
    has_metric = Exists(EvalScore.objects.filter(run=OuterRef("pk"), metric=metric))
    silent = EvalRun.objects.filter(
        has_metric, ~said, pk__in=[run.pk for run in runs], status=EvalRun.Status.SUCCESS
    )
    return set(silent.values_list("pk", flat=True))


def _before(run: EvalRun, counting: Sequence[EvalRun]) -> list[EvalRun]:
    """Return the runs that were received before one, newest first."""
    return list(counting[counting.index(run) + 1 :])


def _suite_key(parameters: Mapping[str, object]) -> str:
    return cast("Mapping[str, str]", parameters["suite"])["key"]


def _retractions(runs: Sequence[EvalRun], population: Population) -> dict[int, list[RunRetraction]]:
    """Return what is said against each run: the confirmed retraction, and those that wait."""
    found: dict[int, list[RunRetraction]] = {run.pk: [] for run in runs}
    for row in Retraction.objects.filter(population.as_of.knew("created_at"), run__in=runs).order_by("pk"):
        found[row.run_id].append(
            {"requested_by": row.retracted_by, "reason": row.reason, "confirmed_by": row.confirmed_by}
        )
    for asked in waiting_retractions(population.as_of).filter(run__in=runs):
        found[asked.run_id].append(
            {"requested_by": asked.requested_by, "reason": asked.reason, "confirmed_by": None}
        )
    return found


def _is_retracted(retractions: Sequence[RunRetraction]) -> bool:
    """Whether one of them had its effect; those from before a second person confirmed them name nobody."""
    return any(each["confirmed_by"] is not None for each in retractions)


def _remarks(runs: Sequence[EvalRun]) -> dict[int, list[EvalRemark]]:
    """Return what is to be known beside the numbers of each run: of the whole, and of samples."""
    found: dict[int, list[EvalRemark]] = {run.pk: [] for run in runs}
    for remark in EvalRemark.objects.filter(run__in=runs).order_by("pk"):
        found[remark.run_id].append(remark)
    return found


def _tell_remarks(remarks: Iterable[EvalRemark]) -> str:
    """Return remarks as the end of a sentence: those of the whole run in words, those of samples by their number."""
    whole = [f"{each.code}: {each.detail}" for each in remarks if not each.sample_id]
    of_samples = Counter(each.code for each in remarks if each.sample_id)
    return "; ".join([*whole, *(f"{code}: {count} samples" for code, count in sorted(of_samples.items()))])


def _note(
    run: EvalRun,
    deciding: EvalRun | None,
    retractions: list[RunRetraction],
    remarks: list[EvalRemark],
    *,
    is_empty: bool,
) -> RunNote:
    code, detail = "earlier", f"{deciding} was received later, and the newest run decides"
    if _is_retracted(retractions):
        code, detail = "retracted", f"it was retracted: {retractions[0]['reason']}"
    elif is_empty and run != deciding:
        code, detail = "empty", "it holds no sample and none is missing, so it says nothing"
    elif run == deciding:
        code, detail = "decides", "no run of the suite on this release was received later"
    if code == "decides" and retractions:
        detail += "; a retraction waits to be confirmed, and until then it counts"
    if code == "decides" and remarks:
        detail += f"; {_tell_remarks(remarks)}"
    return {
        "run_key": run.run_key,
        "id": run.pk,
        "digest": run.raw_id,
        "commit": run.commit,
        "status": run.status,
        "posted_by": run.posted_by,
        "observed_to": run.observed_to.isoformat(),
        "received_at": run.received_at.isoformat(),
        "code": code,
        "detail": detail,
        "retractions": retractions,
    }


def _no_run(retracted: Sequence[EvalRun], parameters: Mapping[str, object]) -> Obstacle:
    suite = _suite_key(parameters)
    if retracted:
        return Obstacle("all_retracted", f"each run of suite {suite} on this release was retracted")
    return Obstacle("no_run", f"no run of suite {suite} on this release is on record")


def _obstacles(
    run: EvalRun,
    earlier: Sequence[EvalRun],
    remarks: Sequence[EvalRemark],
    population: Population,
    parameters: Mapping[str, object],
) -> Iterator[Obstacle]:
    """Say why the newest run cannot be a pass."""
    if run.status != EvalRun.Status.SUCCESS:
        yield Obstacle("run_not_ended", f"run {run}, the newest, did not succeed: its status is {run.status}")
    of_the_whole = (remark for remark in remarks if not remark.sample_id)
    invalidated = next((remark for remark in of_the_whole if remark.code == RemarkCode.INVALIDATED), None)
    if invalidated is not None:
        yield Obstacle("run_invalidated", f"run {run}, the newest, is not to be used: {invalidated.detail}")
    metric = str(parameters["metric"])
    if not EvalScore.objects.filter(run=run, metric=metric).exists():
        yield Obstacle("metric_absent", f"run {run}, the newest, has no metric {metric}")
    versions = {role: getattr(run, role) for role in ROLES}
    registered = registered_among(versions.values(), population)
    for role, version in versions.items():
        yield from version_obstacles(
            role, version, run, parameters.get(role), is_registered=version.pk in registered
        )
    yield from _model_obstacles(run, population)
    yield from _dependence(run, population, parameters)
    if run.valid_until is not None and run.valid_until < population.as_of.at:
        yield Obstacle("run_expired", f"run {run}, the newest, was valid until {run.valid_until:%Y-%m-%d}")
    later = next((other for other in earlier if other.observed_to > run.observed_to), None)
    if later is not None:
        yield Obstacle(
            "order_unclear",
            f"run {run} was received after {later} and says it was observed before it, so which is newer cannot be "
            "told: run the suite again",
        )


def registered_among(versions: Iterable[ArtefactVersion], population: Population) -> set[int]:
    """Return the keys of those that somebody vouches for."""
    vouched = Registration.objects.filter(population.as_of.knew("created_at"), version__in=list(versions))
    return set(vouched.values_list("version_id", flat=True))


def version_obstacles(
    role: str, version: ArtefactVersion, run: EvalRun, wanted: object, *, is_registered: bool
) -> Iterator[Obstacle]:
    """Say why a run cannot count that was measured with this version: nobody vouches for it, or it is not the one.

    Args:
        wanted: what the criterion names in this role; None: nothing.
    """
    if not is_registered:
        yield Obstacle(
            f"{role}_unregistered",
            f"nobody registered the {role} version {version} of run {run}: an approver registers it "
            f"({HOW_TO_REGISTER})",
        )
    if isinstance(wanted, Mapping) and not _is_version(version, wanted):
        yield Obstacle(f"{role}_differs", f"its {role} is {version}, not {_named(wanted)}")


def _model_obstacles(run: EvalRun, population: Population) -> Iterator[Obstacle]:
    pins = ReleasePin.objects.filter(release_id=population.release_id, slot="model")
    pin = pins.select_related("version").first()
    if pin is None:
        yield Obstacle("no_model_pinned", "the release pins no model")
    elif run.model_digest != pin.version.digest:
        measured = (
            f"the model {run.model_digest[:12]}…" if run.model_digest else "a model it gives no digest of"
        )
        yield Obstacle(
            "model_differs", f"it measured {measured}, the release pins {pin.version.digest[:12]}…"
        )


def _dependence(run: EvalRun, population: Population, parameters: Mapping[str, object]) -> Iterator[Obstacle]:
    """Say where the builders of the release measured it themselves, though the criterion demands that others do."""
    demanded = cast("Sequence[str]", parameters.get("independent", ()))
    if not demanded:
        return
    release = Release.objects.get(pk=population.release_id)
    builders = builders_of(release, population.as_of)
    if "poster" in demanded and person_behind(run.posted_by) in builders:
        yield Obstacle("posted_by_builder", f"run {run} was posted by {run.posted_by}, who built the release")
    knew = _who_knew(run.dataset, release, population) if "dataset" in demanded else ()
    seen = next(((who, how) for who, how in knew if person_behind(who) in builders), None)
    if seen is not None:
        who, how = seen
        yield Obstacle(
            "dataset_by_builder", f"the dataset of run {run} was {how} by {who}, who built the release"
        )


def _who_knew(
    dataset: ArtefactVersion, release: Release, population: Population
) -> Iterator[tuple[str, str]]:
    """Yield who knew a dataset as the release was built: who registered it, and who had posted a run on it.

    By another key it is the same one.
    """
    registered = Registration.objects.filter(population.as_of.knew("created_at"), version=dataset)
    yield from ((who, "registered") for who in registered.values_list("registered_by", flat=True))
    earlier = EvalRun.objects.filter(
        population.as_of.knew("received_at"),
        system_id=population.system_id,
        dataset__digest=dataset.digest,
        received_at__lt=release.created_at,
    )
    posters = earlier.order_by("posted_by").values_list("posted_by", flat=True).distinct()
    yield from ((who, "used before the release was made") for who in posters)


def _refused_files(
    deciding: EvalRun | None, population: Population, parameters: Mapping[str, object]
) -> Iterator[Obstacle]:
    """Say that a file about this suite and release was posted after the newest run, and could not be read.

    Of a file of which not even that could be read, it is said where no run decides.
    """
    refused = Reject.objects.filter(
        population.as_of.knew("created_at"), system_id=population.system_id, source=RejectSource.EVAL_FILE
    ).order_by("-pk")
    if not refused.exists():
        return
    about_it = refused.filter(item__suite=_suite_key(parameters), item__release=_release_name(population))
    if deciding is not None:
        about_it = about_it.filter(created_at__gt=deciding.received_at)
    if (last := about_it.first()) is not None:
        named = (last.item or {}).get("run_key") or f"{last.item_digest[:12]}…"
        sentence = f"the file of run {named} was posted last and refused: {last.detail[:300]}"
        yield Obstacle("file_refused", sentence)
    elif deciding is None and (last := refused.filter(item__suite__isnull=True).first()) is not None:
        sentence = (
            f"an eval file could not be read, nor what it is of; the last such says: {last.detail[:300]}"
        )
        yield Obstacle("file_refused", sentence)


def _release_name(population: Population) -> str:
    return Release.objects.values_list("name", flat=True).get(pk=population.release_id)


def _is_version(version: ArtefactVersion, wanted: Mapping[str, str]) -> bool:
    digest = wanted.get("digest")
    return (
        version.artefact.key == wanted["key"]
        and wanted.get("label") in (None, version.label)
        and (digest is None or parse_digest(digest) == version.digest)
    )


def _named(wanted: Mapping[str, str]) -> str:
    return " ".join(wanted[part] for part in ("key", "label", "digest") if part in wanted)
