"""What a person may do with a version on its page: settle what is proposed, or register what nobody registered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrOrPromise

from evidence.access import Principal
from evidence.acts import (
    can_approve_gate,
    can_approve_reading,
    can_decline_gate,
    can_decline_reading,
    can_register_version,
    can_withdraw_gate,
    can_withdraw_reading,
)
from evidence.admin.frame.steps import PageStep
from evidence.models import ArtefactKind, ArtefactVersion
from evidence.services.gates import settle_gate_proposal
from evidence.services.readings import settle_reading_proposal
from evidence.services.registry import register_version


def _may_register(principal: Principal, version: ArtefactVersion) -> bool:
    return not hasattr(version, "registration") and can_register_version(principal, version)


def _settling(
    settle: Callable[..., Any],
    approve: Callable[[Principal, ArtefactVersion], bool],
    decline: Callable[[Principal, ArtefactVersion], bool],
    withdraw: Callable[[Principal, ArtefactVersion], bool],
    approved: StrOrPromise,
) -> dict[str, PageStep]:
    """Return the steps that end a proposal, for one kind of version."""
    declined = _("The version is declined, and decides nothing.")
    withdrawn = _("The version is withdrawn, and decides nothing.")
    return {
        "approved": PageStep(
            _("Approve"), approve, partial(settle, to_state="approved"), approved, leads=True
        ),
        "declined": PageStep(_("Decline"), decline, partial(settle, to_state="declined"), declined),
        "withdrawn": PageStep(_("Withdraw"), withdraw, partial(settle, to_state="withdrawn"), withdrawn),
    }


_STEPS: Final[Mapping[str, Mapping[str, PageStep]]] = {
    ArtefactKind.GATE: _settling(
        settle_gate_proposal,
        can_approve_gate,
        can_decline_gate,
        can_withdraw_gate,
        _("The gate decides by this version from now on."),
    ),
    ArtefactKind.READING: _settling(
        settle_reading_proposal,
        can_approve_reading,
        can_decline_reading,
        can_withdraw_reading,
        _("Traces that are sealed from now on are read by this version."),
    ),
}
_OF_OTHERS: Final[Mapping[str, PageStep]] = {
    "registered": PageStep(
        _("Register"),
        _may_register,
        register_version,
        _("You vouch for this version from now on."),
        leads=True,
    ),
}


def steps_of(version: ArtefactVersion) -> Mapping[str, PageStep]:
    """Return what may be done with versions of this kind, by the name that a button sends."""
    return _STEPS.get(version.artefact.kind, _OF_OTHERS)
