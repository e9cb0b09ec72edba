"""What tests start from: made by the services, so that no row exists that the product could not have made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import Group, User
from django.test import override_settings
from django.utils import timezone

from evidence.access import Principal, principal_of_command_line, principal_of_user
from evidence.actors import actor_of_user
from evidence.digests import sha256_hex
from evidence.models import (
    ArtefactVersion,
    Deployment,
    EvalRun,
    GateDecision,
    Release,
    Retraction,
    Scope,
    System,
    Waiver,
    WaiverRequest,
)
from evidence.roles import ROLES, token_scopes_of
from evidence.services import deployments, evals, gates, registry
from evidence.services.gates import CriterionReference
from evidence.services.people import memberships, tokens
from tests import kept_worlds

ACTOR = "user:olga"
GATE_APPROVER = "user:gina"
# Who owns tokens: the first of these whose role holds the scopes.
ANSWERING = ["operator", "author", "auditor", "researcher", "reviewer", "approver"]
DOCUMENT_TEXT = (
    "Personal loans. The annual percentage rate is 7.9% for amounts between 5,000 and 15,000. "
    "Applicants must be at least 18 years old and resident for three years."
)


@dataclass(frozen=True)
class World:
    """A system, its release, and its people by role."""

    system: System
    release: Release
    people: dict[str, User] = field(default_factory=dict)

    def principal(self, role: str) -> Principal:
        """Return the principal of the person in this role, as they are now."""
        return principal_of_user(self.people[role])

    def owner(self, *scopes: Scope) -> User:
        """Return somebody of the system whose roles hold these scopes: of one role where one does, else of several."""
        for role in sorted(self.people, key=ANSWERING.index):
            if {scope.value for scope in scopes} <= token_scopes_of([role]):
                return self.people[role]
        name = f"of-every-role-{self.system.key}"
        return User.objects.filter(username=name).first() or self.join(name, *ROLES)

    def join(self, name: str, *roles: str) -> User:
        """Create a person with these roles, who is a member of the system."""
        person = make_person(name, *roles)
        memberships.grant_membership(principal=principal_of_command_line(), system=self.system, user=person)
        return person

    def token(self, *scopes: Scope) -> str:
        """Issue a token with these scopes, of somebody who may have them, and return its text."""
        return tokens.issue_token(
            principal=principal_of_command_line(),
            name="test",
            owner=self.owner(*scopes),
            scopes=list(scopes),
            systems=[self.system],
            expires_at=timezone.now() + timedelta(days=1),
        ).text

    def headers(self, *scopes: Scope) -> dict[str, Any]:
        """Return the Authorization header of a fresh token, as `APIClient` takes it."""
        return {"HTTP_AUTHORIZATION": f"Bearer {self.token(*scopes)}"}


def acting(actor: str = ACTOR) -> Principal:
    """Return a principal of this name who may do everything everywhere: for tests that are about something else.

    Everything but judge answers: who judges them is a person on record. A name that no account has is what rows from
    before pseudonyms say.
    """
    name = actor.partition(":")[2]
    user = User.objects.filter(username=name).first() or User(username=name, is_superuser=True)
    actor = actor_of_user(user) if user.pk else actor
    systems = frozenset(System.objects.values_list("pk", flat=True))
    scopes, roles = frozenset(Scope.values) - {Scope.REVIEW.value}, frozenset(ROLES) - {"reviewer"}
    return Principal(actor, user, None, scopes, systems, roles)


def make_person(name: str, *roles: str) -> User:
    """Create a person with these roles, be it as one of before some of them were kept apart."""
    # No password: hashing one takes longer than most tests.
    user = User.objects.create_user(name, is_staff=True)
    user.groups.set(Group.objects.filter(name__in=roles))
    return user


def make_world(key: str = "credit-assistant") -> World:
    """Store a system with one release pinning model, prompt, index (one document) and policy."""
    return kept_worlds.lay_down(key) or build_world(key)


def build_world(key: str) -> World:
    """Make the world of this system through the services."""
    people = {role: make_person(f"{role}-{key}", role) for role in ROLES}
    system = registry.register_system(
        principal=principal_of_command_line(), key=key, name=key, risk_tier="high", owner=people["operator"]
    )
    for user in people.values():
        memberships.grant_membership(principal=principal_of_command_line(), system=system, user=user)
    return World(system, register_release(system, manifest(key)), people)


def second_release(world: World, name: str = "r2") -> Release:
    """Freeze a release that differs from the first in its model."""
    first_pin, *others = manifest().pins
    model = replace(first_pin, digest=sha256_hex(name.encode()), label=name)
    return register_release(world.system, replace(manifest(name=name), pins=[model, *others]))


def register_release(
    system: System, pins: registry.ReleaseManifest, principal: Principal | None = None
) -> Release:
    """Freeze a release, and vouch for each version it pins."""
    principal = principal or acting()
    release = registry.register_release(principal=principal, system=system, manifest=pins)
    for pin in release.pins.select_related("version__artefact__system"):
        registry.register_version(principal=principal, version=pin.version)
    return release


def define_gate(
    *,
    system: System,
    key: str,
    references: Sequence[CriterionReference],
    principal: Principal | None = None,
    protects: Sequence[str] = (),
) -> ArtefactVersion:
    """Have one person propose a gate and another approve it."""
    version = gates.propose_gate(
        principal=principal or acting(), system=system, key=key, references=references, protects=protects
    )
    if not version.gate_transitions.filter(to_state="approved").exists():
        with override_settings(GATE_BASELINES="tests.factories.all_frozen"):
            gates.settle_gate_proposal(principal=acting(GATE_APPROVER), version=version, to_state="approved")
    return version


def all_frozen(**_: Any) -> list[str]:
    """Say of no baseline that nobody has frozen it: for gates that ask for one which no test has a use for."""
    return []


def retract(run: EvalRun, *, reason: str = "wrong labels", asker: str = ACTOR) -> Retraction:
    """Have one person ask for a retraction and another confirm it."""
    request = evals.ask_retraction(principal=acting(asker), run=run, reason=reason)
    confirmed = evals.settle_retraction(
        principal=acting(GATE_APPROVER), request=request, to_state=evals.CONFIRMED
    )
    assert isinstance(confirmed, Retraction)
    return confirmed


def not_met(*, references: Sequence[CriterionReference], **_: Any) -> list[gates.CriterionFinding]:
    """Say of each criterion that is asked for that it is not met: an assessor, for `find_unmet`."""
    return [
        gates.CriterionFinding(
            f"{each.requirement}/{each.criterion}", f"{each.requirement} v1", "not_met", "because", "0" * 64,
            "assess/1", counts_reviews=False,
        )
        for each in references
    ]  # fmt: skip


def met(*, references: Sequence[CriterionReference], **_: Any) -> list[gates.CriterionFinding]:
    """Say of each criterion that is asked for that it is met: an assessor."""
    return [replace(finding, verdict="met") for finding in not_met(references=references)]


def deploy(release: Release, environment: str = "production", **over: Any) -> Deployment:
    """Have the gates that protect an environment let a release in, whatever is on record, and record it as live."""
    with override_settings(GATE_ASSESSOR="tests.factories.met"):
        for version in gates.find_protecting(release.system, environment):
            key = version.artefact.key
            gates.decide_gate(principal=acting(), system=release.system, gate=key, release=release)
        told = {"principal": acting(), "effective_from": timezone.now(), **over}
        return deployments.record_deployment(
            system=release.system, environment=environment, release=release, **told
        )


def find_unmet(release: Release, *criteria: str) -> GateDecision:
    """Have a gate of its own find these criteria of a release unmet, whatever is on record."""
    pairs = [each.partition("/") for each in criteria]
    references = [CriterionReference(requirement=key, criterion=criterion) for key, _, criterion in pairs]
    key = "-".join(criteria).replace("/", "-")
    define_gate(system=release.system, key=key, references=references)
    with override_settings(GATE_ASSESSOR="tests.factories.not_met"):
        return gates.decide_gate(principal=acting(), system=release.system, gate=key, release=release)


def ask_for_waiver(
    world: World,
    criterion: str,
    *,
    asker: Principal | None = None,
    release: Release | None = None,
    **over: Any,
) -> WaiverRequest:
    """Have the author ask for a waiver of a criterion that a gate found unmet."""
    release = release or world.release
    find_unmet(release, criterion)
    asked = {"reason": "accepted until r2", "expires_at": timezone.now() + timedelta(days=7), **over}
    return gates.ask_waiver(
        principal=asker or world.principal("author"), release=release, criterion_ref=criterion, **asked
    )


def grant_waiver(request: WaiverRequest, approver: Principal) -> Waiver:
    """Have an approver grant a waiver that was asked for."""
    granted = gates.settle_waiver(principal=approver, request=request, to_state=gates.GRANTED)
    assert isinstance(granted, Waiver)
    return granted


def waive(world: World, criterion: str, **over: Any) -> Waiver:
    """Have the author ask for a waiver, and the approver grant it."""
    return grant_waiver(ask_for_waiver(world, criterion, **over), world.principal("approver"))


def manifest(key: str = "credit-assistant", name: str = "r1") -> registry.ReleaseManifest:
    """Return the pins of a small release."""
    document = registry.DocumentSpec(document_id="DOC-1", title="Loans", language="en", text=DOCUMENT_TEXT)
    return registry.ReleaseManifest(
        name=name,
        pins=[
            registry.PinSpec(slot="model", kind="model", key="smol", label="1", digest=sha256_hex(b"model")),
            registry.PinSpec(
                slot="prompt", kind="prompt", key=f"{key}-answer", label="1", digest=sha256_hex(b"prompt")
            ),
            registry.PinSpec(slot="index", kind="index", key=f"{key}-docs", label="1", documents=[document]),
            registry.PinSpec(
                slot="policy", kind="policy", key=f"{key}-policy", label="1", digest=sha256_hex(b"policy")
            ),
        ],
    )
