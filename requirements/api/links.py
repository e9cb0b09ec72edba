"""Links by API: add one, see where they stand, clear one, withdraw one."""

from __future__ import annotations

from typing import Any, Final

import django_filters
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from evidence.access import find_system, principal_of
from evidence.api.filtering import FilterSet
from evidence.api.inputs import Input, QueryInput
from evidence.api.reading import ScopedList
from evidence.api.scoped_view import ScopedView
from evidence.errors import NotFound
from evidence.models import Artefact, ArtefactKind, Scope, System
from evidence.nearest import hint_at, nearest_name
from evidence.problems import Problem
from requirements import acts
from requirements.models import LINK_ENDS, LinkKind, LinkReview, TraceLink
from requirements.selectors.ends import End
from requirements.selectors.links import LinkStanding, Suspicion, find_link, standings_of
from requirements.services import links

_LINKED = {kind for ends in LINK_ENDS.values() for up, down in ends.items() for kind in (up, *down)}
MOST_OF_A_PAGE: Final = 1_000  # links
END_KINDS = [(kind.value, kind.label) for kind in sorted(_LINKED)]


class EndIn(Input):
    """A thing at the end of a link."""

    kind = serializers.ChoiceField(choices=END_KINDS, required=False, default="requirement")
    key = serializers.CharField(max_length=200, help_text="of a criterion: REQUIREMENT/CRITERION")


class LinkIn(Input):
    """A link to make: upstream is what is asked, downstream what answers to it."""

    system = serializers.CharField()
    kind = serializers.ChoiceField(choices=LinkKind.choices)
    upstream = EndIn()
    downstream = EndIn()
    reason = serializers.CharField(required=False, default="", allow_blank=True)


class LinkReviewOut(serializers.ModelSerializer[LinkReview]):
    """What a named person said of a link: whether it holds, at which versions, what had moved, and why."""

    upstream_version = serializers.IntegerField(source="upstream_version.number")
    downstream_version = serializers.IntegerField(source="downstream_version.number")
    moved = serializers.ListField(child=serializers.CharField())

    class Meta:
        model = LinkReview
        fields = [
            "id", "link", "outcome", "upstream_version", "downstream_version", "upstream_fingerprint",
            "downstream_fingerprint", "counted", "moved", "reason", "reviewed_by", "created_at",
        ]  # fmt: skip


class LinkEndOut(serializers.ModelSerializer[Artefact]):
    """A thing at the end of a link."""

    class Meta:
        model = Artefact
        fields = ["kind", "key"]


class LinkOut(serializers.ModelSerializer[TraceLink]):
    """A link; where it stands, `GET /links/standing` says."""

    system = serializers.CharField(source="system.key")
    upstream = LinkEndOut()
    downstream = LinkEndOut()

    class Meta:
        model = TraceLink
        fields = ["id", "system", "kind", "upstream", "downstream", "created_by", "created_at"]


class LinkFilter(FilterSet):
    """Narrow a list of links."""

    system = django_filters.CharFilter("system__key")
    upstream = django_filters.CharFilter("upstream__key")
    downstream = django_filters.CharFilter("downstream__key")

    class Meta:
        model = TraceLink
        fields = ["kind"]


class Links(ScopedList[TraceLink]):
    """List links, newest first; add one."""

    scopes = {"GET": Scope.READ, "POST": Scope.IMPORT}
    queryset = TraceLink.objects.select_related("system", "upstream", "downstream")
    serializer_class = LinkOut
    filterset_class = LinkFilter

    @extend_schema(request=LinkIn, responses={201: LinkOut, 403: Problem, 404: Problem, 422: Problem})
    def post(self, request: Request) -> Response:
        """Say that something answers to something. The same link again answers the same."""
        data = LinkIn(data=request.data)
        data.is_valid(raise_exception=True)
        values, principal = data.validated_data, principal_of(request)
        system = find_system(principal, values["system"])
        link = links.add_link(
            principal=principal, system=system, kind=values["kind"], upstream=_find_end(system, values["upstream"]),
            downstream=_find_end(system, values["downstream"]), reason=values["reason"],
        )  # fmt: skip
        return Response(LinkOut(link).data, status=201)


def _find_end(system: System, told: dict[str, str]) -> Artefact:
    things = Artefact.objects.filter(system=system, kind=ArtefactKind(told["kind"]))
    found = things.filter(key=told["key"]).first()
    if found is None:
        hint = hint_at(nearest_name(told["key"], list(things.values_list("key", flat=True))), ends=True)
        raise NotFound(f"System {system.key!r} has no {told['kind']} {told['key']!r}; {hint}")
    return found


class EndOut(serializers.Serializer[End]):
    """An end of a link, in the version that counts now."""

    kind = serializers.CharField()
    key = serializers.CharField()
    version = serializers.IntegerField(source="number", help_text="0: not on record yet")
    digest = serializers.CharField()
    state = serializers.CharField()
    live = serializers.BooleanField()
    waiting = serializers.CharField(help_text="a newer version that does not count yet; empty: there is none")


