"""`manage.py rotate_log_key`: sign the log's checkpoints with another key from now on, on record."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from evidence.access import principal_of_command_line
from evidence.management.service_command import ServiceCommand
from evidence.services.keys.log_rotation import rotate_log_key
from evidence.services.keys.log_signer import load_log_signer, load_signers_beside


class Command(ServiceCommand):
    """Replace the log's key."""

    help = "Make another key for the log, after years or where the old one is no longer to be trusted."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--reason", required=True, help="why, kept with the event")

    def handle(self, *args: Any, **options: Any) -> None:
        """Replace it, and say what is left to do."""
        del args
        key = rotate_log_key(principal=principal_of_command_line(), reason=options["reason"])
        self.stdout.write(f"The log is signed by {key.vkey} from now on.")
        if load_signers_beside(load_log_signer()):
            self.stdout.write(
                "The old key signs beside it until you take log.ed25519.until-*.pem away: when everybody who verifies "
                "has the new trust.json (GET /api/v1/trust), or at once where it was stolen. Witnesses need the new "
                "vkey, too."
            )
        else:
            self.stdout.write(
                "The old key signs no more: give everybody who verifies the new trust.json (GET /api/v1/trust), and "
                "witnesses the new vkey, now. Start the log worker again with this TRACEBINDER_LOG_KEY."
            )
