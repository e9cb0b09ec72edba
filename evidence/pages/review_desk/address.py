"""The address of an answer at the desk, and of a claim and a citation of it."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlencode

from django.urls import reverse

from evidence.models import Trace

CLAIM, CITATION = "claim", "citation"  # in the address, counted from 1
PARAMETERS: Final = (CLAIM, CITATION)


def address_of(trace: Trace | int, **parameters: object) -> str:
    """Return where an answer is judged.

    Args:
        trace: it, or its key.
        parameters: of `PARAMETERS`, what the page shows of it first.
    """
    key = trace if isinstance(trace, int) else trace.pk
    address = reverse("admin:judge_answer", args=[key])
    return f"{address}?{urlencode(parameters)}" if parameters else address
