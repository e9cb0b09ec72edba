"""What a system has on record that criteria may name: for the linter. A fixed number of queries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Final

from django.db.models import Q

from evidence.kept_until_written import Found, KeptUntilWritten
from evidence.models import Artefact, ArtefactKind, EvalRun, EvalScore, System, Trace
from requirements.drafts import RequirementDraft
from requirements.lint.known import KnownNames, SuiteSeen
from requirements.models import (
    AcceptanceCriterion,
    Requirement,
    RequirementState,
    RequirementTransition,
    RequirementVersion,
)
from requirements.selectors.wording import drafts_among

_INSTRUMENTS = (ArtefactKind.SUITE, ArtefactKind.EVALUATOR, ArtefactKind.DATASET, ArtefactKind.JUDGE)
_drafts: Final[KeptUntilWritten[tuple[RequirementDraft, ...]]] = KeptUntilWritten(
    Requirement, RequirementVersion, RequirementTransition, AcceptanceCriterion, most=20_000
)
_NEWEST_TRACES = 1_000  # whose languages and environments count: what nobody sent lately is no evidence
_MOST_SCORES = 50_000  # of the newest run of each suite


def known_names(system: System) -> KnownNames:
    """Return the names on record in a system: four queries, whatever is stored."""
    artefacts: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    rows = Artefact.objects.filter(system=system, kind__in=_INSTRUMENTS).values_list(
        "kind", "key", "versions__label"
    )
    for kind, key, label in rows:
        artefacts[kind][key].update([label] if label else [])
    newest = Trace.objects.filter(system=system).order_by("-id").values_list("language", "environment")
    pairs = list(newest[:_NEWEST_TRACES])
    return KnownNames(
        artefacts={
            kind: {key: frozenset(labels) for key, labels in keys.items()} for kind, keys in artefacts.items()
        },
        suites=_suites_seen(system),
        languages=frozenset(language for language, _ in pairs if language),
        environments=frozenset(environment for _, environment in pairs if environment),
    )


def _suites_seen(system: System) -> dict[str, SuiteSeen]:
    """Return what the newest run of each suite held, by the key of the suite."""
    runs = dict(
        EvalRun.objects.filter(system=system, status=EvalRun.Status.SUCCESS)
        .order_by("suite__artefact_id", "-received_at")
        .distinct("suite__artefact_id")
        .values_list("pk", "suite__artefact__key")
    )
    metrics: dict[str, set[str]] = defaultdict(set)
    samples: dict[str, dict[tuple[str, str, str], int]] = defaultdict(dict)
    scores = EvalScore.objects.filter(run__in=list(runs)).values_list(
        "run_id", "metric", "slice", "n", "n_unscored", "n_error"
    )
    for run, metric, where, n, unscored, errors in scores[:_MOST_SCORES]:
        metrics[runs[run]].add(metric)
        dimension, value = next(iter(where.items()), ("", ""))
        samples[runs[run]][metric, str(dimension), str(value)] = n + unscored + errors
    return {key: SuiteSeen(frozenset(found), samples[key]) for key, found in metrics.items()}


def drafts_of(system: System) -> Sequence[RequirementDraft]:
    """Return the newest version of each requirement that is not retired, as drafts: two queries, or one where no row
    has come since they were read before.
    """

    def find() -> Found[tuple[RequirementDraft, ...]]:
        drafts = tuple(_read_drafts(system))
        return Found(drafts, len(drafts))

    return _drafts.get(system.pk, [system.pk], find)


def _read_drafts(system: System) -> list[RequirementDraft]:
    newest = (
        RequirementVersion.objects.filter(requirement__system=system)
        .order_by("requirement_id", "-number")
        .distinct("requirement_id")
    )
    retired = RequirementTransition.objects.filter(
        version__requirement__system=system, to_state=RequirementState.RETIRED
    ).values("version_id")
    versions = RequirementVersion.objects.filter(~Q(pk__in=retired), pk__in=newest.values("pk"))
    return drafts_among(versions.order_by("requirement__key"))
