"""What people do with many requirements, timed: the part of `bench.requirements` that needs Django and its settings."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import psycopg
from django.db import connection
from django.utils import timezone
from rest_framework.test import APIClient

from bench.population import FACTS, TRACES
from bench.processes import measure_tree
from bench.requirements import PROMPTS
from evidence.access import principal_named, principal_of_command_line
from evidence.models import Release, Scope, System
from evidence.services import deployments, registry
from evidence.services.people import memberships, tokens
from requirements.services.importing import (
    SourceText,
    consequences_of,
    import_files,
    plan_import,
    told_plan,
)

# What is not timed: approvals, and an assessment of each criterion on the release that is live. One in twenty counts
# reviews.
_APPROVE: Final = """
INSERT INTO requirements_requirementtransition (version_id, to_state, by, reason, at, change, fingerprint)
SELECT v.id, 'approved', 'user:approver', '', now(), 'substantive', v.fingerprint
FROM requirements_requirementversion v JOIN requirements_requirement q ON q.id = v.requirement_id
WHERE q.system_id = %s"""
_ASSESS: Final = """
INSERT INTO requirements_assessment (criterion_id, release_id, as_of, verdict, detail, value, unit, direction, n, low,
    high, bound_confidence, observed_from, observed_to, slices, inputs, inputs_digest, code_version, created_at,
    counts_reviews)
SELECT c.id, %s, now(), CASE WHEN c.id %% 10 = 0 THEN 'not_met' ELSE 'met' END, 'bench', 0.95, c.unit, 'higher', 100,
    0.9, 1, c.bound_confidence, now(), now(), '[]', '{}', repeat('0', 64), 'bench', now(), c.id %% 20 = 0
FROM requirements_acceptancecriterion c
JOIN requirements_requirementversion v ON v.id = c.version_id JOIN requirements_requirement q ON q.id = v.requirement_id
WHERE q.system_id = %s"""


@dataclass(frozen=True, slots=True)
class Taken:
    """What an act took."""

    seconds: float  # that passed
    cpu_seconds: float  # of this process
    database_seconds: float  # CPU, of all of PostgreSQL's processes
    statements: int


class Bench:
    """A system with a release that is live, another that would be, and one file of requirements."""

    def __init__(self, key: str, owner_of: str) -> None:
        operator, owner = principal_of_command_line(), System.objects.get(key=owner_of).owner
        self._key = key
        self._system = registry.register_system(
            principal=operator, key=key, name="Benchmark", risk_tier="low", owner=owner
        )
        memberships.grant_membership(principal=operator, system=self._system, user=owner)
        self._principal = principal_named(owner.get_username())  # an author
        self.live = self._release("r1", first="a")
        self._next = self._release("r2", first="b")
        self._go_live(self.live)
        issued = tokens.issue_token(
            principal=operator, name=key, owner=owner, scopes=[Scope.READ], systems=[self._system],
            expires_at=timezone.now() + timedelta(days=1),
        )  # fmt: skip
        self._client = APIClient(HTTP_AUTHORIZATION=f"Bearer {issued.text}")

    @property
    def system_id(self) -> int:
        """The key of the system."""
        return int(self._system.pk)

    def _release(self, name: str, *, first: str) -> Release:
        """Register a release whose first prompt has a digest of its own."""
        pins = [
            registry.PinSpec(
                slot=f"prompt-{n}", kind="prompt", key=f"p{n}", label="v" + first if n == 0 else "v",
                digest=(first if n == 0 else "c") * 64,
            )
            for n in range(PROMPTS)
        ]  # fmt: skip
        manifest = registry.ReleaseManifest(name=name, pins=pins)
        return registry.register_release(principal=self._principal, system=self._system, manifest=manifest)

    def _go_live(self, release: Release) -> None:
        deployments.record_deployment(
            principal=self._principal, system=self._system, environment="production", release=release,
            effective_from=timezone.now(),
        )  # fmt: skip

    def plan(self, source: bytes) -> None:
        """Plan the file, with all that is shown of it."""
        plan = plan_import(principal=self._principal, system=self._system, sources=self._sources(source))
        told_plan(plan, consequences_of(self._principal, self._system, plan))

    def load(self, source: bytes) -> None:
        """Import the file."""
        import_files(principal=self._principal, system=self._system, sources=self._sources(source))

    def _sources(self, source: bytes) -> list[SourceText]:
        return [SourceText(f"{self._key}.yaml", source)]

    def settle(self, owner: psycopg.Connection[Any]) -> None:
        """Approve all that is drafted, and have each criterion assessed on what is live."""
        owner.execute(_APPROVE, [self.system_id])
        owner.execute(_ASSESS, [self.live.pk, self.system_id])

    def put_beside(self, owner: psycopg.Connection[Any], n: int) -> None:
        """Register so many releases more, and have each criterion assessed on all that are not live."""
        others = [self._release(f"r{number}", first="b") for number in range(3, 3 + n)]
        for release in (self._next, *others):
            owner.execute(_ASSESS, [release.pk, self.system_id])

    def put_next_live(self) -> None:
        """Have the release with another first prompt go live: one link in twenty is suspect by that."""
        self._go_live(self._next)

    def impact(self) -> None:
        """Ask what it would do if the other release went live."""
        self._get("impact", {"release": "r2"})

    def check_suspects(self) -> None:
        """Ask where all links stand, and which are suspect."""
        self._get("links/standing", {})

    def cover(self) -> None:
        """Ask for the coverage matrix of the release that was assessed."""
        self._get("coverage", {"release": "r1"})

    def _get(self, path: str, query: Mapping[str, str]) -> None:
        response = self._client.get(f"/api/v1/{path}", {"system": self._key, **query})
        if response.status_code != 200:
            raise SystemExit(f"{path} {query}: {response.status_code} {response.content[:300]!r}")


def measure(act: Callable[[], None]) -> Taken:
    """Return what an act takes."""
    server, asked = _server_pid(), 0

    def count(execute: Callable[..., Any], *told: Any) -> Any:
        nonlocal asked
        asked += 1
        return execute(*told)

    database = measure_tree(server).cpu_seconds
    began, cpu = time.perf_counter(), time.process_time()
    with connection.execute_wrapper(count):
        act()
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    database = measure_tree(server).cpu_seconds - database
    return Taken(round(seconds, 2), round(cpu, 2), round(database, 2), asked)


def _server_pid() -> int:
    """Return the id of PostgreSQL's first process, the parent of the one that serves us."""
    connection.ensure_connection()
    assert connection.connection is not None
    backend = connection.connection.info.backend_pid
    stat = Path(f"/proc/{backend}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2]
    return int(stat.split()[1])


def fill_traces(owner: psycopg.Connection[Any], benches: list[Bench], traces: int) -> float:
    """Store so many traces of what is live in these systems, evenly; return the seconds that took."""
    began = time.perf_counter()
    systems, releases = (
        f"(ARRAY{keys})[1 + n % {len(benches)}]"
        for keys in ([each.system_id for each in benches], [each.live.pk for each in benches])
    )
    owner.execute(TRACES.format(system=systems, release=releases, traces=traces).encode())
    owner.execute(FACTS.encode())
    owner.execute("VACUUM ANALYZE")
    return round(time.perf_counter() - began, 1)