class LinkStandingOut(serializers.Serializer[LinkStanding]):
    """A link as it stands: what was reviewed, what counts now, and what moved between."""

    id = serializers.IntegerField(source="link_id")
    name = serializers.CharField()
    kind = serializers.CharField(source="stored.kind")
    upstream = EndOut()
    downstream = EndOut()
    suspicion = serializers.ChoiceField(choices=[each.value for each in Suspicion])
    because = serializers.ListField(child=serializers.CharField())
    reviewed_at = serializers.ListField(child=serializers.CharField(), source="reviewed_at_versions")
    now = serializers.SerializerMethodField()
    reviewed_by = serializers.CharField(source="stored.reviewed_by")
    reviewed_on = serializers.DateTimeField(source="stored.reviewed_at")
    reason = serializers.CharField(source="stored.reason")

    def get_now(self, standing: LinkStanding) -> list[str]:
        """Return both ends as they count now, in words."""
        return [str(standing.upstream), str(standing.downstream)]


class LinkCountsOut(serializers.Serializer[Any]):
    """How many links stand how."""

    clean = serializers.IntegerField()
    direct = serializers.IntegerField()
    transitive = serializers.IntegerField()


class LinkStandingsOut(serializers.Serializer[Any]):
    """The links of a system: how many stand how, and those that were asked for."""

    system = serializers.CharField()
    counts = LinkCountsOut(help_text="of all links of the system, whatever was asked for")
    links = LinkStandingOut(many=True)
    next = serializers.IntegerField(
        allow_null=True, help_text="`after` of the next page; null: this is the last"
    )


class StandingQuery(QueryInput):
    """Of which system, and which links."""

    system = serializers.CharField()
    suspicion = serializers.ChoiceField(
        choices=["suspect", *(each.value for each in Suspicion), "any"], required=False, default="suspect"
    )
    limit = serializers.IntegerField(
        required=False,
        default=None,
        min_value=1,
        max_value=MOST_OF_A_PAGE,
        help_text="links; all unless stated",
    )
    after = serializers.IntegerField(
        required=False, default=0, min_value=0, max_value=2**63 - 1, help_text="the `next` of the page before"
    )


class LinkStandings(ScopedView):
    """Say where the links of a system stand now: which are suspect, by what moved, and what was reviewed."""

    scopes = {"GET": (Scope.READ, Scope.GATE)}
    queries = {"GET": StandingQuery}

    @extend_schema(responses={200: LinkStandingsOut, 404: Problem, 422: Problem})
    def get(self, request: Request) -> Response:
        principal = principal_of(request)
        system = find_system(principal, self.query["system"])
        acts.check_can_read_links(principal, system)
        standings, asked = standings_of(system), self.query["suspicion"]
        found = [
            each for each in standings
            if each.link_id > self.query["after"]
            and (asked in {"any", each.suspicion.value} or (asked == "suspect" and each.is_suspect))
        ]  # fmt: skip
        shown = found[: self.query["limit"]]
        counts = {kind.value: sum(each.suspicion is kind for each in standings) for kind in Suspicion}
        told = {
            "system": system.key, "counts": counts, "links": shown,
            "next": shown[-1].link_id if len(shown) < len(found) else None,
        }  # fmt: skip
        return Response(LinkStandingsOut(told).data)


class ClearIn(Input):
    """Why the link holds, and which versions were looked at."""

    system = serializers.CharField()
    reason = serializers.CharField()
    upstream_digest = serializers.RegexField(r"^[0-9a-f]{64}$")
    downstream_digest = serializers.RegexField(r"^[0-9a-f]{64}$")


class LinkClearance(ScopedView):
    """Clear a suspect link: a named person who did not make the change says that it holds, and why."""

    scopes = {"POST": (Scope.READ, Scope.IMPORT)}

    @extend_schema(
        request=ClearIn,
        responses={201: LinkReviewOut, 403: Problem, 404: Problem, 409: Problem, 422: Problem},
    )
    def post(self, request: Request, link_id: int) -> Response:
        data = ClearIn(data=request.data)
        data.is_valid(raise_exception=True)
        values, principal = data.validated_data, principal_of(request)
        review = links.clear_link(
            principal=principal, link=find_link(find_system(principal, values["system"]), link_id),
            reason=values["reason"], upstream=values["upstream_digest"], downstream=values["downstream_digest"],
        )  # fmt: skip
        return Response(LinkReviewOut(review).data, status=201)


class WithdrawIn(Input):
    """Why the link no longer counts."""

    system = serializers.CharField()
    reason = serializers.CharField()


class LinkWithdrawal(ScopedView):
    """Withdraw a link: an approver who did not make it says why it no longer counts."""

    scopes = {"POST": (Scope.READ, Scope.IMPORT)}

    @extend_schema(
        request=WithdrawIn, responses={201: LinkReviewOut, 403: Problem, 404: Problem, 422: Problem}
    )
    def post(self, request: Request, link_id: int) -> Response:
        data = WithdrawIn(data=request.data)
        data.is_valid(raise_exception=True)
        values, principal = data.validated_data, principal_of(request)
        review = links.withdraw_link(
            principal=principal, link=find_link(find_system(principal, values["system"]), link_id),
            reason=values["reason"],
        )  # fmt: skip
        return Response(LinkReviewOut(review).data, status=201)
