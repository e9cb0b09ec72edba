"""People. An operator sees those of their systems, gives them roles, and sets nobody's password.

Nobody raises themselves. The rules: `evidence.acts`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, Final

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.models import ADDITION, CHANGE, LogEntry
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from evidence import acts
from evidence.access import Principal, member_systems, visible_people
from evidence.actors import actor_of_user
from evidence.admin.frame.base import ChainLink, ReadOnlyModelAdmin
from evidence.admin.frame.display import list_url, listed, record_url
from evidence.admin.frame.odd_names import warn_of_name
from evidence.admin.frame.shown_again import ShownAgain
from evidence.admin.frame.steps import Typed, take_or_show
from evidence.admin.frame.strict_input import StrictInput
from evidence.admin.frame.words import in_words
from evidence.admin.person_form import PersonAddForm, PersonChangeForm
from evidence.errors import EvidenceError, InvalidInput
from evidence.models import Pseudonym
from evidence.pages.frame import Page, Step
from evidence.pages.reader import principal_of
from evidence.pages.refusals import refusal_detail, text_in_language
from evidence.pages.sent_forms import check_names
from evidence.pages.told_once import lead_to_told
from evidence.roles import conflicts_of, roles_of
from evidence.selectors.people import as_shown
from evidence.selectors.standing import MOST_SESSIONS, standing_of
from evidence.services.people import memberships, person_changes
from evidence.services.people.name_erasure import erase_names
from evidence.services.people.passwords import make_password_link
from evidence.services.people.second_factors import LONGEST_REASON, reset_second_factor
from evidence.worded import worded

_ACTS: Final = frozenset({"password_link", "reset_factor"})  # what buttons beside the form send

if TYPE_CHECKING:
    _UserAdmin = UserAdmin[User]
else:
    _UserAdmin = UserAdmin

admin.site.unregister(User)
admin.site.unregister(Group)


@admin.register(User)
class PersonAdmin(StrictInput, ShownAgain, _UserAdmin):
    list_display = ["username", "first_name", "last_name", "recorded_as", "roles", "is_active", "last_login"]
    list_select_related = ["pseudonym"]
    actions = ["make_password_link", "erase_names"]
    list_filter = ["groups", "is_active"]
    show_facets = admin.ShowFacets.NEVER
    form = PersonChangeForm
    add_form = PersonAddForm
    add_form_template = "admin/change_form.html"
    change_form_template = "admin/evidence/person.html"
    filter_horizontal = ("user_permissions",)
    add_fieldsets: Any = (
        (None, {"fields": ("username", "first_name", "last_name", "email")}),
        (None, {"fields": ("groups", "systems")}),
    )
    # Without the password: it is the person's own affair, and nobody has a use for its hash.
    fieldsets: ClassVar[Any] = (
        (None, {"fields": ("username", "first_name", "last_name", "email")}),
        (None, {"fields": ("groups", "systems", "held")}),
        (None, {"fields": ("is_active", "is_staff", "is_superuser", "user_permissions")}),
        (None, {"fields": ("last_login", "date_joined")}),
    )

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """Refuse what would tell, by who is left, of systems that the asker is no member of."""
        foreign = lookup.partition("__")[0] not in {field.name for field in User._meta.fields} | {"groups"}
        return not foreign and super().lookup_allowed(lookup, value, request)

    def get_queryset(self, request: HttpRequest) -> Any:
        """Return the people of one's systems; what a page, a choice and a search offer starts from it."""
        known = visible_people(principal_of(request)).values("pk")
        return super().get_queryset(request).filter(pk__in=known).prefetch_related("groups")

    def get_urls(self) -> list[Any]:
        """Leave out Django's page on which one sets another's password."""
        return [address for address in super().get_urls() if address.name != "auth_user_password_change"]

    def get_form(
        self, request: HttpRequest, obj: User | None = None, change: bool = False, **kwargs: Any  # noqa: FBT001, FBT002  # Django's signature
    ) -> Any:  # fmt: skip
        """Offer, to whoever fills it in, their own systems."""
        form: Any = super().get_form(request, obj, change=change, **kwargs)
        return type(form.__name__, (form,), {"principal": principal_of(request)})

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> Any:
        """Leave out what the reader has no use for: rights beyond the role table, and systems that stand beside."""
        found = super().get_fieldsets(request, obj)
        if obj is None:
            return found
        hidden = set() if acts.can_make_superuser(principal_of(request)) else {"user_permissions"}
        if not self.has_change_permission(request, obj):
            hidden |= {"systems", "held"}
        return [
            (name, options | {"fields": [each for each in options["fields"] if each not in hidden]})
            for name, options in found
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> Any:
        """Keep what would raise a person above the role table out of an operator's hands, and one's own roles too."""
        closed = {*super().get_readonly_fields(request, obj), "last_login", "date_joined"}
        principal = principal_of(request)
        if not acts.can_make_superuser(principal):
            closed |= person_changes.SUPERUSER_FIELDS
        if obj is not None and not _may(request, acts.can_change_roles, obj):
            closed |= person_changes.ROLE_FIELDS
        return sorted(closed)

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:  # fmt: skip
        """Do one of what the page offers beside its form; otherwise show or save the form."""
        if object_id is None:
            # Django's form has a password, and so hides all of it from what may be kept; ours has none.
            vars(request)["sensitive_post_parameters"] = []
            return super().changeform_view(request, object_id, form_url, extra_context)
        if request.method == "POST" and "act" in request.POST:
            person = self.get_object(request, object_id)
            if person is not None and self.has_view_permission(request, person):
                return take_or_show(
                    request,
                    take=lambda: self._act(request, person),
                    show=lambda reading, typed: self._show(reading, person, typed),
                )
        warn_of_name(request, self, object_id)
        return super().changeform_view(request, object_id, form_url, extra_context)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], add: bool = False, change: bool = False,  # noqa: FBT001, FBT002  # Django's signature
        form_url: str = "", obj: User | None = None,
    ) -> Any:  # fmt: skip
        """Show what stands of the person beside the form: as it is stored, whatever a form that is refused says."""
        person = None if obj is None else self.get_object(request, str(obj.pk))
        if person is not None:
            context |= self._beside(request, person)
        return super().render_change_form(request, context, add, change, form_url, obj)

    def _beside(self, request: HttpRequest, person: User) -> dict[str, Any]:
        principal, may_change = principal_of(request), _may(request, acts.can_change_person, person)
        standing = standing_of(person, principal)
        return {
            "standing": standing,
            "systems": [] if may_change else member_systems(principal).filter(memberships__user=person),
            "most_sessions": MOST_SESSIONS,
            "longest_reason": LONGEST_REASON,
            "is_oneself": person == principal.person,
            "may_reset": may_change and acts.can_reset_factor(principal, person),
            "may_link": may_change and acts.can_make_password_link(principal, person),
        }

    def _show(self, request: HttpRequest, person: User, typed: Typed) -> HttpResponseBase:
        shown: HttpResponseBase = super().changeform_view(request, str(person.pk), "", {**typed})
        return shown

    def _act(self, request: HttpRequest, person: User) -> HttpResponseBase:
        """Do what one of the buttons beside the form says, through its service."""
        check_names(request, also=["act", "reason"])
        wanted = request.POST["act"]
        if wanted not in _ACTS:
            raise InvalidInput(worded("%(given)s is nothing that this page does.", given=repr(wanted)))
        if wanted == "password_link":
            return self._show_link(request, person)
        n_ended = reset_second_factor(
            principal=principal_of(request), person=person, reason=request.POST.get("reason", "")
        )
        told = _(
            "The second factor of %(person)s is taken away: their password alone signs them in. "
            "Sessions ended: %(n)s."
        )
        self.message_user(request, told % {"person": person, "n": n_ended}, messages.SUCCESS)
        return HttpResponseRedirect(request.path)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return super().has_add_permission(request) and acts.can_administer(principal_of(request))

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        if obj is not None and not _may(request, acts.can_change_person, obj):
            return False
        return super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """A person stays on record for what they did; make them inactive instead."""
        del request, obj
        return False

    def has_erase_names_permission(self, request: HttpRequest) -> bool:
        """Whether the person may erase names at all."""
        return acts.can_administer(principal_of(request))

    @admin.action(
        description=gettext_lazy("Erase names: what was done stays, under the pseudonym"),
        permissions=["erase_names"],
    )
    def erase_names(self, request: HttpRequest, queryset: QuerySet[User]) -> TemplateResponse | None:
        """Ask whether they are to go; once that is confirmed, erase them for each, or for none."""
        principal = principal_of(request)
        if "confirmed" not in request.POST:
            return self._confirm_erasing(request, list(queryset))
        with transaction.atomic():
            gone = [erase_names(principal=principal, person=person) for person in queryset]
        told = _("Erased the names of %(people)s.") % {"people": listed(gone)}
        self.message_user(request, told, messages.SUCCESS)
        return None

    def _confirm_erasing(self, request: HttpRequest, people: list[User]) -> TemplateResponse:
        for person in people:
            acts.check_can_erase_names(principal_of(request), person)
        context = {
            **self.admin_site.each_context(request),
            "title": _("Erase names for good?"),
            "opts": self.opts,
            "people": people,
            "checkbox": ACTION_CHECKBOX_NAME,
            "back": request.get_full_path(),
        }
        return TemplateResponse(request, "admin/evidence/erase_names.html", context)

    def has_make_password_link_permission(self, request: HttpRequest) -> bool:
        """Whether the person may make links at all."""
        return acts.can_administer(principal_of(request))

    @admin.action(
        description=gettext_lazy("Make a link by which the person chooses a password"),
        permissions=["make_password_link"],
    )
    def make_password_link(self, request: HttpRequest, queryset: QuerySet[User]) -> HttpResponseBase | None:
        """Show the link once, to be handed over. It is for one person."""
        if queryset.count() != 1:
            self.message_user(request, _("Choose one person: a link is for one."), messages.ERROR)
            return None
        try:
            return self._show_link(request, queryset.get())
        except EvidenceError as exc:
            self.message_user(request, refusal_detail(exc), messages.ERROR)
            return None

    def _show_link(self, request: HttpRequest, person: User) -> HttpResponseBase:
        link = make_password_link(principal=principal_of(request), person=person)
        told = {
            "person": link.person,
            "link": request.build_absolute_uri(link.path),
            "until": link.expires_at,
        }
        trail = [Step(_("Users"), list_url("auth.user"))]
        page = Page("admin/evidence/password_link.html", _("A link, shown once"), told, trail)
        return lead_to_told(request, page, at=record_url(person), is_alone=True)

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:  # noqa: FBT001  # Django's signature
        """Keep what the person could do before, for the record; a new person has no password yet."""
        if change:
            locked = User.objects.select_for_update().get(
                pk=obj.pk
            )  # of two who give roles at once, one waits
            form.roles_before = person_changes.roles_in_force(locked)
        else:
            obj.is_staff = True  # whoever may sign in to the admin
            obj.set_unusable_password()
        super().save_model(request, obj, form, change)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:  # noqa: FBT001  # Django's signature
        super().save_related(request, form, formsets, change)
        principal, person, fields = principal_of(request), form.instance, form.changed_data
        if change:
            person_changes.record_person_changed(
                principal=principal, person=person, fields=fields, roles_before=form.roles_before
            )
            if "systems" in form.cleaned_data:
                memberships.change_memberships(
                    principal=principal, user=person, granted=form.granted, ended=form.ended
                )
        else:
            systems = list(form.cleaned_data["systems"])
            person_changes.record_person_added(
                principal=principal, person=person, fields=fields, systems=systems
            )

    def log_addition(self, request: HttpRequest, obj: User, message: Any) -> LogEntry:
        return _log(request, obj, ADDITION, message)

    def log_change(self, request: HttpRequest, obj: User, message: Any) -> LogEntry:
        return _log(request, obj, CHANGE, message)

    @admin.display(description="Recorded as")
    def recorded_as(self, person: User) -> str:
        """Return what rows and log entries call the person; those who never acted have no such name yet."""
        pseudonym = getattr(person, "pseudonym", None)
        return str(pseudonym) if pseudonym else "–"

    @admin.display(description="Roles")
    def roles(self, person: User) -> str:
        """Return what they hold, with what of it does not go together: given before that was refused."""
        held = listed(in_words(role) for role in sorted(roles_of(person))) or "–"
        return " ".join([held, *(f"({text_in_language(said)})" for said in conflicts_of(person))])


