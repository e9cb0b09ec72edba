"""What may happen to one requirement, or to one link, while something else happens to it: scenes, acts, their outcome.

The acts on a requirement are drawn from the tables that the services obey: a step that is added there races too.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import combinations_with_replacement
from typing import Any, Final

from django.db import transaction

from evidence import clock
from evidence.access import principal_of_command_line
from evidence.models import AuditEvent, Release, System
from evidence.services import gates, registry
from evidence.services.gates import CriterionReference
from requirements.life import STEPS
from requirements.models import (
    Assessment,
    Baseline,
    BaselineMember,
    Change,
    LinkReview,
    RequirementState,
    RequirementVersion,
    RetirementRequest,
    SourceFileEntry,
    TraceLink,
)
from requirements.selectors.links import standings_of
from requirements.selectors.retirements import state_of as state_of_request
from requirements.services.assessment import assess_release
from requirements.services.baselines import freeze_baseline, sign_off_baseline
from requirements.services.desk import propose_draft, save_draft
from requirements.services.links import add_link, clear_link, withdraw_link
from requirements.services.requirements import import_requirements, save_requirement
from requirements.services.retirements import RETIREMENT_STEPS, ask_retirement, settle_retirement
from requirements.services.transitions import transition_requirement
from requirements.yaml_import import parse_requirement_file, read_text
from tests.factories import acting, define_gate, make_person, manifest, register_release
from tests.kept_worlds import KeptRows, added, all_rows
from tests.requirements.builders import AUTHOR, ask_to_retire, move, read, requirement_file, requirement_text
from tests.requirements.links_world import file_of, thing, tie

BOB, BEA, CAI, DAN = "user:bob", "user:bea", "user:cai", "user:dan"
KEY: Final = "r"
WORDS: Final = (  # of one requirement, each beside the first an editorial change of it
    "Each answer must do waht this criterion measures.",
    "Each answer must do what this criterion measures.",
    "Each answer must do just what this criterion measures.",
)

Ready = Callable[[], object]


@dataclass
class Scene:
    """A system of its own, with what races in it."""

    system: System
    versions: list[RequirementVersion] = field(default_factory=list)
    asked: RetirementRequest | None = None
    frozen: Baseline | None = None
    link: TraceLink | None = None
    begins: int = 0  # the last audit event before the race

    @property
    def newest(self) -> RequirementVersion:
        return self.versions[-1]

    @property
    def request(self) -> RetirementRequest:
        assert self.asked is not None
        return self.asked

    @property
    def baseline(self) -> Baseline:
        assert self.frozen is not None
        return self.frozen

    @property
    def the_link(self) -> TraceLink:
        assert self.link is not None
        return self.link


@dataclass(frozen=True)
class Racing:
    """One act. `ready` reads what stands in a scene, as whoever acts would, and returns the act on what was read."""

    name: str
    does: Callable[..., Any]  # the service
    ready: Callable[[Scene], Ready]
    starts: frozenset[RequirementState] = (
        frozenset()
    )  # of the newest version, in which it is tried; empty: in any


# Scenes


class Stage:
    """A scene that is made once, and laid down again for each race with the same keys."""

    def __init__(self, lay: Callable[[Scene], None]) -> None:
        """Make it in a transaction that is rolled back, in an empty database."""
        with transaction.atomic():
            before = all_rows()
            self._scene = Scene(
                registry.register_system(
                    principal=principal_of_command_line(), key="racing", name="Racing", risk_tier="high",
                    owner=make_person("olga", "operator"),
                )
            )  # fmt: skip
            lay(self._scene)
            self._scene.begins = AuditEvent.objects.order_by("-pk").values_list("pk", flat=True)[0]
            self._rows: KeptRows = added(before, all_rows())
            transaction.set_rollback(True)

    def set(self) -> Scene:
        """Store the scene, in an empty database."""
        self._rows.store()
        return copy.deepcopy(self._scene)


def source(words: str = WORDS[0], threshold: float = 0.7) -> bytes:
    return requirement_file(key=KEY, threshold=threshold).replace(WORDS[1].encode(), words.encode())


def text(words: str) -> bytes:
    return requirement_text(key=KEY).replace(WORDS[1], words).encode()


def write(scene: Scene, words: str) -> None:
    (draft,) = parse_requirement_file(source(words), "r.yaml").requirements
    version, _ = save_requirement(principal=acting(AUTHOR), system=scene.system, draft=draft)
    scene.versions.append(version)


def set_in(state: RequirementState) -> Callable[[Scene], None]:
    """Return how the scene is set whose newest version is in a state, after one that was approved."""

    def lay(scene: Scene) -> None:
        write(scene, WORDS[0])
        move(scene.newest, "in_review", AUTHOR)
        move(scene.newest, "approved", BOB)
        scene.frozen = freeze_baseline(
            principal=acting(AUTHOR), system=scene.system, name="frozen", versions=[scene.newest]
        )
        write(scene, WORDS[1])
        if state != RequirementState.DRAFT:
            move(scene.newest, "in_review", AUTHOR, change=Change.EDITORIAL)
        if state == RequirementState.APPROVED:
            move(scene.newest, "approved", BOB)
        scene.asked = ask_to_retire(scene.newest, DAN)
        release_of(scene)
        define_gate(system=scene.system, key="g", references=[CriterionReference(requirement=KEY)])

    return lay


def release_of(scene: Scene) -> Release:
    found = Release.objects.filter(system=scene.system).first()
    return found or register_release(scene.system, manifest(scene.system.key))


def lay_link(scene: Scene, *, moved: bool, withdrawn: bool) -> None:
    """Lay down the link U>D of two approved requirements; U's newest version waits for its approval."""
    for key in "UD":
        put(scene, key)
        approve_newest(scene, key)()
    scene.link = tie(scene.system, "U>D")
    if moved:
        put(scene, "U", 2)
        approve_newest(scene, "U")()
    if withdrawn:
        withdraw_link(principal=acting(BOB), link=scene.link, reason="not so")
    put(scene, "U", 3)
    scene.asked = ask_to_retire(newest(scene, "D"), DAN)


