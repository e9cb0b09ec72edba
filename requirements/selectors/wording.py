"""What a requirement version says beside the one it replaces: its content, its change, its fingerprint."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Any, NamedTuple

from django.db.models import (
    Exists,
    F,
    OuterRef,
    QuerySet,
    Subquery,
    TextField,
    Value,
    prefetch_related_objects,
)
from django.db.models.functions import Coalesce, NullIf

from evidence.citations.difference import Run, Side, diff_words
from evidence.digests import digest_of
from evidence.vocabulary import Layer, RiskTier
from requirements.drafts import Comparator, CriterionDraft, RequirementDraft
from requirements.fingerprints import fingerprint
from requirements.models import (
    AcceptanceCriterion,
    Change,
    RequirementState,
    RequirementTransition,
    RequirementVersion,
)


def draft_of(version: RequirementVersion) -> RequirementDraft:
    """Return what an author wrote, from what is stored of it: its digest is the content's that is on record."""
    return _draft(version.requirement.key, version, sorted(version.criteria.all(), key=attrgetter("pk")))


def _draft(
    key: str, version: _Version | RequirementVersion, criteria: Iterable[_Criterion | AcceptanceCriterion]
) -> RequirementDraft:
    return RequirementDraft(
        key=key,
        statement=dict(version.statement),
        rationale=version.rationale,
        risk_tier=RiskTier(version.risk_tier),
        layer=Layer(version.layer),
        owner=version.owner,
        review_every_days=version.review_every_days,
        criteria=tuple(_criterion(each) for each in criteria),
        external_id=version.external_id,
    )


def drafts_by_version(versions: Iterable[RequirementVersion]) -> dict[int, RequirementDraft]:
    """Return what stored versions say, by the version's id: one query."""
    found = list(versions)
    prefetch_related_objects(found, "criteria")
    return {version.pk: draft_of(version) for version in found}


class _Version(NamedTuple):
    """The columns of a requirement version that its author wrote."""

    pk: int
    requirement__key: str
    statement: Mapping[str, str]
    rationale: str
    risk_tier: str
    layer: str
    owner: str
    review_every_days: int
    external_id: str


class _Criterion(NamedTuple):
    """The columns of a criterion that its author wrote."""

    version_id: int
    key: str
    check_name: str
    parameters: Mapping[str, object]
    comparator: str
    threshold: float
    unit: str
    min_n: int
    max_age_days: int | None
    bound_confidence: float
    slices: Sequence[Mapping[str, str]]


def drafts_among(versions: QuerySet[RequirementVersion]) -> list[RequirementDraft]:
    """Return what these versions say, in their order: two queries, and only the columns that are written."""
    criteria: defaultdict[int, list[_Criterion]] = defaultdict(list)
    of_these = AcceptanceCriterion.objects.filter(version__in=versions.order_by().values("pk")).order_by("pk")
    for row in of_these.values_list(*_Criterion.__annotations__):
        criterion = _Criterion(*row)
        criteria[criterion.version_id].append(criterion)
    rows = (_Version(*row) for row in versions.values_list(*_Version.__annotations__))
    return [_draft(each.requirement__key, each, criteria[each.pk]) for each in rows]


def _criterion(row: _Criterion | AcceptanceCriterion) -> CriterionDraft:
    return CriterionDraft(
        key=row.key,
        check=row.check_name,
        parameters=row.parameters,
        comparator=Comparator(row.comparator),
        threshold=row.threshold,
        unit=row.unit,
        min_n=row.min_n,
        max_age_days=row.max_age_days,
        bound_confidence=row.bound_confidence,
        slices=tuple(row.slices),
    )


def predecessor_of(version: RequirementVersion) -> RequirementVersion | None:
    """Return the version that this one replaces, whatever became of it; None for a requirement's first."""
    before = RequirementVersion.objects.filter(requirement=version.requirement, number__lt=version.number)
    return before.select_related("requirement", "artefact_version").order_by("-number").first()


def held_before(version: RequirementVersion) -> RequirementVersion | None:
    """Return the last version before this one that was approved: what an approval of this one puts out of force."""
    before = RequirementVersion.objects.filter(requirement=version.requirement, number__lt=version.number)
    approved = RequirementTransition.objects.filter(
        version=OuterRef("pk"), to_state=RequirementState.APPROVED
    )
    return (
        before.filter(Exists(approved))
        .select_related("requirement", "artefact_version")
        .order_by("-number")
        .first()
    )


def change_of(version: RequirementVersion) -> Change:
    """Return what the author says the change is: what was said last, when it was saved or proposed."""
    said = version.transitions.filter(to_state__in=[RequirementState.DRAFT, RequirementState.IN_REVIEW])
    last = said.exclude(change="").order_by("-at", "-pk").values_list("change", flat=True).first()
    return Change(last) if last else Change.SUBSTANTIVE


def fingerprint_of(version: RequirementVersion) -> str:
    """Return the fingerprint in force: of its content, or the predecessor's where a second person confirmed that the
    change is editorial.
    """
    approved = version.transitions.filter(to_state=RequirementState.APPROVED).exclude(fingerprint="").first()
    return approved.fingerprint if approved else version.fingerprint or fingerprint(draft_of(version))


def with_fingerprint(versions: QuerySet[RequirementVersion]) -> QuerySet[Any]:
    """Annotate versions with `fingerprint_now`, as `fingerprint_of` says; empty of those from before there were any."""
    approved = RequirementTransition.objects.filter(
        version_id=OuterRef("pk"), to_state=RequirementState.APPROVED
    ).values("fingerprint")[:1]
    in_force = NullIf(Subquery(approved), Value(""), output_field=TextField())
    return versions.annotate(fingerprint_now=Coalesce(in_force, F("fingerprint"), output_field=TextField()))


def statement_diff(before: RequirementVersion, after: RequirementVersion) -> Mapping[str, tuple[Run, ...]]:
    """Return what differs between two statements, word by word, in each language that either has.

    Of the runs, `Side.QUOTE` is what the earlier one says and the later does not, `Side.PASSAGE` the other way round.
    """
    languages = dict.fromkeys([*before.statement, *after.statement])
    return {
        language: diff_words(before.statement.get(language, ""), after.statement.get(language, ""))
        for language in languages
    }


def reworded_apart(before: RequirementVersion, after: RequirementVersion) -> list[str]:
    """Return the languages in which a statement stayed as it was, where it was reworded in another."""
    same = [language for language, text in after.statement.items() if before.statement.get(language) == text]
    return [] if len(same) == len(after.statement) else same


def digests_of_diff(diff: Mapping[str, tuple[Run, ...]]) -> dict[str, str]:
    """Return the digest of what differs, by language: what two people agreed on, without its words."""
    return {
        language: digest_of([[run.side, run.text] for run in runs if run.side != Side.BOTH])
        for language, runs in diff.items()
    }


def warning_names(version: RequirementVersion) -> list[str]:
    """Return the linter's open warnings by name, `<code>@<where>`, each once: what an approver ticks."""
    return list(dict.fromkeys(name_of_warning(warning) for warning in version.lint))


def name_of_warning(warning: Mapping[str, Any]) -> str:
    return f"{warning.get('code', '')}@{warning.get('where', '')}"
