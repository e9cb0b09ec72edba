"""What an operator fills in to issue a token. The rules: `evidence.acts`, `evidence.services.people.tokens`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from django import forms
from django.contrib.auth.models import User
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrOrPromise

from evidence import clock
from evidence.access import Principal, member_systems, visible_people
from evidence.acts import scopes_to_issue
from evidence.models import Scope, System

# What each scope lets a machine do.
MAY: Final[Mapping[str, StrOrPromise]] = {
    "ingest": _("Send traces and eval events"),
    "push_eval": _("Post eval runs"),
    "gate": _("Ask a gate"),
    "read": _("Read evidence"),
    "probe": _("Run probes"),
    "review": _("Judge answers, for its owner"),
    "binder": _("Export binders"),
    "import": _("Import requirements"),
    "erasures": _("See that and how traces were erased, and nothing of what they said"),
}
LONGEST: Final = 3650  # days; a key that outlives its machine is nobody's any more


class _Systems(forms.ModelMultipleChoiceField[System]):
    """Systems by their names, which no translator touches."""

    def label_from_instance(self, obj: System) -> str:
        return format_html('<span translate="no">{}</span>', obj.name)


class TokenForm(forms.Form):
    """Whose key, for which machine, for what, on which systems, and for how long."""

    name = forms.CharField(label=_("What it is for"))
    owner = forms.ModelChoiceField(
        User.objects.none(),
        label=_("Owner"),
        help_text=_("Who answers for it. It can do no more than the owner's roles hold when it is used."),
    )
    scopes = forms.MultipleChoiceField(
        label=_("May"),
        widget=forms.CheckboxSelectMultiple,
    )
    systems = _Systems(System.objects.none(), label=_("Systems"), widget=forms.CheckboxSelectMultiple)
    days = forms.IntegerField(label=_("Days until it expires"), min_value=1, max_value=LONGEST, initial=90)

    def __init__(self, data: Any = None, *, principal: Principal) -> None:
        super().__init__(data)
        choices: dict[str, Any] = {
            "owner": visible_people(principal).filter(is_active=True).order_by("username"),
            "systems": member_systems(principal),
        }
        for name, rows in choices.items():
            field = self.fields[name]
            if isinstance(field, forms.ModelChoiceField):
                field.queryset = rows
        scopes, mine = self.fields["scopes"], scopes_to_issue(principal)
        if isinstance(scopes, forms.MultipleChoiceField):
            scopes.choices = [(code, MAY[code]) for code in Scope.values if code in mine]

    def told(self) -> dict[str, Any]:
        """Return what the service takes."""
        given = dict(self.cleaned_data)
        given["scopes"] = [Scope(scope) for scope in given["scopes"]]
        return given | {"expires_at": clock.now() + timedelta(days=given.pop("days"))}
