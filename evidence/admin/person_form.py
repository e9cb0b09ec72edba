"""What an operator fills in about a person: name, roles, and the systems they see. No password.

The rules: `evidence.acts`. A form asks them for what it is about to send on, so that a refusal stands at its field.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.contrib.auth.forms import UserChangeForm
from django.contrib.auth.models import Group, User
from django.core.exceptions import ValidationError
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from evidence import acts
from evidence.access import Principal, member_systems
from evidence.errors import EvidenceError, NotYetSigned, ProofNeeded
from evidence.models import Membership, System
from evidence.pages.refusals import in_language, refusal_detail
from evidence.roles import conflicts_with, given_by_one_operator, roles_among, roles_of

if TYPE_CHECKING:
    _UserForm = forms.ModelForm[User]
    _UserChangeForm = UserChangeForm[User]
else:
    _UserForm, _UserChangeForm = forms.ModelForm, UserChangeForm


class _Systems(forms.ModelMultipleChoiceField[System]):
    """Systems by their names, which no translator touches."""

    def label_from_instance(self, obj: System) -> str:
        return format_html('<span translate="no">{}</span>', obj.name)


class _Roles(forms.ModelMultipleChoiceField[Group]):
    """Roles by their names, and of each whether an operator gives it alone."""

    def label_from_instance(self, obj: Group) -> str:
        alone = obj.name in given_by_one_operator()
        return format_html(
            '<span translate="no">{}</span> {}',
            obj.name,
            "" if alone else gettext("(not by one operator alone)"),
        )


_SYSTEMS_TOLD = _("What they see. Of other systems than yours nothing is said or changed here.")
_ROLES_TOLD = _(
    "An approver or an auditor is proposed by one operator and confirmed by another, under Access proposals; an "
    "operator is made on the machine."
)


class PersonAddForm(_UserForm):
    """A new person. They choose their password themselves, by a link."""

    groups = _Roles(
        Group.objects.none(),
        label=_("Roles"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_ROLES_TOLD,
    )
    systems = _Systems(
        System.objects.none(),
        label=_("Systems"),
        widget=forms.CheckboxSelectMultiple,
        help_text=_("They see these from now on. A password they choose themselves, by a link."),
    )

    principal: ClassVar[Principal]  # who fills it in, by the admin's `get_form`

    class Meta:
        model = User
        fields = ("username", "first_name", "last_name", "email", "groups")

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        alone = Group.objects.filter(name__in=given_by_one_operator()).order_by("name")
        _offer(self, groups=alone, systems=member_systems(self.principal))

    def clean_groups(self) -> Any:
        """See that the roles go together."""
        chosen = self.cleaned_data["groups"]
        _check_together(self.instance, _names_of(chosen))
        return chosen

    def clean(self) -> Any:
        """See that whoever fills it in may add the person."""
        told = super().clean()
        if not self.errors:
            _ask(acts.check_can_add_person, self.principal, list(self.cleaned_data["systems"]))
        return told


class PersonChangeForm(_UserChangeForm):
    """What is on record of a person, with the systems that they see."""

    groups = _Roles(
        Group.objects.order_by("name"),
        label=_("Roles"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_ROLES_TOLD,
    )
    systems = _Systems(
        System.objects.none(),
        label=_("Systems"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_SYSTEMS_TOLD,
    )
    # The systems that were ticked when the page was shown: what a colleague gave since is not taken back.
    held = forms.CharField(label="", required=False, widget=forms.HiddenInput)

    principal: ClassVar[Principal]  # likewise

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        mine = member_systems(self.principal)
        held = Membership.objects.filter(user=self.instance, system__in=mine)
        systems = list(held.values_list("system_id", flat=True))
        _offer(self, systems=mine)
        self.initial["systems"], self.initial["held"] = systems, ",".join(map(str, sorted(systems)))

    def clean_groups(self) -> Any:
        """See that whoever fills it in may give the roles that come, and that they go with the others."""
        chosen = self.cleaned_data["groups"]
        gained = _names_of(chosen) - roles_of(self.instance)
        if gained:
            _ask(acts.check_can_give_roles, self.principal, self.instance, gained)
            _check_together(self.instance, _names_of(chosen))
        return chosen

    def clean(self) -> Any:
        """See that whoever fills it in may give what comes back with an account that is made active again."""
        told = super().clean()
        _ask(acts.check_can_change_person, self.principal, self.instance)
        comes_back = self.cleaned_data.get("is_active") and not self.instance.is_active
        if comes_back and "groups" not in self.errors:
            chosen = self.cleaned_data.get("groups")
            held = roles_of(self.instance) if chosen is None else _names_of(chosen)
            try:
                if held:
                    _ask(acts.check_can_give_roles, self.principal, self.instance, held)
                    _check_together(self.instance, held)
            except ValidationError as exc:
                self.add_error("is_active", exc)
        return told

    def clean_systems(self) -> Any:
        """See that whoever fills it in may give the systems that come."""
        chosen = self.cleaned_data["systems"]
        for system in chosen:
            if system.pk not in self._held():
                _ask(acts.check_can_grant_membership, self.principal, system, self.instance)
        return chosen

    @cached_property
    def changed_data(self) -> list[str]:
        """Return what whoever fills it in changed: systems where some are given or ended, and never what was ticked."""
        kept = set(self.fields) - {"held"}
        if not ("systems" in self.cleaned_data and (self.granted or self.ended)):
            kept.discard("systems")
        return [name for name in super().changed_data if name in kept]

    @property
    def granted(self) -> list[System]:
        """Return the systems that were ticked."""
        return [system for system in self.cleaned_data["systems"] if system.pk not in self._held()]

    @property
    def ended(self) -> list[System]:
        """Return the systems whose ticks were taken away."""
        chosen = {system.pk for system in self.cleaned_data["systems"]}
        return list(member_systems(self.principal).filter(pk__in=self._held() - chosen))

    def _held(self) -> set[int]:
        shown = str(self.data.get(self.add_prefix("held"), ""))
        return {int(key) for key in shown.split(",") if key.isascii() and key.isdigit()}


def _offer(form: forms.BaseForm, **choices: Any) -> None:
    for name, rows in choices.items():
        field = form.fields.get(name)
        if isinstance(field, forms.ModelMultipleChoiceField):
            field.queryset = rows


def _names_of(groups: Iterable[Group]) -> frozenset[str]:
    return roles_among(group.name for group in groups)


def _check_together(person: User, roles: frozenset[str]) -> None:
    """Have each two roles that do not go together said at the field."""
    if conflicts := conflicts_with(person, roles):
        raise ValidationError([in_language(each) for each in conflicts])


def _ask(check: Callable[..., None], *about: Any) -> None:
    """Ask a rule, and have what it refuses said at the field. That a proof is needed, or was given, is no refusal."""
    try:
        check(*about)
    except (ProofNeeded, NotYetSigned):
        raise
    except EvidenceError as exc:
        raise ValidationError(refusal_detail(exc)) from exc