@admin.register(Pseudonym)
class PseudonymAdmin(ReadOnlyModelAdmin):
    """The directory, for who may not see accounts: whom rows and log entries mean."""

    list_display = ["actor", "name", "is_active", "was_called", "created_at"]
    search_fields = ["=actor", "=was_called", "user__username"]
    ordering = ["-created_at", "actor"]
    fields = ["actor", "name", "is_active", "was_called", "created_at"]
    kept_columns = ["formerly"]  # by their former name nobody is found whose names were erased
    chain = [ChainLink("What they did", "evidence.auditevent", "actor__exact", "actor")]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Pseudonym]:
        return as_shown(super().get_queryset(request))

    @admin.display(description="Formerly", ordering="was_called")
    def was_called(self, pseudonym: Any) -> str:
        return str(pseudonym.was_called)

    @admin.display(description="Name", ordering="user__username")
    def name(self, pseudonym: Pseudonym) -> str:
        return pseudonym.user.get_username()

    @admin.display(description="Active", boolean=True, ordering="user__is_active")
    def is_active(self, pseudonym: Pseudonym) -> bool:
        return pseudonym.user.is_active


_Question = Callable[[Principal, User], bool]


def _may(request: HttpRequest, question: _Question, person: User) -> bool:
    """Answer a question about a person: once while a page is shown, though Django asks for each of its parts."""
    if request.method not in {"GET", "HEAD"}:
        return question(principal_of(request), person)
    answers: dict[tuple[_Question, int], bool] = vars(request).setdefault("_answers_of_people", {})
    if (question, person.pk) not in answers:
        answers[question, person.pk] = question(principal_of(request), person)
    return answers[question, person.pk]


def _log(request: HttpRequest, person: User, action: int, message: Any) -> LogEntry:
    """Write Django's own note of a change. It is no directory, so it holds the pseudonym and not the name."""
    return LogEntry.objects.create(
        user_id=principal_of(request).person.pk,
        content_type=ContentType.objects.get_for_model(person),
        object_id=str(person.pk),
        object_repr=actor_of_user(person),
        action_flag=action,
        change_message=json.dumps(message) if isinstance(message, list) else message,
    )


@admin.register(Group)
class RoleAdmin(StrictInput, GroupAdmin):
    """Roles come from the table in `evidence.roles` at every migration; here they are read."""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Group]:
        """Return roles with what their permissions' names are made of."""
        return super().get_queryset(request).prefetch_related("permissions__content_type")

    def has_add_permission(self, request: HttpRequest) -> bool:
        del request
        return False

    def has_change_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        del request, obj
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        del request, obj
        return False
