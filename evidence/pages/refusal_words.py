"""What people are told of a problem, in their language, in place of the words that an SDK gets.

None of it says what is there: an address of somebody else's system is answered as one that is none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from django.utils.translation import gettext_lazy as _
from django_stubs_ext import StrOrPromise

from evidence.worded import worded


@dataclass(frozen=True, slots=True)
class Words:
    """What a page calls a problem, and what it says where the problem says nothing of its own."""

    title: StrOrPromise
    said: StrOrPromise = ""


# What pages of ours raise where they have nothing else to say; the page says each in its reader's language.
NOT_PERMITTED: Final = worded(
    "Your roles do not include this page. Whoever runs Tracebinder for you can change your roles."
)
NOT_FOUND: Final = worded("There is nothing here, or it belongs to a system you are not a member of.")
_SIGN_IN: Final = _("Sign in, and open the page again.")
_UNREADABLE: Final = _("Something in the address or the form is not what this page takes.")
_PASSES: Final = _(
    "It should pass. Whether what you sent was carried out is not known: wait a moment and look; nothing is stored "
    "twice."
)

REFUSAL_WORDS: Final[Mapping[str, Words]] = {
    "access_denied": Words(_("Not for your role")),
    "authentication_failed": Words(_("Not signed in"), _SIGN_IN),
    "bad_request": Words(_("The request cannot be read"), _UNREADABLE),
    "body_too_large": Words(_("Too much at once")),
    "broker_away": Words(_("Part of the server cannot be reached"), _PASSES),
    "csrf_failed": Words(
        _("The form is out of date"),
        _(
            "Nothing was stored. The form was open for too long, or you signed in anew since: open the page again and "
            "send it from there. Your browser's Back button may still have what you typed."
        ),
    ),
    "database_away": Words(_("The database cannot be reached"), _PASSES),
    "database_busy": Words(_("The database was busy with another request"), _PASSES),
    "database_upgrading": Words(_("The database is being upgraded"), _PASSES),
    "host_not_allowed": Words(_("Unknown address of the server"), _UNREADABLE),
    "internal_error": Words(
        _("Something went wrong here"),
        _(
            "It is our fault, and the error is in the server's log. Whether what you sent was carried out is not "
            "known: look first, before you send it again."
        ),
    ),
    "invalid_input": Words(_("This cannot be taken as it is")),
    "method_not_allowed": Words(
        _("This page does not take that"), _("A page is opened by a link or by a form of ours.")
    ),
    "not_acceptable": Words(_("Not in the form that was asked for"), _UNREADABLE),
    "not_authenticated": Words(_("Not signed in"), _SIGN_IN),
    "not_found": Words(_("Not found"), _(NOT_FOUND)),
    "parse_error": Words(_("The request cannot be read"), _UNREADABLE),
    "permission_denied": Words(_("Not for your role"), _(NOT_PERMITTED)),
    "throttled": Words(_("Too many requests"), _("Wait a little, then try again.")),
    "unsupported_media_type": Words(_("Not in a form that is taken here"), _UNREADABLE),
    "unstorable_value": Words(
        _("A value cannot be stored"),
        _("A value is too long, too large, or holds characters that cannot be stored."),
    ),
}
