"""`manage.py rotate_binder_key`: sign binders with another key from now on, on record."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from evidence.access import principal_of_command_line
from evidence.management.service_command import ServiceCommand
from evidence.services.keys.rotation import rotate_binder_key


class Command(ServiceCommand):
    """Replace the binder key."""

    help = "Make another binder key, where the old one is lost or no longer to be trusted. Verifiers must be told."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--reason", required=True, help="why, kept with the event")

    def handle(self, *args: Any, **options: Any) -> None:
        """Replace it, and say what is left to do."""
        del args
        signer = rotate_binder_key(principal=principal_of_command_line(), reason=options["reason"])
        self.stdout.write(f"Binders are signed by {signer.keyid} from now on.")
        self.stdout.write(
            "Give everybody who verifies binders the new trust.json (GET /api/v1/trust), "
            "with the old signer kept in it for binders of before."
        )
