"""The model that a copilot is said to have run on before: the same, re-quantised, made here and put on record.

It is what `model.drift` compares the release's model with.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from evidence.models import ArtefactKind, System
from evidence.services import registry
from examples.demo.governance import AUTHOR
from examples.demo.people import acting
from examples.releases import make_releases

MADE: Final = "re-quantised"
SMALL: Final = {"compared": "layers", "texts": 40, "length": 8}  # to fit two cores beside the other probes


def probe_of_upgrade(system: System, release: str, store: Path) -> dict[str, Any]:
    """Make the earlier model, have the author vouch for it, and return what is asked of the probe.

    Args:
        store: the model store, which holds the release's model.
    """
    pinned = registry.find_release(system, release).pins.get(slot="model").version
    digest = make_releases(store, pinned.digest, [MADE])[MADE]
    earlier = registry.ensure_version(
        system=system,
        kind=ArtefactKind.MODEL,
        key=f"{pinned.artefact.key}-{MADE}",  # of its own: no link to the model is about it
        label=f"{pinned.label}, {MADE}",
        digest=digest,
        actor=acting(AUTHOR).actor,
    )
    registry.register_version(
        principal=acting(AUTHOR), version=earlier, reason="what the copilot ran on before"
    )
    return {"probe": "model.drift", "parameters": {"against": digest, **SMALL}}
