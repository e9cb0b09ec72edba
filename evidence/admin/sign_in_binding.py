"""Who signs in by the provider of single sign-on: the list, and the form by which an operator binds somebody."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.contrib.auth.models import User
from django.utils.translation import gettext_lazy

from evidence.access import Principal, visible_people
from evidence.acts import can_administer
from evidence.admin.frame.add_form import AddPage, AddsThroughService
from evidence.admin.frame.display import badge
from evidence.models import SignInBinding
from evidence.services.people.sign_in_bindings import bind_sign_in, end_sign_in_binding


class BindingForm(forms.Form):
    """Who signs in by the provider, and as whom."""

    person = forms.ModelChoiceField(User.objects.none(), label=gettext_lazy("Person"))
    subject = forms.CharField(
        label=gettext_lazy("Subject"),
        required=False,
        help_text=gettext_lazy(
            "What the provider calls sub: it is shown to whoever signs in there and is bound to nobody here. Leave it "
            "empty to have the person sign in by the provider no more."
        ),
    )

    def __init__(self, data: Any = None, *, principal: Principal) -> None:
        super().__init__(data)
        people = visible_people(principal).exclude(pk=principal.person.pk).order_by("username")
        self.fields["person"].queryset = people  # type: ignore[attr-defined]  # a ModelChoiceField


def _store(principal: Principal, *, person: User, subject: str) -> SignInBinding:
    if not subject:
        return end_sign_in_binding(principal=principal, person=person)
    return bind_sign_in(principal=principal, person=person, issuer=settings.OIDC_ISSUER, subject=subject)


@admin.register(SignInBinding)
class SignInBindingAdmin(AddsThroughService):
    list_display = ["user", "issuer", "is_bound", "bound_by", "created_at"]
    list_select_related = ["user"]
    search_fields = ["user__username"]
    ordering = ["-id"]
    fields = ["user", "issuer", "is_bound", "bound_by", "created_at"]
    kept_columns = ["subject_digest"]

    adds = AddPage(
        form=BindingForm,
        store=_store,
        said=gettext_lazy("Stored: it holds from the next sign-in."),
        title=gettext_lazy("Bind a sign-in"),
        lead=gettext_lazy(
            "Whoever is bound signs in as the person, with all that the person may do. See over another "
            "channel that the subject is theirs; a name or an e-mail address does not tell."
        ),
        button=gettext_lazy("Store it"),
        listed=gettext_lazy("Sign-in bindings"),
    )

    def may_add(self, principal: Principal) -> bool:
        """Operators bind; the form calls the service, which asks again for the person."""
        return can_administer(principal)

    @admin.display(description="State")
    def is_bound(self, binding: SignInBinding) -> str:
        return badge("bound" if binding.subject_digest else "ended")
