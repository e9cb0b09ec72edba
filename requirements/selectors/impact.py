"""What a change would do before it is made: which links, criteria and evidence it makes suspect, what to run again.

A change is a release that would go live, other versions that it would pin, or a version of a requirement that would be
approved. Nothing is stored.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Final

from django.conf import settings

from evidence import clock
from evidence.access import Principal, visible_to
from evidence.kept_until_written import Found, KeptUntilWritten
from evidence.models import Deployment, Evidence, Release, System
from evidence.selectors.deployments import Suspects, live_at
from requirements.acts import can_read_coverage
from requirements.models import RequirementVersion
from requirements.selectors.coverage import cover, judged_on
from requirements.selectors.ends import (
    End,
    current_ends,
    ends_with_digests,
    ends_with_release,
    ends_with_version,
)
from requirements.selectors.links import (
    LINKS_FOLLOW_FROM,
    LINKS_IN_FORCE,
    LinkStanding,
    Suspicion,
    ends_of,
    judge_links,
    stored_links,
)

_INSTRUMENTS: Final = frozenset({"dataset", "evaluator", "judge"})
_kept: Final[KeptUntilWritten[tuple[LinkStanding, ...]]] = KeptUntilWritten(
    *LINKS_FOLLOW_FROM, most=20_000, in_force=LINKS_IN_FORCE
)


@dataclass(frozen=True, slots=True)
class TouchedCriterion:
    """A criterion whose assessment of what is live would say nothing of what would be."""

    name: str  # "R/c"
    check: str
    suite: str  # that it reads; empty: none
    verdict: str  # of what is live now
    then: str  # of the release that would go live, where it was assessed already; empty: it was not


@dataclass(frozen=True, slots=True)
class Impact:
    """What a change would do."""

    change: str  # in words: "release r8 in place of r7"
    moved: tuple[str, ...]  # what would count instead of what: "prompt:p: v1 -> v2"
    links: tuple[LinkStanding, ...]  # that would become suspect, as they would stand
    criteria: tuple[TouchedCriterion, ...]
    evidence: tuple[Evidence, ...]  # items measured on what would no longer count
    suites: tuple[str, ...]  # to run again, by key
    instruments: tuple[str, ...]  # other things below a link that would become suspect: "dataset:d"

    @property
    def is_empty(self) -> bool:
        """Whether nothing would have to be looked at or run again."""
        return not (self.links or self.criteria or self.evidence)

    @property
    def summary(self) -> str:
        """Return in one sentence what the change would do."""
        if self.is_empty:
            return f"{self.change}: nothing becomes suspect"
        again = f"; run again: {', '.join(self.suites)}" if self.suites else ""
        return (
            f"{self.change}: {len(self.links)} links, {len(self.criteria)} criteria and {len(self.evidence)} evidence "
            f"items become suspect{again}"
        )

    @property
    def n_direct(self) -> int:
        """Return how many links would be suspect because an end of theirs moved."""
        return sum(each.suspicion is Suspicion.DIRECT for each in self.links)


def impact_of_release(principal: Principal, candidate: Release) -> Impact:
    """Return what it would do if a release went live in place of the one that is."""
    system, live = candidate.system, live_release(candidate.system)
    before = _slots(live) if live else {}
    after = _slots(candidate)
    gone = {pk for pk, _ in before.values()} - {pk for pk, _ in after.values()}
    moved = tuple(
        f"{slot}: {before.get(slot, (0, 'nothing'))[1]} -> {after.get(slot, (0, 'nothing'))[1]}"
        for slot in sorted(before | after)
        if before.get(slot, (0, ""))[0] != after.get(slot, (0, ""))[0]
    )
    links = _newly_suspect_with(candidate)
    touched = _touched(principal, live, candidate) if live and live != candidate else ()
    said = f"release {candidate.name}" + (
        f" in place of {live.name}" if live else ", the first that goes live"
    )
    return _impact(principal, system, said, moved, links, touched, gone)


def impact_of_pins(principal: Principal, system: System, pins: Mapping[tuple[str, str], str]) -> Impact:
    """Return what it would do if these versions went live in place of those that are.

    Args:
        pins: digest by kind and key; it need not be on record.
    """
    live = live_release(system)
    pinned = list(live.pins.select_related("version__artefact")) if live else []
    known = {(pin.version.artefact.kind, pin.version.artefact.key): pin.version for pin in pinned}
    changed = {
        name: digest for name, digest in pins.items() if name not in known or known[name].digest != digest
    }
    gone = [known[name].pk for name in changed if name in known]
    moved = tuple(
        f"{kind}:{key}: {f'v{known[kind, key].number}' if (kind, key) in known else 'nothing'} -> {digest[:12]}"
        for (kind, key), digest in sorted(changed.items())
    )
    links = _newly_suspect(system, lambda ends: ends_with_digests(ends, changed))
    touched = _touched(principal, live, None) if live and changed else ()
    said = f"other versions in place of those of {live.name}" if live else "versions, of which none is live"
    return _impact(principal, system, said, moved, links, touched, gone)


def impact_of_version(principal: Principal, version: RequirementVersion) -> Impact:
    """Return what it would do if a version of a requirement were approved."""
    system, key = version.requirement.system, version.requirement.key
    links = _newly_suspect(system, lambda ends: ends_with_version(ends, version))
    live = live_release(system)
    touched = tuple(
        each
        for each in (_touched(principal, live, None) if live else ())
        if each.name.partition("/")[0] == key
    )
    new = version.criteria.values_list("parameters__suite__key", flat=True)
    moved = (f"{key}: -> v{version.number}",)
    impact = _impact(principal, system, f"{version} approved", moved, links, touched, [])
    suites = tuple(sorted({*impact.suites, *(suite for suite in new if suite)}))
    return Impact(impact.change, moved, links, touched, (), suites, impact.instruments)


def suspects_of_deployment(deployment: Deployment) -> Suspects:
    """Return what a deployment made suspect, beside what stood there, and is so with what is live now.

    What is deployed elsewhere than where it counts as live moves no link.
    """
    before = deployment.replaces
    if before is None or deployment.environment != settings.LIVE_ENVIRONMENT:
        return Suspects((), ())
    system, live = deployment.system, live_release(deployment.system)
    stored = stored_links(system)
    ends = current_ends(system, ends_of(stored))
    then = ends_with_release(system, ends, before.release)
    clean = {each.link_id for each in judge_links(stored, then) if not each.is_suspect}
    standings = judge_links(stored, ends)
    assessed = {name for name, each in judged_on(live).items() if not each.is_missing} if live else set()
    return Suspects(
        links=tuple(each.name for each in standings if each.is_suspect and each.link_id in clean),
        criteria=tuple(
            name
            for name, each in judged_on(before.release).items()
            if not each.is_missing and name not in assessed
        ),
    )


def live_release(system: System) -> Release | None:
    """Return the release that is live in production; None where none is."""
    deployment = live_at(system=system, environment=settings.LIVE_ENVIRONMENT, at=clock.now())
    return deployment.release if deployment else None


def _slots(release: Release) -> dict[str, tuple[int, str]]:
    """Return the key and the name of the version in each slot."""
    pins = release.pins.select_related("version__artefact")
    return {pin.slot: (pin.version_id, f"{pin.version.artefact.key} v{pin.version.number}") for pin in pins}


def _newly_suspect_with(candidate: Release) -> tuple[LinkStanding, ...]:
    """Return the links that a release would make suspect, as found before where no row has come since."""
    system = candidate.system

    def find() -> Found[tuple[LinkStanding, ...]]:
        links = _newly_suspect(system, lambda ends: ends_with_release(system, ends, candidate))
        return Found(links, len(links))

    return _kept.get(candidate.pk, [system.pk], find)


def _newly_suspect(
    system: System, change: Callable[[Mapping[int, End]], dict[int, End]]
) -> tuple[LinkStanding, ...]:
    """Return the links that are clean now, and would not be."""
    stored = stored_links(system)
    ends = current_ends(system, ends_of(stored))
    clean = {each.link_id for each in judge_links(stored, ends) if not each.is_suspect}
    return tuple(
        each for each in judge_links(stored, change(ends)) if each.is_suspect and each.link_id in clean
    )


def _touched(principal: Principal, live: Release, candidate: Release | None) -> tuple[TouchedCriterion, ...]:
    """Return the criteria that were assessed on what is live, with what they came to on the candidate.

    What counts reviews is left out for whom it could lead.
    """
    now, then = cover(live).judged(), cover(candidate).judged() if candidate else {}
    led = not can_read_coverage(principal, live, counts_reviews=True)
    return tuple(
        TouchedCriterion(
            name, each.check, each.suite, each.verdict, then[name].verdict if name in then else ""
        )
        for name, each in now.items()
        if not each.is_missing and not (led and each.counts_reviews)
    )


def _impact(
    principal: Principal,
    system: System,
    said: str,
    moved: tuple[str, ...],
    links: tuple[LinkStanding, ...],
    touched: tuple[TouchedCriterion, ...],
    gone: Collection[int],
) -> Impact:
    below = {(each.downstream.kind, each.downstream.key) for each in links}
    suites = {each.suite for each in touched if each.suite and not each.then}
    suites |= {key for kind, key in below if kind == "suite"}
    items = visible_to(Evidence.objects.filter(system=system, links__version__in=gone), principal)
    return Impact(
        change=said,
        moved=moved,
        links=links,
        criteria=touched,
        evidence=tuple(items.order_by("pk").distinct()) if gone else (),
        suites=tuple(sorted(suites)),
        instruments=tuple(sorted(f"{kind}:{key}" for kind, key in below if kind in _INSTRUMENTS)),
    )