def put(scene: Scene, key: str, wording: int = 1) -> None:
    """Draft a wording of a requirement, and propose it."""
    (draft,) = parse_requirement_file(worded(key, wording), "r.yaml").requirements
    version, _ = save_requirement(principal=acting(AUTHOR), system=scene.system, draft=draft)
    move(version, "in_review", AUTHOR)


def worded(key: str, wording: int, links: str = "") -> bytes:
    return file_of(key, statement=f'"The answer must say {key}, wording {wording}."', links=links)


def newest(scene: Scene, key: str) -> RequirementVersion:
    return RequirementVersion.objects.filter(requirement__system=scene.system, requirement__key=key).latest(
        "number"
    )


def approve_newest(scene: Scene, key: str) -> Ready:
    version = newest(scene, key)
    return partial(move, version, "approved", BOB, read=read(version, warnings=True))


# Acts on a requirement


def steps() -> Iterator[Racing]:
    """Yield each step of the table that is taken by moving a version, by two people, as each kind of change."""
    for step in STEPS:
        if step.instead:
            continue
        drafts = step.to_state == RequirementState.DRAFT
        people = (BOB, AUTHOR) if drafts else (BOB, BEA)
        changes = [""] if drafts else [Change.SUBSTANTIVE.value, Change.EDITORIAL.value]
        for by in people:
            for change in changes:
                yield Racing(
                    f"{step.to_state.value} by {by.partition(':')[2]}{' as ' if change else ''}{change}",
                    transition_requirement,
                    partial(_ready_step, to_state=step.to_state, by=by, change=change),
                    frozenset({step.from_state}),
                )


def _ready_step(scene: Scene, *, to_state: RequirementState, by: str, change: str) -> Ready:
    version = scene.newest
    seen = read(version, warnings=to_state == RequirementState.APPROVED)
    return partial(move, version, to_state.value, by, f"by {by}", read=seen, change=change)


def settlements() -> Iterator[Racing]:
    """Yield each way in which a retirement that was asked for ends."""
    for to_state in RETIREMENT_STEPS:
        for by in (BEA, DAN):
            yield Racing(
                f"retirement {to_state} by {by.partition(':')[2]}",
                settle_retirement,
                partial(_ready_settlement, to_state=to_state, by=by),
            )


def _ready_settlement(scene: Scene, *, to_state: str, by: str) -> Ready:
    return partial(
        settle_retirement, principal=acting(by), request=scene.request, to_state=to_state, reason="so"
    )


