"""What `bench.pages` stores and walks beside a reviewer's work: pages of every role and noun.

    python -m bench.page_walk REQUIREMENTS

As the owner of a migrated database it stores a system with so many requirements, each with a criterion that was
assessed on what is live and on five other releases, and one with a row of every noun and a person in each role.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Final

import django
from django.apps import apps

if not apps.ready:
    django.setup()

from django.conf import settings
from django.contrib.auth.models import User
from django.urls import reverse

from bench.reads import SYSTEM
from bench.requirement_acts import Bench
from bench.requirements import write_file
from bench.server import connect_as_owner
from evidence.models import Deployment, System, Trace
from evidence.roles import ROLES
from requirements.models import RequirementVersion
from requirements.selectors.by_release import MOST_RELEASES
from tests.e2e.pages import full_world, shared_out
from tests.factories import deploy, manifest, register_release

_OF_REQUIREMENTS: Final = "bench-requirements"
_OF_A_RELEASE: Final = {
    "dossier": "auditor", "own_sample": "auditor", "export_binder": "auditor", "coverage": "author",
    "impact": "author",
}  # fmt: skip


def make_live_release() -> int:
    """Register a release of the system that has the traces, put it live, and return its key."""
    release = register_release(System.objects.get(key=SYSTEM), manifest(SYSTEM))
    deploy(release)
    return int(release.pk)


def walk() -> Iterator[tuple[str, str]]:
    """Yield whom and address of each page that somebody may open, and of everybody's home."""
    people = {role: User.objects.get(username=f"{role}-credit-assistant") for role in ROLES}
    shares = shared_out(people)
    for role, page in _of_large_systems():
        shares[role].append(page)
    for role, pages in shares.items():
        username = people[role].get_username()
        yield from ((username, page) for page in dict.fromkeys([reverse("admin:index"), *pages]))


def _of_large_systems() -> Iterator[tuple[str, str]]:
    """Yield role and address of the pages of the release with many traces and of that with many requirements."""
    deployed = Deployment.objects.order_by("pk").select_related("release__system")
    releases = {
        deployment.release.system.key: deployment.release for deployment in deployed
    }  # what went live last
    for release in (releases[SYSTEM], releases[_OF_REQUIREMENTS]):
        for name, role in _OF_A_RELEASE.items():
            yield role, reverse(f"admin:{name}", args=[release.pk])
        yield "auditor", reverse("admin:chain", args=["release", release.pk])
    trace = Trace.objects.filter(release=releases[SYSTEM]).order_by("pk")[0]
    version = RequirementVersion.objects.filter(requirement__system__key=_OF_REQUIREMENTS).order_by("pk")[0]
    yield "auditor", reverse("admin:chain", args=["trace", trace.pk])
    yield "auditor", reverse("admin:chain", args=["requirement", version.pk])
    yield "author", reverse("admin:edit_draft", args=[version.requirement_id])
    by_release = f"{reverse('admin:by_release')}?system={_OF_REQUIREMENTS}"
    yield from (("author", f"{by_release}{narrowed}") for narrowed in ("", "&standing=not_met&q=answer"))


def _make(n_requirements: int) -> None:
    bench = Bench(_OF_REQUIREMENTS, SYSTEM)
    bench.load(write_file(n_requirements))
    with connect_as_owner(settings.VAR) as owner:
        bench.settle(owner)
        bench.put_beside(owner, MOST_RELEASES - 2)
        full_world()
        owner.execute("VACUUM ANALYZE")


if __name__ == "__main__":
    _make(int(sys.argv[1]))
