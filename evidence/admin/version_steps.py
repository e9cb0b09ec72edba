"""What a person may do with a version on its page: settle a proposed gate, or register what nobody registered."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Final

from django.utils.translation import gettext_lazy as _

from evidence.access import Principal
from evidence.acts import can_approve_gate, can_decline_gate, can_register_version, can_withdraw_gate
from evidence.admin.frame.steps import PageStep
from evidence.models import ArtefactVersion, GateState
from evidence.services.gates import settle_gate_proposal
from evidence.services.registry import register_version


def _may_register(principal: Principal, version: ArtefactVersion) -> bool:
    return not hasattr(version, "registration") and can_register_version(principal, version)


STEPS: Final[Mapping[str, PageStep]] = {
    GateState.APPROVED.value: PageStep(
        _("Approve"),
        can_approve_gate,
        partial(settle_gate_proposal, to_state=GateState.APPROVED),
        _("The gate decides by this version from now on."),
        leads=True,
    ),
    GateState.DECLINED.value: PageStep(
        _("Decline"),
        can_decline_gate,
        partial(settle_gate_proposal, to_state=GateState.DECLINED),
        _("The version is declined, and decides nothing."),
    ),
    GateState.WITHDRAWN.value: PageStep(
        _("Withdraw"),
        can_withdraw_gate,
        partial(settle_gate_proposal, to_state=GateState.WITHDRAWN),
        _("The version is withdrawn, and decides nothing."),
    ),
    "registered": PageStep(
        _("Register"),
        _may_register,
        register_version,
        _("You vouch for this version from now on."),
        leads=True,
    ),
}