def _ask(scene: Scene) -> Ready:
    return partial(
        ask_retirement, version=scene.newest, principal=acting(CAI), reason="over", read=read(scene.newest)
    )


def _import(scene: Scene, *, words: str) -> Ready:
    return partial(
        import_requirements,
        principal=acting(AUTHOR), system=scene.system, source=source(words), file_name="r.yaml",
    )  # fmt: skip


def _write(scene: Scene, *, words: str) -> Ready:
    (draft,) = parse_requirement_file(source(words), "r.yaml").requirements
    return partial(save_requirement, principal=acting(AUTHOR), system=scene.system, draft=draft)


def _at_desk(scene: Scene, *, service: Callable[..., Any], by: str, words: str) -> Ready:
    return partial(
        service,
        principal=acting(by),
        system=scene.system,
        reading=read_text(text(words)),
        read=read(scene.newest),
    )


def _freeze(scene: Scene) -> Ready:
    return partial(
        freeze_baseline, principal=acting(BEA), system=scene.system, name="next", versions=[scene.newest]
    )


def _sign(scene: Scene) -> Ready:
    return partial(
        sign_off_baseline, principal=acting(BEA), baseline=scene.baseline, digest=scene.baseline.digest
    )


def _assess(scene: Scene) -> Ready:
    release, principal, versions = release_of(scene), acting(BEA), [scene.newest]

    def assess() -> list[str]:
        made = assess_release(
            principal=principal, release=release, versions=versions, as_of=clock.read_moment()
        )
        return [f"{each.criterion.version}: {each.verdict}" for each in made]

    return assess


def _ask_gate(scene: Scene) -> Ready:
    release, principal = release_of(scene), acting(BEA)

    def ask() -> list[str]:
        made = gates.decide_gate(principal=principal, system=scene.system, gate="g", release=release)
        return [made.verdict, *(f"{each['requirement']}: {each['verdict']}" for each in made.reasons)]

    return ask


REQUIREMENT_ACTS: Final = (
    *steps(),
    *settlements(),
    Racing("retirement asked", ask_retirement, _ask),
    *(
        Racing(f"{name} {what}", service, partial(ready, words=words))
        for name, service, ready in (("import", import_requirements, _import), ("save", save_requirement, _write))
        for what, words in (("of what stands", WORDS[1]), ("of other words", WORDS[2]))
    ),
    *(
        Racing(
            f"{service.__name__} by {by.partition(':')[2]}", service,
            partial(_at_desk, service=service, by=by, words=words),
        )
        for service in (save_draft, propose_draft)
        for by, words in ((AUTHOR, WORDS[1]), (CAI, WORDS[2]))
    ),
    Racing("freeze", freeze_baseline, _freeze),
    Racing("sign off", sign_off_baseline, _sign),
    Racing("assess", assess_release, _assess),
    Racing("gate", gates.decide_gate, _ask_gate),
)  # fmt: skip


# Acts on a link


def _clear(scene: Scene, *, by: str) -> Ready:
    now = next((each for each in standings_of(scene.system) if each.link_id == scene.the_link.pk), None)
    return partial(
        clear_link, principal=acting(by), link=scene.the_link, reason="D holds",
        upstream=now.upstream.digest if now else "", downstream=now.downstream.digest if now else "",
    )  # fmt: skip


def _withdraw(scene: Scene, *, by: str) -> Ready:
    return partial(withdraw_link, principal=acting(by), link=scene.the_link, reason=f"{by} says so")


def _add(scene: Scene, *, by: str) -> Ready:
    return partial(
        add_link, principal=acting(by), system=scene.system, kind="derives",
        upstream=thing(scene.system, "U"), downstream=thing(scene.system, "D"), reason="D holds again",
    )  # fmt: skip


def _add_backwards(scene: Scene) -> Ready:
    return partial(
        add_link, principal=acting(CAI), system=scene.system, kind="derives",
        upstream=thing(scene.system, "D"), downstream=thing(scene.system, "U"),
    )  # fmt: skip


def _import_link(scene: Scene) -> Ready:
    named = worded("D", 1, links="    derives: [U]\n")
    return partial(
        import_requirements, principal=acting(CAI), system=scene.system, source=named, file_name="d.yaml"
    )


