"""What a change would do, by API: asked by CI for a pull request, before anything goes live."""

from __future__ import annotations

import re
from typing import Any, Final

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from evidence.access import find_system, principal_of
from evidence.api.inputs import QueryInput
from evidence.api.scoped_view import ScopedView
from evidence.errors import InvalidInput
from evidence.limits import check_count
from evidence.models import RELEASE_KINDS, Scope
from evidence.nearest import hint_at, nearest_name
from evidence.problems import Problem
from evidence.services import registry
from evidence.worded import worded
from requirements import acts
from requirements.api.links import LinkStandingOut
from requirements.selectors.impact import (
    Impact,
    impact_of_pins,
    impact_of_release,
    impact_of_version,
)
from requirements.selectors.requirements import find_version

_PIN: Final = re.compile(r"(?P<kind>[a-z_]+):(?P<key>.+)=(?P<digest>(sha256:)?[0-9a-f]{64})")


class ImpactQuery(QueryInput):
    """Which change: a release, other pins, or a version of a requirement; exactly one of them."""

    system = serializers.CharField()
    release = serializers.CharField(required=False, default="", help_text="that would go live")
    pins = serializers.CharField(
        required=False,
        default="",
        help_text="that would go live: KIND:KEY=DIGEST, several with commas between",
    )
    requirement = serializers.CharField(
        required=False, default="", help_text="of which a version would be approved"
    )
    version = serializers.IntegerField(
        required=False, default=None, min_value=1, max_value=2**31 - 1, help_text="the newest unless stated"
    )


class TouchedCriterionOut(serializers.Serializer[Any]):
    """A criterion whose assessment of what is live would say nothing of what would be."""

    name = serializers.CharField()
    check_name = serializers.CharField(source="check")
    suite = serializers.CharField(help_text="that it reads; empty: none")
    verdict = serializers.CharField(help_text="of what is live now")
    then = serializers.CharField(help_text="of the release, where it was assessed already; empty: it was not")


class TouchedEvidenceOut(serializers.Serializer[Any]):
    """An evidence item that was measured on what would no longer count."""

    id = serializers.IntegerField()
    title = serializers.CharField()
    kind = serializers.CharField()
    layer = serializers.CharField()
    role = serializers.CharField()


class ImpactOut(serializers.Serializer[Any]):
    """What a change would do; nothing was stored."""

    system = serializers.CharField()
    change = serializers.CharField()
    summary = serializers.CharField()
    moved = serializers.ListField(child=serializers.CharField())
    n_links = serializers.IntegerField()
    n_direct = serializers.IntegerField()
    n_criteria = serializers.IntegerField()
    n_evidence = serializers.IntegerField()
    links = LinkStandingOut(many=True)
    criteria = TouchedCriterionOut(many=True)
    evidence = TouchedEvidenceOut(many=True)
    suites = serializers.ListField(child=serializers.CharField())
    instruments = serializers.ListField(child=serializers.CharField())


class ImpactView(ScopedView):
    """Say what becomes suspect, and what has to be run again, if a change is made; nothing is stored."""

    scopes = {"GET": (Scope.READ, Scope.GATE)}
    queries = {"GET": ImpactQuery}

    @extend_schema(responses={200: ImpactOut, 404: Problem, 422: Problem})
    def get(self, request: Request) -> Response:
        asked, principal = self.query, principal_of(request)
        system = find_system(principal, asked["system"])
        acts.check_can_read_links(principal, system)
        named = [name for name in ("release", "pins", "requirement") if asked[name]]
        if len(named) != 1:
            raise InvalidInput("Name one change: `release`, `pins`, or `requirement` with `version`.")
        if asked["release"]:
            impact = impact_of_release(principal, registry.find_release(system, asked["release"]))
        elif asked["pins"]:
            impact = impact_of_pins(principal, system, read_pins(asked["pins"]))
        else:
            version = find_version(system, asked["requirement"], asked["version"])
            impact = impact_of_version(principal, version)
        return Response(ImpactOut(as_told(system.key, impact)).data)


def read_pins(text: str) -> dict[tuple[str, str], str]:
    """Return the digests of pins by kind and key.

    Raises:
        InvalidInput: one is not written KIND:KEY=DIGEST, or its kind is not one that a release pins.
    """
    pins = {}
    told = text.split(",")
    check_count(len(told), "MAX_PINS", worded("The pins"))
    for one in told:
        found = _PIN.fullmatch(one.strip())
        if found is None:
            raise InvalidInput(
                f"{one.strip()!r} is no pin: write KIND:KEY=DIGEST, with a SHA-256 in hexadecimal."
            )
        kinds = sorted(kind.value for kind in RELEASE_KINDS)
        if found["kind"] not in kinds:
            hint = hint_at(nearest_name(found["kind"], kinds), ends=True)
            raise InvalidInput(f"No release pins a {found['kind']!r}; {hint}")
        pins[found["kind"], found["key"]] = found["digest"].removeprefix("sha256:")
    return pins


def as_told(system: str, impact: Impact) -> dict[str, Any]:
    """Return what a change would do as `ImpactOut` writes it; every number is the length of a list."""
    counts = {
        "n_links": len(impact.links),
        "n_criteria": len(impact.criteria),
        "n_evidence": len(impact.evidence),
    }
    return {
        "system": system,
        **counts,
        **{
            name: getattr(impact, name)
            for name in (
                "change",
                "summary",
                "moved",
                "n_direct",
                "links",
                "criteria",
                "evidence",
                "suites",
                "instruments",
            )
        },
    }
