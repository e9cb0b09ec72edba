"""The roles of people, as one table: what each may do by API, which nouns each sees in the admin, and who gives it.

A role is a Django group of that name. Seeing is always narrowed to the systems one is a member of.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from itertools import combinations
from typing import Final

from django.contrib.auth.models import Group, Permission, User
from django.db.models import Model

from evidence.models import Scope
from evidence.worded import Coded, Worded, worded


class Giver(Enum):
    """Who gives a role. Whoever runs commands on the machine gives any: they bring the first people."""

    OPERATOR = worded("an operator")
    TWO_OPERATORS = worded("one operator who proposes it, and another who confirms")
    COMMAND_LINE = worded("whoever runs commands on the machine")


@dataclass(frozen=True, slots=True)
class RoleRules:
    """What one role may do."""

    purpose: str
    scopes: frozenset[Scope]
    sees_apps: tuple[str, ...]  # app labels whose records the admin shows, read-only
    permissions: tuple[str, ...] = ()  # further permissions, as "app.codename"
    giver: Giver = Giver.OPERATOR
    machine_scopes: frozenset[Scope] = frozenset()  # what a token of theirs may hold beside `scopes`


_NAMED: Final = 5  # permissions in a sentence; further ones are counted
OPERATOR: Final = "operator"
_EVIDENCE = ("evidence", "requirements")
# What only machines do. Who builds a system, or runs it, answers for those.
_MACHINES: Final = frozenset({Scope.INGEST, Scope.PUSH_EVAL, Scope.GATE})

ROLES: Final[dict[str, RoleRules]] = {
    "author": RoleRules(
        "drafts and proposes requirement versions",
        frozenset({Scope.READ, Scope.IMPORT}),
        _EVIDENCE,
        machine_scopes=_MACHINES,
    ),
    "approver": RoleRules(
        "approves what another proposed; waivers with expiry",
        frozenset({Scope.READ}),
        _EVIDENCE,
        giver=Giver.TWO_OPERATORS,
    ),
    "reviewer": RoleRules("reviews traces of their systems", frozenset({Scope.READ, Scope.REVIEW}), _EVIDENCE),
    "researcher": RoleRules(
        "runs probes, sees internals, calibrates detectors",
        frozenset({Scope.READ, Scope.PROBE}),
        (*_EVIDENCE, "interpret"),
        ("interpret.view_internals",),
    ),
    "auditor": RoleRules(
        "reads all, verifies, exports binders",
        frozenset({Scope.READ, Scope.BINDER}),
        _EVIDENCE,
        giver=Giver.TWO_OPERATORS,
    ),
    OPERATOR: RoleRules(
        "users, tokens, memberships, retention, holds; no evidence content",
        frozenset({Scope.ERASURES}),
        (),
        (
            "auth.view_user", "auth.add_user", "auth.change_user", "auth.view_group",
            "evidence.view_membership", "evidence.add_membership", "evidence.delete_membership",
            "evidence.view_reviewerskill", "evidence.add_reviewerskill", "evidence.delete_reviewerskill",
            "evidence.view_queuepause", "evidence.add_queuepause", "evidence.delete_queuepause",
            "evidence.view_accesstoken", "evidence.change_accesstoken", "evidence.view_system",
            "evidence.view_servicename",
            "evidence.view_pseudonym", "evidence.view_secondfactor", "evidence.view_signinbinding",
            "evidence.view_legalhold", "evidence.view_legalholdrelease",
            "evidence.view_erasure", "evidence.view_erasurecertificate", "evidence.view_disposal",
            "evidence.view_accessproposal", "evidence.view_accessconfirmation",
        ),
        giver=Giver.COMMAND_LINE,
        machine_scopes=_MACHINES,
    ),
}  # fmt: skip

# Which two roles nobody holds both of, and why. Other pairs are kept apart by each object's four eyes.
_GIVES_ACCESS: Final = worded("who gives access neither reads evidence nor decides about it")
_AUDITS: Final = worded("an auditor looks at what others did, and does nothing else")
INCOMPATIBLE: Final[dict[frozenset[str], Worded]] = {
    **{frozenset({OPERATOR, role}): _GIVES_ACCESS for role in ROLES if role != OPERATOR},
    **{frozenset({"auditor", role}): _AUDITS for role in ("author", "approver", "reviewer", "researcher")},
    frozenset({"researcher", "approver"}): worded("who calibrates detectors does not approve them"),
    frozenset({"researcher", "reviewer"}): worded("who judges answers never sees internals"),
}

# Work rows and secrets that evidence readers have no use for.
_HIDDEN_FROM_READERS: Final = frozenset(
    {
        "accesstoken",
        "accessproposal",
        "accessconfirmation",
        "membership",
        "reviewerpause",
        "pendingtrace",
        "auditpayload",
        "secondfactor",
        "signinbinding",
        "openbinding",
    }
)


def roles_of(user: User) -> frozenset[str]:
    """Return the roles of a person: the groups that the table names."""
    return roles_among(group.name for group in user.groups.all())


def roles_among(groups: Iterable[str]) -> frozenset[str]:
    """Return those of somebody's groups that are roles."""
    return frozenset(name for name in groups if name in ROLES)