LINK_ACTS: Final = (
    *(
        Racing(f"{name} by {by.partition(':')[2]}", does, partial(ready, by=by))
        for name, does, ready in (
            ("clear", clear_link, _clear), ("withdraw", withdraw_link, _withdraw), ("add", add_link, _add)
        )
        for by in (BEA, CAI)
    ),
    Racing("add backwards", add_link, _add_backwards),
    Racing("import with the link", import_requirements, _import_link),
    Racing("approve upstream", transition_requirement, partial(approve_newest, key="U")),
    Racing("retire downstream", settle_retirement, partial(_ready_settlement, to_state="confirmed", by=BEA)),
)  # fmt: skip

# Services that race nowhere here, and why.
ELSEWHERE: Final = {
    "requirements.services.importing.applying.import_files": "several files; `import_requirements` is it with one",
    "requirements.services.file_links.store_links": "imports and the desk call it",
    "requirements.services.links.make_links": "many links; `add_link` and imports call it",
}


# Pairs


@dataclass(frozen=True)
class Pair:
    """Two acts that race in a scene."""

    scene: str
    first: Racing
    second: Racing

    def __str__(self) -> str:
        return f"{self.scene}: {self.first.name} | {self.second.name}"


REQUIREMENT_SCENES: Final = (RequirementState.DRAFT, RequirementState.IN_REVIEW, RequirementState.APPROVED)
SCENES: Final[Mapping[str, Callable[[Scene], None]]] = {
    **{f"a version {state.value}": set_in(state) for state in REQUIREMENT_SCENES},
    "a clean link": partial(lay_link, moved=False, withdrawn=False),
    "a suspect link": partial(lay_link, moved=True, withdrawn=False),
    "a withdrawn link": partial(lay_link, moved=True, withdrawn=True),
}


def acts_in(scene: str) -> Iterator[Racing]:
    """Yield what may happen in a scene."""
    if scene.endswith("link"):
        yield from LINK_ACTS
    for act in REQUIREMENT_ACTS:
        if scene in {f"a version {state.value}" for state in act.starts or REQUIREMENT_SCENES}:
            yield act


PAIRS: Final = tuple(
    Pair(scene, first, second)
    for scene in SCENES
    for first, second in combinations_with_replacement(acts_in(scene), 2)
)


# What came of it


def picture(scene: Scene) -> dict[str, Any]:
    """Return what stands in a scene, by what people know it by: no keys, no times."""
    versions = RequirementVersion.objects.filter(requirement__system=scene.system)
    events = AuditEvent.objects.filter(pk__gt=scene.begins, system=scene.system)
    standing_now = {each.name: each for each in standings_of(scene.system)}
    return {
        "versions": [
            (
                str(each), each.statement,
                [(step.to_state, step.by, step.reason, step.change) for step in each.transitions.order_by("pk")],
            )
            for each in versions.order_by("requirement__key", "number")
        ],
        "requests": sorted(
            (str(each.version), each.requested_by, state_of_request(each))
            for each in RetirementRequest.objects.filter(version__requirement__system=scene.system)
        ),
        "baselines": sorted(
            (each.baseline.name, str(each.version))
            for each in BaselineMember.objects.filter(baseline__system=scene.system)
        ),
        "files": sorted(
            (str(each.version), each.change)
            for each in SourceFileEntry.objects.filter(file_import__source_file__system=scene.system)
        ),
        # Of two at once the one as of earlier may come second, and then is a row of its own that says the same.
        "assessments": sorted(
            {
                (str(each.criterion), each.verdict, each.inputs_digest)
                for each in Assessment.objects.filter(release__system=scene.system)
            }
        ),
        "reviews": [
            (
                str(each.link), each.outcome, each.reviewed_by,
                each.upstream_version.number, each.downstream_version.number,
            )
            for each in LinkReview.objects.filter(link__system=scene.system).order_by("pk")
        ],
        "links": {name: each.suspicion for name, each in standing_now.items()},
        "events": sorted(events.exclude(verb="criterion.assessed").values_list("verb", flat=True)),
    }  # fmt: skip


def outcome_of(result: object, problem: BaseException | None) -> object:
    """Return what whoever acts was told: that it was done, what was judged, or why not."""
    if problem is not None:
        return type(problem).__name__
    return result if isinstance(result, list) else "done"
