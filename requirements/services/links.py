"""Links: made by authors, files and CI, cleared and withdrawn by named people. What they lead between: LINK_ENDS."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from django.db import transaction

from evidence import clock
from evidence.access import Principal
from evidence.actors import same_person
from evidence.errors import InvalidInput
from evidence.locks import Lock, hold
from evidence.models import Artefact, ArtefactKind, ArtefactVersion, System
from evidence.services import audit
from evidence.worded import SEMICOLON, Coded, joined, worded
from requirements import acts
from requirements.errors import LinkMoved, LinkNotAllowed, LinkNotSuspect, LinkWithdrawn
from requirements.models import LINK_ENDS, LinkKind, LinkOutcome, LinkReview, TraceLink
from requirements.selectors.cycles import find_cycle
from requirements.selectors.ends import End, drafted_ends
from requirements.selectors.fingerprints import counted_attributes, fingerprints_of
from requirements.selectors.links import (
    LinkStanding,
    ReviewedEnd,
    Suspicion,
    standings_of,
    versions_since,
)

Wanted = tuple[str, int, int]
"""A link to be: its kind, and the keys of the artefacts upstream and downstream."""


@dataclass(frozen=True, slots=True)
class LinksMade:
    """What was asked for, by kind and ends: the link, and whether it is new."""

    new: Mapping[Wanted, TraceLink]
    there: Mapping[Wanted, int]  # keys of those that were there before
    withdrawn: frozenset[Wanted]  # of these, that were withdrawn, and stay so

    def link(self, wanted: Wanted) -> TraceLink:
        """Return a link that was asked for."""
        return self.new[wanted] if wanted in self.new else TraceLink.objects.get(pk=self.there[wanted])


@transaction.atomic
def add_link(
    *,
    principal: Principal,
    system: System,
    kind: str,
    upstream: Artefact,
    downstream: Artefact,
    reason: str = "",
) -> TraceLink:
    """Say that something answers to something, as both ends count now; the same link again changes nothing.

    A link that was withdrawn holds again by this, which is a person's to say, as clearing it is.

    Raises:
        AccessDenied, NotFound: as `acts.check_can_link` does.
        LinkNotAllowed: no link of this kind leads between these ends, or it would close a cycle.
        SelfClearance: it was withdrawn, and whoever adds it again made what moved since it was reviewed.
    """
    acts.check_can_link(principal, system)
    check_ends(kind, upstream, downstream)
    wanted = (kind, upstream.pk, downstream.pk)
    made = make_links(principal=principal, system=system, wanted=[wanted], reason=reason)
    link = made.link(wanted)
    if wanted in made.withdrawn:
        ends = drafted_ends(system, [upstream.pk, downstream.pk])
        acts.check_can_restore_link(principal, link, _moved_since_withdrawn(link, ends))
        (review,) = _write_reviews(principal.actor, [link], ends, reason=reason)
        audit.record(verb="trace_link.restored", actor=principal.actor, obj=review, system=system)
    return link


def _moved_since_withdrawn(link: TraceLink, ends: Mapping[int, End]) -> list[ArtefactVersion]:
    """Return the versions that came since the review that the withdrawal of a link repeats."""
    last = link.reviews.select_related("upstream_version", "downstream_version").latest("pk")
    reviewed = [
        (ReviewedEnd(version.pk, version.number, "", live=False), ends[version.artefact_id])
        for version in (last.upstream_version, last.downstream_version)
    ]
    return versions_since([pair for pair in reviewed if pair[0].version_id != pair[1].version_id])


def check_ends(kind: str, upstream: Artefact, downstream: Artefact) -> None:
    """See that a kind of link leads between two things.

    Raises:
        LinkNotAllowed: it does not; says what it leads between.
    """
    allowed = LINK_ENDS[LinkKind(kind)]
    below = allowed.get(ArtefactKind(upstream.kind), frozenset())
    if upstream.pk == downstream.pk or downstream.kind not in below:
        ways = joined(
            (
                worded(
                    "%(kind)s to %(kinds)s",
                    kind=Coded(up.value),
                    kinds=joined(map(Coded, sorted(down))),
                )
                for up, down in allowed.items()
            ),
            SEMICOLON,
        )
        raise LinkNotAllowed(
            worded(
                "No link %(kind)s leads from %(from_kind)s %(upstream_key)s to %(to_kind)s "
                "%(downstream_key)s. It leads from %(ways)s.",
                kind=repr(kind),
                from_kind=Coded(upstream.kind),
                upstream_key=repr(upstream.key),
                to_kind=Coded(downstream.kind),
                downstream_key=repr(downstream.key),
                ways=ways,
            )
        )


@transaction.atomic
def make_links(
    *, principal: Principal, system: System, wanted: Collection[Wanted], reason: str = ""
) -> LinksMade:
    """Make those links that are not there, reviewed by whoever makes them as both ends count now.

    A fixed number of statements, however many there are.

    Raises:
        AccessDenied, NotFound: as `acts.check_can_link` does.
        LinkNotAllowed: some would close a cycle, which is shown.
    """
    acts.check_can_link(principal, system)
    hold(Lock.LINKS, system.pk)
    rows = TraceLink.objects.filter(system=system).values_list("kind", "upstream_id", "downstream_id", "pk")
    there = {(kind, up, down): pk for kind, up, down, pk in rows}
    withdrawn = _withdrawn(system)
    check_no_cycle(system, [*(each for each, pk in there.items() if pk not in withdrawn), *wanted])
    now = clock.now()
    new = {
        (kind, up, down): TraceLink.unsaved(
            system_id=system.pk, kind=kind, upstream_id=up, downstream_id=down, created_by=principal.actor,
            created_at=now,
        )
        for kind, up, down in wanted if (kind, up, down) not in there
    }  # fmt: skip
    if new:
        TraceLink.objects.insert_as_arrays(list(new.values()))
        ends = drafted_ends(system, _artefacts_of(new))
        reviews = _write_reviews(principal.actor, list(new.values()), ends, reason=reason)
        changes = [audit.Change(review, system, review.upstream_fingerprint) for review in reviews]
        audit.record_many(verb="trace_link.made", actor=principal.actor, changes=changes)
    return LinksMade(
        new,
        there,
        frozenset(each for each in wanted if there.get(each) in withdrawn),
    )


def check_no_cycle(system: System, links: Collection[Wanted]) -> None:
    """See that nothing derives from itself, by way of others.

    Raises:
        LinkNotAllowed: shows the cycle.
    """
    cycle = find_cycle([(up, down) for _, up, down in links])
    if cycle:
        keys = dict(Artefact.objects.filter(system=system, pk__in=cycle).values_list("pk", "key"))
        shown = tuple(keys[each] for each in cycle)
        raise LinkNotAllowed(worded("this closes a cycle: %(cycle)s", cycle=" > ".join(shown)), shown)


@transaction.atomic
def clear_link(
    *, principal: Principal, link: TraceLink, reason: str, upstream: str, downstream: str
) -> LinkReview:
    """Say that a suspect link holds at the versions that count now: who, why, which versions, what had moved.

    Sent again by the same person, it answers with their review.

    Args:
        upstream, downstream: digests of the versions that were looked at.

    Raises:
        AccessDenied, NotFound, SelfClearance: as `acts.check_can_clear_link` does.
        InvalidInput: no reason is given.
        LinkMoved: an end counts in another version than was looked at.
        LinkNotSuspect: there is nothing to clear.
        LinkWithdrawn: the link no longer counts, or an end of it is gone.
    """
    acts.check_can_clear_link(principal, link)
    if not reason.strip():
        raise InvalidInput(worded("Say why the link holds: whoever asks later has nothing else."))
    hold(Lock.LINKS, link.system_id)
    standing = _standing(link)
    _check_looked_at(standing, upstream, downstream)
    last = link.reviews.latest("pk")
    if not standing.is_suspect and same_person(last.reviewed_by, principal.actor) and last.reason == reason:
        return last
    _check_can_be_cleared(standing)
    ends = {end.artefact_id: end for end in (standing.upstream, standing.downstream)}
    acts.check_can_clear_link(principal, link, versions_since(standing.moved_ends))
    (review,) = _write_reviews(principal.actor, [link], ends, reason=reason, moved=standing.because)
    _record(review, "trace_link.cleared", principal.actor, standing.because)
    return review


def _standing(link: TraceLink) -> LinkStanding:
    found = [each for each in standings_of(link.system) if each.link_id == link.pk]
    if not found:
        raise LinkWithdrawn(worded("%(link)s was withdrawn: add it again if it holds.", link=link))
    return found[0]


def _check_looked_at(standing: LinkStanding, upstream: str, downstream: str) -> None:
    for end, digest in ((standing.upstream, upstream), (standing.downstream, downstream)):
        if end.digest != digest:
            raise LinkMoved(
                worded(
                    "%(end)s counts now, with digest %(digest)s: look at it, and clear the link with that one.",
                    end=end,
                    digest=end.digest,
                )
            )


def _check_can_be_cleared(standing: LinkStanding) -> None:
    if standing.suspicion is Suspicion.CLEAN:
        by, at = standing.stored.reviewed_by, standing.stored.reviewed_at
        raise LinkNotSuspect(
            worded(
                "%(link)s is clean: %(by)s reviewed it last, at %(at)s UTC. Nothing was stored.",
                link=standing.name,
                by=by,
                at=f"{at:%Y-%m-%d %H:%M}",
            )
        )
    if standing.suspicion is Suspicion.TRANSITIVE:
        raise LinkNotSuspect(
            worded(
                "No end of %(link)s moved: clear what is above it, %(because)s.",
                link=standing.name,
                because=", ".join(standing.because),
            )
        )
    gone = [str(end) for end in (standing.upstream, standing.downstream) if end.gone]
    if gone:
        raise LinkWithdrawn(
            worded(
                "%(gone)s: nothing is left that the link could hold for; withdraw it.", gone=", ".join(gone)
            )
        )


@transaction.atomic
def withdraw_link(*, principal: Principal, link: TraceLink, reason: str) -> LinkReview:
    """Say that a link no longer counts, and why; withdrawn again, it answers the same.

    Raises:
        AccessDenied, NotFound, SelfClearance: as `acts.check_can_withdraw_link` does.
        InvalidInput: no reason is given.
    """
    acts.check_can_withdraw_link(principal, link)
    if not reason.strip():
        raise InvalidInput(worded("Say why: a link is withdrawn with a reason."))
    hold(Lock.LINKS, link.system_id)
    last = link.reviews.latest("pk")
    if last.outcome == LinkOutcome.WITHDRAWN:
        return last
    review = LinkReview.objects.create(
        link=link, outcome=LinkOutcome.WITHDRAWN, reason=reason, reviewed_by=principal.actor, moved=[],
        upstream_version=last.upstream_version, downstream_version=last.downstream_version,
        upstream_fingerprint=last.upstream_fingerprint, downstream_fingerprint=last.downstream_fingerprint,
        upstream_live=last.upstream_live, downstream_live=last.downstream_live, counted=last.counted,
    )  # fmt: skip
    _record(review, "trace_link.withdrawn", principal.actor, ())
    return review


def _record(review: LinkReview, verb: str, actor: str, moved: Sequence[str]) -> None:
    audit.record(
        verb=verb, actor=actor, obj=review, system=review.link.system, digest=review.upstream_fingerprint,
        payload={"reason": review.reason, "moved": list(moved)},
    )  # fmt: skip


def _write_reviews(
    actor: str, links: Sequence[TraceLink], ends: Mapping[int, End], *, reason: str, moved: Sequence[str] = ()
) -> list[LinkReview]:
    """Insert that each of these links holds with its ends as they are given."""
    at = {artefact: end.version_id for artefact, end in ends.items()}
    fingerprints = fingerprints_of([version for version in at.values() if version is not None])
    counted, now = counted_attributes(), clock.now()

    def fingerprint(artefact: int) -> str:
        version = at[artefact]
        return (
            fingerprints.get(version, ends[artefact].digest) if version is not None else ends[artefact].digest
        )

    reviews = [
        LinkReview.unsaved(
            link_id=link.pk, outcome=LinkOutcome.HOLDS.value, reason=reason, reviewed_by=actor, moved=list(moved),
            counted=counted, created_at=now,
            upstream_version_id=at[link.upstream_id], downstream_version_id=at[link.downstream_id],
            upstream_fingerprint=fingerprint(link.upstream_id),
            downstream_fingerprint=fingerprint(link.downstream_id),
            upstream_live=ends[link.upstream_id].live, downstream_live=ends[link.downstream_id].live,
        )
        for link in links
    ]  # fmt: skip
    LinkReview.objects.insert_as_arrays(reviews)
    return reviews


def _artefacts_of(wanted: Collection[Wanted]) -> set[int]:
    return {artefact for _, up, down in wanted for artefact in (up, down)}


def _withdrawn(system: System) -> set[int]:
    last = LinkReview.objects.filter(link__system=system).order_by("link", "-pk").distinct("link")
    return {link for link, outcome in last.values_list("link", "outcome") if outcome == LinkOutcome.WITHDRAWN}
