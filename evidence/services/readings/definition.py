"""Readings as they are proposed: an artefact of kind `reading` for each system, whose versions each hold a document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from evidence import acts
from evidence.access import Principal
from evidence.errors import NotFound
from evidence.models import ArtefactVersion, System
from evidence.selectors.readings import DOCUMENT, READING_KEY, readings_with_standing
from evidence.semconv.reading_document import parse_reading
from evidence.services.proposals import propose_version
from evidence.services.readings.transitions import READINGS
from evidence.worded import worded


@transaction.atomic
def propose_reading(
    *, principal: Principal, system: System, document: Mapping[str, Any], reason: str = ""
) -> ArtefactVersion:
    """Propose how a system's traces are read, in place of how they are now. None is read so before it is approved.

    An empty document has them read as in any system, so that a reading is taken back by another.

    Raises:
        AccessDenied, NotFound: as `acts.check_can_propose_reading` does.
        InvalidInput: as `parse_reading` does.
        ConflictingContent: as `propose_version` does.
    """
    acts.check_can_propose_reading(principal, system)
    parse_reading(document)
    return propose_version(
        READINGS,
        principal=principal,
        system=system,
        key=READING_KEY,
        name="How its traces are read",
        content={DOCUMENT: document},
        reason=reason,
    )


def find_reading_version(system: System, number: int) -> ArtefactVersion:
    """Return a version of a system's reading by its number.

    Raises:
        NotFound: there is none.
    """
    versions = readings_with_standing().select_related("artefact__system", "registration")
    found: ArtefactVersion | None = versions.filter(artefact__system=system, number=number).first()
    if found is None:
        raise NotFound(
            worded(
                "System %(system_key)s has no version %(number)s of a reading.",
                system_key=repr(system.key),
                number=number,
            )
        )
    return found
