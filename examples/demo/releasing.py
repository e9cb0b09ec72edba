"""Putting a release on record: what it is made of, what it is measured with, and who vouches for which.

It comes before the requirement files: a link names what is on record.
"""

from __future__ import annotations

from typing import Any

from evidence.models import INSTRUMENT_KINDS, System
from examples.common.copilot import Copilot
from examples.common.generation import Generator
from examples.demo import governance
from examples.demo.api import Api
from examples.evals.instruments import instruments_of


def register(author: Api, system: System, copilot: Copilot, generator: Generator) -> None:
    """Freeze the release; the author vouches for what it is made of, the approver for what it is measured with."""
    release = author.post(
        "releases", {"system": copilot.key, "name": copilot.release, "pins": _pins(copilot, generator)}
    )
    for waiting in release["unregistered"]:
        version = {name: waiting[name] for name in ("kind", "key", "digest")}
        if version["kind"] in INSTRUMENT_KINDS:
            governance.register_instrument(system, **version)
        else:
            author.post(
                "versions/registrations", {"system": copilot.key, **version, "reason": "part of the demo"}
            )


def _pins(copilot: Copilot, generator: Generator) -> list[dict[str, Any]]:
    manifest = copilot.manifest(model_name=generator.name, model_digest=generator.digest)
    made_of = [
        {
            **{key: pin[key] for key in ("slot", "kind", "label", "digest")},
            "key": pin["name"],
            "metadata": pin.get("metadata", {}),
            "documents": [
                {
                    "document_id": document["id"],
                    **{key: document[key] for key in ("title", "language", "text")},
                }
                for document in pin.get("documents", [])
            ],
        }
        for pin in manifest["pins"]
    ]
    measured_with = [
        {"slot": kind, "kind": kind, **version} for kind, version in instruments_of(copilot).items()
    ]
    return [*made_of, *measured_with]
