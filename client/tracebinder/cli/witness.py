"""`tracebinder witness --name NAME --key FILE --state FILE --log VKEY`: cosign a log's checkpoints, as its witness.

Run it on a machine that is not the log's, by other people. It answers the C2SP tlog-witness call `add-checkpoint`, and
cosigns a checkpoint only where the log has grown from the one before. On its first start it makes its key and its
state; from then on both must be there. It prints its verifier key: give that to whoever verifies, by another way than a
binder.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Final

from tracebinder.cli.command import Commands, add_to
from tracebinder.cli.listening import add_listening_options, serve_until_stopped
from tracebinder.errors import TracebinderError
from tracebinder.verify.errors import VerifyError
from tracebinder.verify.note import ED25519, NoteKey, parse_vkey
from tracebinder.witness import Witness, WitnessState, load_key, serve

COULD_NOT_RUN: Final = 3


def add_command(commands: Commands) -> None:
    """Add the subcommand and its options."""
    parser = add_to(
        commands,
        "witness",
        purpose="cosign a log's checkpoints",
        description=__doc__,
        run=run,
        error_code=COULD_NOT_RUN,
    )
    parser.add_argument("--name", required=True, help="of this witness, as a URL without its scheme")
    parser.add_argument(
        "--key", type=Path, required=True, help="file of its private key; made on the first start"
    )
    parser.add_argument("--state", type=Path, required=True, help="file of what it has cosigned; likewise")
    parser.add_argument(
        "--log", action="append", required=True, metavar="VKEY", help="of a log; may be repeated"
    )
    add_listening_options(parser, port=8090)


def run(arguments: argparse.Namespace) -> int:
    """Serve until Ctrl-C."""
    witness = open_witness(arguments)
    return serve_until_stopped(
        arguments,
        lambda host, port: serve(witness, host=host, port=port),
        lambda url: f"{witness.vkey}\nwitness on {url}/add-checkpoint",
    )


def open_witness(arguments: argparse.Namespace) -> Witness:
    """Return the witness of the arguments, with its key and state.

    Raises:
        TracebinderError: a file or a key is not what it should be.
    """
    if not arguments.name or any(character.isspace() or character == "+" for character in arguments.name):
        raise TracebinderError(f"a name has no blanks and no plus: {arguments.name!r}")
    try:
        logs = [_log_key(vkey) for vkey in arguments.log]
        key, is_new = load_key(arguments.key)
        state = WitnessState(arguments.state, begin=is_new)
    except VerifyError as exc:
        raise TracebinderError(str(exc)) from exc
    except OSError as exc:
        raise TracebinderError(f"{exc.filename}: {exc.strerror}") from exc
    return Witness(name=arguments.name, key=key, logs=logs, state=state)


def _log_key(vkey: str) -> NoteKey:
    key = parse_vkey(vkey, member="--log")
    if key.algorithm != ED25519:
        raise TracebinderError(f"--log takes the vkey of a log, not of a witness: {vkey}")
    return key
