"""`manage.py bind_sign_in`: as whom of the provider of single sign-on a person signs in, or that they do so no more."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.conf import settings

from evidence.access import principal_of_command_line
from evidence.management.service_command import ServiceCommand, find_person
from evidence.services.people.sign_in_bindings import bind_sign_in, end_sign_in_binding


class Command(ServiceCommand):
    """Bind anybody, be it an approver, an auditor or an operator, whom nobody binds by network."""

    help = "Let a person sign in as a subject of the provider in TRACEBINDER_OIDC_ISSUER, or end that."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the arguments."""
        parser.add_argument("username")
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument(
            "--subject", help="what the provider calls `sub`: never a name or an e-mail address"
        )
        what.add_argument("--end", action="store_true", help="have them sign in by the provider no more")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do so and say what holds now."""
        del args
        principal, person = principal_of_command_line(), find_person(options["username"])
        if options["end"]:
            end_sign_in_binding(principal=principal, person=person)
            self.stdout.write(f"{person} signs in by the provider no more.")
            return
        binding = bind_sign_in(
            principal=principal, person=person, issuer=settings.OIDC_ISSUER, subject=options["subject"]
        )
        self.stdout.write(f"{person} signs in by {binding.issuer}, as this subject and no other.")