def rights_of(user: User) -> list[str]:
    """Return all that decides what a person may do, but for the systems they see: what differs when roles change."""
    beyond = [name for name in ("is_staff", "is_superuser") if getattr(user, name)]
    return sorted([*(group.name for group in user.groups.all()), *beyond])


def scopes_of(roles: Iterable[str]) -> frozenset[str]:
    """Return what roles may do by API: the union over them."""
    return frozenset(scope.value for role in roles for scope in ROLES[role].scopes)


def token_scopes_of(roles: Iterable[str]) -> frozenset[str]:
    """Return what a token of somebody in these roles may hold: what they may do, and what they answer for."""
    held = frozenset(roles)
    return scopes_of(held) | {scope.value for role in held for scope in ROLES[role].machine_scopes}


def given_by_one_operator() -> list[str]:
    """Return the roles that an operator gives alone."""
    return sorted(ROLES.keys() - {*beyond_one_operator(ROLES)})


def beyond_one_operator(roles: Iterable[str]) -> list[str]:
    """Return those of the roles that no operator gives alone."""
    return sorted(role for role in roles if ROLES[role].giver is not Giver.OPERATOR)


def conflicts_among(roles: Iterable[str]) -> list[Worded]:
    """Return a sentence for each two of these roles that nobody holds both of."""
    return [
        worded(
            "%(one)s and %(other)s do not go together: %(reason)s.",
            one=Coded(one),
            other=Coded(other),
            reason=INCOMPATIBLE[frozenset({one, other})],
        )
        for one, other in combinations(sorted(roles), 2)
        if frozenset({one, other}) in INCOMPATIBLE
    ]


def conflicts_of(person: User, *more: str) -> list[Worded]:
    """Return a sentence for each two roles of a person that do not go together.

    A superuser administers, as an operator does, and counts as one.

    Args:
        more: what they are to be, too.
    """
    return conflicts_with(person, {*roles_of(person), *more})


def conflicts_with(person: User, roles: Iterable[str]) -> list[Worded]:
    """Return the same for a person whose roles were these."""
    return conflicts_among({*roles, *([OPERATOR] if person.is_superuser else [])})


def roles_that_see(model: type[Model]) -> list[str]:
    """Return the roles whose people the admin shows rows of a model: those of their systems, read-only."""
    name, view = model._meta.model_name, f"{model._meta.app_label}.view_{model._meta.model_name}"
    return [
        role
        for role, rules in ROLES.items()
        if view in rules.permissions
        or (model._meta.app_label in rules.sees_apps and name not in _HIDDEN_FROM_READERS)
    ]


def ensure_groups() -> None:
    """Make each role's group hold exactly the permissions of the table. Safe to repeat."""
    for name, rules in ROLES.items():
        group, _ = Group.objects.get_or_create(name=name)
        group.permissions.set(_permissions_of(rules))


def find_groups_beyond_the_table() -> Iterator[str]:
    """Yield a sentence for each group that holds other permissions than its role: of a group of no role, any."""
    held = {
        group.name: set(group.permissions.all()) for group in Group.objects.prefetch_related("permissions")
    }
    for name in sorted(held.keys() | ROLES.keys()):
        wanted = set(_permissions_of(ROLES[name])) if name in ROLES else set()
        differing = sorted(permission.codename for permission in held.get(name, set()) ^ wanted)
        if differing:
            more = f" and {len(differing) - _NAMED} more" if len(differing) > _NAMED else ""
            yield f"Group {name} differs from the table of roles in {', '.join(differing[:_NAMED])}{more}."


def _permissions_of(rules: RoleRules) -> list[Permission]:
    """Return what a role's group holds.

    Raises:
        Permission.DoesNotExist: a migration still owes what one is for.
    """
    seen = (
        Permission.objects.filter(content_type__app_label__in=rules.sees_apps, codename__startswith="view_")
        .exclude(content_type__model__in=_HIDDEN_FROM_READERS)
        .exclude(codename="view_internals")
    )
    named = Permission.objects.select_related("content_type").filter(
        codename__in=[text.partition(".")[2] for text in rules.permissions]
    )
    by_name = {f"{one.content_type.app_label}.{one.codename}": one for one in named}
    if missing := sorted(set(rules.permissions) - by_name.keys()):
        raise Permission.DoesNotExist(f"There is no permission {', '.join(missing)}.")
    return [*seen, *(by_name[text] for text in rules.permissions)]
