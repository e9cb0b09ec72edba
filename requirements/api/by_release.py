"""Requirements by release by API: what the page shows, from the same selector, with codes in place of words.

A column whose verdicts count what colleagues said of answers that the reader may still judge says so and tells nothing:
neither its figures, nor in what is marked as changed, nor in what the list is narrowed to.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Final

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from evidence import clock
from evidence.access import find_system, principal_of
from evidence.api.inputs import QueryInput
from evidence.api.scoped_view import ScopedView
from evidence.errors import NotFound
from evidence.models import Scope
from evidence.problems import Problem
from evidence.vocabulary import Layer
from evidence.worded import worded
from requirements import acts
from requirements.api.coverage import STANDINGS
from requirements.covered import Standing
from requirements.selectors.baselines import find_baseline
from requirements.selectors.by_release import (
    MOST_RELEASES,
    Compared,
    ComparedRelease,
    LastDecision,
    Matrix,
    compare_releases,
    matrix_of,
    seen_columns,
)

MOST_OF_A_PAGE: Final = 500  # requirements
_SHOWN: Final = 100  # characters of a key somebody made up
_OF_CELL: Final = ("standing", "stale_since", "fresh_until", "n")


class ByReleaseQuery(QueryInput):
    """Of which system and releases, and which requirements."""

    system = serializers.CharField()
    releases = serializers.CharField(
        required=False, default="",
        help_text=f"names with commas between, {MOST_RELEASES} at most; unless stated, what is live and the newest",
    )  # fmt: skip
    baseline = serializers.CharField(required=False, default="", help_text="empty: what is approved")
    standing = serializers.ChoiceField(
        choices=STANDINGS, required=False, default="", help_text="that a requirement comes to for one of them"
    )
    layer = serializers.ChoiceField(choices=[each.value for each in Layer], required=False, default="")
    changed = serializers.ChoiceField(
        choices=["true", "false"], required=False, default="false",
        help_text="true: what comes to another thing for one release than for another",
    )  # fmt: skip
    requirement = serializers.CharField(required=False, default="", help_text="the key of one")
    limit = serializers.IntegerField(
        required=False, default=100, min_value=1, max_value=MOST_OF_A_PAGE, help_text="requirements"
    )
    after = serializers.CharField(required=False, default="", help_text="the `next` of the page before")


class LastDecisionOut(serializers.Serializer[Any]):
    """The last decision of a gate on a release; of one that is kept from you no more than that it is there."""

    gate = serializers.CharField()
    is_kept = serializers.BooleanField(help_text="from you, until you have judged answers that it counts")
    id = serializers.IntegerField(allow_null=True)
    verdict = serializers.CharField(allow_null=True)
    decided_at = serializers.DateTimeField(allow_null=True)


class ReleaseColumnOut(serializers.Serializer[Any]):
    """A release, where it is live, what gates decided on it last, and what all requirements come to."""

    release = serializers.CharField()
    environments = serializers.ListField(
        child=serializers.CharField(), help_text="where it is live; none: nowhere"
    )
    decisions = LastDecisionOut(many=True, help_text="what keeps it out first")
    is_kept = serializers.BooleanField(
        help_text="Its verdicts count what colleagues said of answers that you may still judge: judge those first."
    )
    standings = serializers.DictField(
        child=serializers.IntegerField(), allow_null=True,
        help_text="how many of all requirements come to what; null: it is kept from you",
    )  # fmt: skip


class CellOut(serializers.Serializer[Any]):
    """What a requirement comes to for a release; all null where the column is kept from you, or has no such row."""

    release = serializers.CharField()
    standing = serializers.ChoiceField(choices=STANDINGS, allow_null=True)
    stale_since = serializers.DateTimeField(
        allow_null=True, help_text="since when the evidence of a criterion is too old; null: it is not"
    )
    fresh_until = serializers.DateTimeField(allow_null=True, help_text="when it will be")
    n = serializers.IntegerField(
        allow_null=True, help_text="observations of the criterion that has the fewest"
    )


class RequirementRowOut(serializers.Serializer[Any]):
    """A requirement, and what it comes to for each release, in the order of the releases."""

    key = serializers.CharField()
    version = serializers.IntegerField()
    layer = serializers.CharField()
    risk_tier = serializers.CharField()
    n_criteria = serializers.IntegerField()
    suspect_because = serializers.ListField(
        child=serializers.CharField(), help_text="links stand as they do now, whichever release is looked at"
    )
    releases = CellOut(many=True)


class ByReleaseOut(serializers.Serializer[Any]):
    """Requirements against releases, the newest release first."""

    system = serializers.CharField()
    baseline = serializers.CharField(help_text="empty: what is approved")
    at = serializers.DateTimeField()
    releases = ReleaseColumnOut(many=True)
    n_left_out = serializers.IntegerField(help_text="releases that are live and have no column")
    n = serializers.IntegerField(help_text="requirements, whatever was asked for")
    requirements = RequirementRowOut(many=True)
    next = serializers.CharField(
        allow_null=True, help_text="`after` of the next page; null: this is the last"
    )


class RequirementsByRelease(ScopedView):
    """Say what each requirement comes to for several releases, beside one another: `coverage` says it of one."""

    scopes = {"GET": (Scope.READ, Scope.GATE)}
    queries = {"GET": ByReleaseQuery}

    @extend_schema(responses={200: ByReleaseOut, 404: Problem, 422: Problem})
    def get(self, request: Request) -> Response:
        principal, asked = principal_of(request), self.query
        system = find_system(principal, asked["system"])
        acts.check_can_read_links(principal, system)
        compared = compare_releases(principal, system, [asked["releases"]] if asked["releases"] else [])
        baseline = find_baseline(system, asked["baseline"]) if asked["baseline"] else None
        matrix = matrix_of(system, [each.release for each in compared.releases], baseline)
        seen = seen_columns(principal, compared, matrix)
        found = _find(matrix, seen, asked)
        shown = _page(matrix, found, asked["limit"])
        told = {
            "system": system.key,
            "baseline": baseline.name if baseline else "",
            "at": clock.now(),
            "releases": [
                _told_column(each, matrix, place, is_seen=place in seen)
                for place, each in enumerate(compared.releases)
            ],
            "n_left_out": compared.n_left_out,
            "n": len(matrix.rows),
            "requirements": [_told_row(matrix, compared, place, seen) for place in shown],
            "next": matrix.rows[shown[-1]].key if len(shown) < len(found) else None,
        }
        return Response(ByReleaseOut(told).data)


def _find(matrix: Matrix, seen: Collection[int], asked: dict[str, Any]) -> list[int]:
    """Return which rows are asked for, after those of the page before."""
    versions, key = None, asked["requirement"]
    if key:
        versions = {row.version_id for row in matrix.rows if row.key == key}
        if not versions:
            raise NotFound(
                worded("There is no requirement %(key)s in what is covered here.", key=repr(key[:_SHOWN]))
            )
    found = matrix.find(
        seen,
        standing=Standing(asked["standing"]) if asked["standing"] else None,
        layer=asked["layer"],
        changed=asked["changed"] == "true",
        versions=versions,
    )
    return [place for place in found if matrix.rows[place].key > asked["after"]]


def _page(matrix: Matrix, found: Sequence[int], limit: int) -> Sequence[int]:
    """Return the first rows; of a requirement that has several, all, as the next page begins after its key."""
    end = limit
    while end < len(found) and matrix.rows[found[end]].key == matrix.rows[found[end - 1]].key:
        end += 1
    return found[:end]


def _told_column(of: ComparedRelease, matrix: Matrix, place: int, *, is_seen: bool) -> dict[str, Any]:
    counted = matrix.columns[place].by_standing() if is_seen else None
    return {
        "release": of.release.name,
        "environments": of.environments,
        "decisions": [_told_decision(each) for each in of.decisions],
        "is_kept": not is_seen,
        "standings": counted and {standing.value: n for standing, n in counted.items()},
    }


def _told_decision(last: LastDecision) -> dict[str, Any]:
    decision = last.decision
    shown = dict.fromkeys(("id", "verdict", "decided_at")) if last.is_kept else {
        "id": decision.pk, "verdict": decision.verdict, "decided_at": decision.decided_at
    }  # fmt: skip
    return {"gate": decision.gate_version.artefact.key, "is_kept": last.is_kept, **shown}


def _told_row(matrix: Matrix, compared: Compared, place: int, seen: Collection[int]) -> dict[str, Any]:
    row = matrix.rows[place]
    cells = []
    for column, of in enumerate(compared.releases):
        cell = matrix.columns[column].cell(place) if column in seen else None
        cells.append({"release": of.release.name, **{name: getattr(cell, name, None) for name in _OF_CELL}})
    return {
        "key": row.key,
        "version": row.number,
        "layer": row.layer,
        "risk_tier": row.risk_tier,
        "n_criteria": row.n_criteria,
        "suspect_because": row.suspect_because,
        "releases": cells,
    }
