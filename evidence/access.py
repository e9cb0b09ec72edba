"""Who may see what: the one place where a query is narrowed to the systems of a person or a token."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, TypeVar

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, User
from django.db import models
from django.db.models import Q
from django.http import HttpRequest
from rest_framework.request import Request

from evidence import clock, session_marks
from evidence.actors import actor_of_component, actor_of_token, actor_of_user, find_token, find_user
from evidence.compiled_once import compiled_for
from evidence.errors import AccessDenied, NotFound
from evidence.internals import INTERNALS_APP, speaks_of_internals
from evidence.models import (
    AccessToken,
    Adjudication,
    AuditEvent,
    ClaimJudgement,
    Label,
    LabelSet,
    Membership,
    QueuedTask,
    ReleaseVerdict,
    Review,
    ReviewDraft,
    SavedFilter,
    Scope,
    StoredModel,
    System,
)
from evidence.models.base import MEMBERS, SYSTEM_IDS
from evidence.roles import roles_among, roles_of, scopes_of, token_scopes_of
from evidence.selectors.bearers import Bearer, find_bearer
from evidence.selectors.gold import (
    GOLD,
    events_hidden_from,
    gold_shown_to,
    hidden_gold,
    is_given,
    is_given_to_another,
)
from evidence.selectors.labels import label_sets_shown_to, labels_shown_to
from evidence.selectors.review_tasks import releases_to_judge_blind, waits_for
from evidence.selectors.signed_in import systems_of
from evidence.worded import joined, worded

COMMAND_LINE: Final = "command-line"  # the component that commands act as which name nobody


# What is shown to the person it is of, and to nobody else: the column that names them.
_OWN: Final[dict[type[models.Model], str]] = {ReviewDraft: "reviewer", SavedFilter: "user"}

_M = TypeVar("_M", bound=models.Model)


@dataclass(frozen=True, slots=True)
class Principal:
    """Who is asking: a person, a token that a person owns, or a part of this installation."""

    actor: str  # as audit events name them
    user: User | None  # the person, or the token's owner; None: no person stands behind it
    token: AccessToken | None
    scopes: frozenset[str]
    system_ids: frozenset[int]
    roles: frozenset[str] = frozenset()  # of a person who signed in; a token has its scopes alone
    # When the person of a session proved last who they are; None for whoever asks without one.
    proved_at: datetime | None = None
    session_key: str = ""  # of the session that they ask with; empty: without one
    rereads: bool = (
        False  # a form that they sent before is shown to them once more: no act of it is theirs now
    )

    @property
    def person(self) -> User:
        """The person who is asking, directly or through a token.

        Raises:
            AccessDenied: no person is.
        """
        if self.user is None:
            raise AccessDenied(
                worded("%(actor)s is no person: somebody must sign in for this.", actor=self.actor)
            )
        return self.user

    @property
    def machine(self) -> AccessToken:
        """The token that is asking.

        Raises:
            AccessDenied: a person is.
        """
        if self.token is None:
            raise AccessDenied(worded("This is a machine's: send a token as `Authorization: Bearer tb_…`."))
        return self.token

    @property
    def token_prefix(self) -> str:
        """What names the token that is asking; empty: a person who signed in is."""
        return self.token.prefix if self.token else ""

    def may(self, *scopes: Scope) -> bool:
        """Whether the principal holds one of these scopes."""
        return any(scope.value in self.scopes for scope in scopes)

    def require(self, *scopes: Scope) -> None:
        """Say which scope is missing.

        Raises:
            AccessDenied: the principal holds none of these scopes.
        """
        if self.may(*scopes):
            return
        named = joined((f"`{scope.value}`" for scope in scopes), worded(" or "))
        if self.token is not None and self.token.is_own:
            raise AccessDenied(
                worded(
                    "This takes the scope %(scope)s, which a token for reviews has none of beside `read` and `review`, "
                    "and those as long as you are a reviewer: sign in, or ask an operator for a role that holds it.",
                    scope=named,
                )
            )
        if self.token is not None and {scope.value for scope in scopes} & set(self.token.scopes):
            raise AccessDenied(
                worded(
                    "The token was issued with the scope %(scope)s, which the roles of its owner do not "
                    "hold now: ask an operator for a token of somebody whose roles do.",
                    scope=named,
                )
            )
        raise AccessDenied(
            worded(
                "This takes the scope %(scope)s: ask an operator for a token, or a role, that holds it.",
                scope=named,
            )
        )

    @property
    def sees_internals(self) -> bool:
        """Whether activations, features, detectors and findings may be shown: the person's own permission.

        A token shows them only if it also holds the `probe` scope.
        """
        could = self.token is None or self.may(Scope.PROBE)  # asked first: a person's permissions are a query
        return could and self.user is not None and sees_internals(self.user)

    @property
    def is_author(self) -> bool:
        """Whether they write requirements of some system."""
        return self.may(Scope.IMPORT) and bool(self.system_ids)

    @property
    def is_researcher(self) -> bool:
        """Whether they have models of some system probed."""
        return self.sees_internals and self.may(Scope.PROBE) and bool(self.system_ids)

    @property
    def is_reviewer(self) -> bool:
        """Whether a reviewer is reading, directly or through a token of theirs."""
        return self.may(Scope.REVIEW) or (
            self.token is not None and Scope.REVIEW.value in scopes_of(roles_of(self.token.owner))
        )


def sees_internals(user: AbstractBaseUser | AnonymousUser) -> bool:
    """Whether a person may see the inside of models."""
    return isinstance(user, User) and user.has_perm("interpret.view_internals")


def principal_of_user(
    user: AbstractBaseUser | AnonymousUser, *, proved_at: datetime | None = None
) -> Principal:
    """Return the principal of a signed-in person.

    Args:
        proved_at: when they proved last who they are, where a session asks.

    Raises:
        AccessDenied: nobody is signed in.
    """
    if not isinstance(user, User) or not user.pk or not user.is_active:
        raise AccessDenied(worded("Sign in, or send a token as `Authorization: Bearer tb_…`."))
    roles, systems = roles_of(user), systems_of(user)
    return Principal(actor_of_user(user), user, None, scopes_of(roles), systems, roles, proved_at)


def principal_of_session(request: HttpRequest | Request) -> Principal:
    """Return the principal of whoever signed in with the session that a request comes with.

    Raises:
        AccessDenied: nobody did.
    """
    principal = principal_of_user(request.user, proved_at=session_marks.proved_at(request.session))
    return replace(principal, session_key=request.session.session_key or "")


def principal_named(user_name: str) -> Principal:
    """Return the principal of the person that a command names: they act under their own rules.

    Raises:
        NotFound: there is no such person.
        AccessDenied: the person is not active any more.
    """
    user = User.objects.filter(username=user_name).first()
    if user is None:
        raise NotFound(worded("There is no person %(user_name)s.", user_name=repr(user_name)))
    if not user.is_active:
        raise AccessDenied(
            worded(
                "%(user_name)s is not active any more: somebody else must decide this.", user_name=user_name
            )
        )
    return principal_of_user(user)


def principal_of_token(token: AccessToken) -> Principal:
    """Return the principal of a token whose secret, expiry and revocation were checked.

    Raises:
        AccessDenied: it is not there any more.
    """
    bearer = find_bearer(token.prefix)
    if bearer is None:
        raise AccessDenied(worded("There is no token %(prefix)s any more.", prefix=token.prefix))
    return principal_of_bearer(bearer)


def principal_of_bearer(bearer: Bearer) -> Principal:
    """Return the principal of a token that was just read, and whose secret, expiry and revocation were checked.

    It can do what it was issued for, as far as its owner's roles hold that now, on the systems that it names, as far
    as its owner is a member of them now.
    """
    token = bearer.token
    scopes = token_scopes_of(roles_among(bearer.groups)) & set(token.scopes)
    return Principal(actor_of_token(token), token.owner, token, scopes, bearer.system_ids)


def principal_of_component(name: str) -> Principal:
    """Return the principal of a part of this installation: no person, no scope, no system of its own.

    `evidence.acts` says which few acts are open to one: what an installation needs before it has people.
    """
    return Principal(actor_of_component(name), None, None, frozenset(), frozenset())


def principal_of_command_line() -> Principal:
    """Return whoever may run commands on this machine, and has not said who they are."""
    return principal_of_component(COMMAND_LINE)


def is_usable(token: AccessToken) -> bool:
    """Whether a token opens anything now: not revoked, not expired, and its owner active."""
    return token.revoked_at is None and token.expires_at > clock.now() and token.owner.is_active


def principal_of_actor(actor: str) -> Principal:
    """Return the principal that an actor's name stands for now: for work that was asked for earlier.

    Raises:
        AccessDenied: the person is not active, or the token expired or was revoked, since.
    """
    token = find_token(actor)
    if token is not None and is_usable(token):
        return principal_of_token(token)
    user = find_user(actor)
    if user is not None:
        return principal_of_user(user)
    raise AccessDenied(
        worded("%(actor)s may do nothing here any more: ask for it again as somebody who may.", actor=actor)
    )


def keep_principal(request: Request, principal: Principal) -> None:
    """Have `principal_of` answer with what authentication has worked out already."""
    request._principal = principal  # type: ignore[attr-defined]  # noqa: SLF001  # our cache, on the request itself


def principal_of(request: Request) -> Principal:
    """Return the principal of an API request, computed once."""
    cached: Principal | None = getattr(request, "_principal", None)
    if cached is None:
        token = request.auth
        cached = (
            principal_of_token(token) if isinstance(token, AccessToken) else principal_of_session(request)
        )
        keep_principal(request, cached)
    return cached


def visible_to(queryset: models.QuerySet[_M], principal: Principal) -> models.QuerySet[_M]:
    """Return the rows that belong to the principal's systems, without what they may not see of those.

    That is what speaks of internals, what somebody else is still writing, what tells a reviewer which answers are gold,
    and what colleagues said of an answer that they may still judge or label, counted or word by word. To them such a
    list is empty and such a detail is not found: an answer of 403 would already tell.

    Raises:
        AccessDenied: the model belongs to no system and is not for listing.
    """
    model = queryset.model
    path = model.SYSTEM_PATH if issubclass(model, StoredModel) else None
    if path is None:
        raise AccessDenied(
            worded("%(table)s belongs to no system and cannot be listed.", table=model._meta.label)
        )
    narrowed = queryset.filter(_of_systems(path, principal.system_ids))
    if model in _OWN:
        narrowed = narrowed.filter(**{_OWN[model]: principal.user.pk if principal.user else None})
    if model is QueuedTask:
        narrowed = narrowed.filter(~is_given_to_another(principal.user, "pk"))
    if principal.is_reviewer:
        narrowed = _for_a_reviewer(narrowed, principal.person)
    internal, hidden = model._meta.app_label == INTERNALS_APP, speaks_of_internals(model)
    if not (internal or hidden) or principal.sees_internals:
        return narrowed
    return narrowed.none() if internal else narrowed.exclude(hidden)


def _for_a_reviewer(rows: models.QuerySet[_M], reviewer: User) -> models.QuerySet[_M]:
    """Leave out what would lead a reviewer, and what would tell them which answers are gold."""
    if rows.model in GOLD:
        return gold_shown_to(rows, reviewer)
    told = rows.exclude(gold) if (gold := hidden_gold(rows.model, reviewer)) else rows
    return _without_what_would_lead(told, reviewer) if _may_lead(rows.model) else told


def _may_lead(model: type[models.Model]) -> bool:
    return model in {Review, ClaimJudgement, Adjudication, Label, LabelSet} or issubclass(
        model, ReleaseVerdict
    )


def _without_what_would_lead(rows: models.QuerySet[_M], reviewer: User) -> models.QuerySet[_M]:
    """Leave out what others said of answers that a reviewer may still judge or label, and verdicts by reviews."""
    if rows.model is Review:
        return rows.exclude(~Q(reviewer=reviewer) & Q(waits_for(reviewer, task="task")))
    if rows.model is ClaimJudgement:
        return rows.exclude(~Q(review__reviewer=reviewer) & Q(waits_for(reviewer, task="review__task")))
    if rows.model is Adjudication:
        return rows.exclude(waits_for(reviewer, task="task"))
    if rows.model is Label:
        return labels_shown_to(rows, reviewer)
    if rows.model is LabelSet:
        return label_sets_shown_to(rows, reviewer)
    return rows.exclude(counts_reviews=True, release__in=compiled_for(reviewer, releases_to_judge_blind))


def known_reviews(principal: Principal) -> models.QuerySet[Review]:
    """Return the reviews of which the principal may know that they are there, and not what they say.

    Of an answer that is open to them as gold they know of none: of most that wait there is none.
    """
    rows = Review.objects.filter(task__system__in=principal.system_ids)
    return rows if principal.user is None else rows.filter(~is_given(principal.user, "task"))


def visible_events(principal: Principal) -> models.QuerySet[AuditEvent]:
    """Return the events whose entries the principal may read in the log.

    Beside those of their systems these are, for who may export binders, the events that are of no system.
    """
    mine = Q(system__in=principal.system_ids)
    if principal.may(Scope.BINDER):
        mine |= Q(system__isnull=True)
    events = AuditEvent.objects.filter(mine)
    if principal.is_reviewer:
        events = events.exclude(events_hidden_from(principal.person))
    return events if principal.sees_internals else events.exclude(speaks_of_internals(AuditEvent))


def _of_systems(path: str, system_ids: frozenset[int]) -> Q:
    """Return the condition that a path leads to one of these systems, or that a row speaks of no other.

    A token may have several systems, and a person too: each is shown with those that one may see, by a subquery,
    because a join would ask for DISTINCT over all rows. What speaks of all of its systems at once is shown to those
    who have them all.
    """
    if path == SYSTEM_IDS:
        return Q(system_ids__contained_by=sorted(system_ids)) & ~Q(system_ids=[])
    if path == "systems":
        tokens = AccessToken.systems.through.objects.filter(system__in=system_ids)
        return Q(pk__in=tokens.values("accesstoken"))
    if path.endswith(MEMBERS):
        person = path.removesuffix(MEMBERS) + "user"
        return Q(**{f"{person}__in": Membership.objects.filter(system__in=system_ids).values("user")})
    return Q(**{f"{path}__in": system_ids})


def visible_people(principal: Principal) -> models.QuerySet[User]:
    """Return the accounts that the principal may know of: their own, and those of members of their systems.

    Whoever runs commands on this machine, and names nobody, knows all: they bring people together.
    """
    if principal.actor == actor_of_component(COMMAND_LINE):
        return User.objects.all()
    colleagues = Membership.objects.filter(system__in=principal.system_ids)
    mine = Q(pk__in=colleagues.values("user"))
    return User.objects.filter(mine | Q(pk=principal.user.pk) if principal.user else mine)


def no_such_system(key: str) -> NotFound:
    """Return the one answer for a system that there is not and for one of others, so that neither tells the other."""
    return NotFound(worded("There is no system %(key)s among yours.", key=repr(key)))


def member_systems(principal: Principal) -> models.QuerySet[System]:
    """Return the systems that a principal is a member of, by key."""
    return System.objects.filter(pk__in=principal.system_ids).order_by("key")


def find_system(principal: Principal, key: str) -> System:
    """Return a system the principal may see.

    Raises:
        NotFound: there is none of that key, or the principal may not know of it.
    """
    system = System.objects.filter(key=key, pk__in=principal.system_ids).first()
    if system is None:
        raise no_such_system(key)
    return system
