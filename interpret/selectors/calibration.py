"""How often findings like one are right, as `make calibrate` measured it: read from the file that it writes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from django.db.models import Q, QuerySet

from interpret.models import Finding

FIGURES: Final = Path(__file__).parent.parent / "calibration" / "figures.json"
_CODE: Final = "provenance__code_version"


@dataclass(frozen=True, slots=True)
class Rate:
    """A share of `n` trials, and the bound that counts against the probe: `high` of errors, `low` of power."""

    rate: float
    bound: float
    n: int


@dataclass(frozen=True, slots=True)
class Calibration:
    """How far a supported finding of this probe, statistic and rung is to be believed; shares in [0, 1].

    Attributes:
        probability: that it is true, where a share `prior` of what is asked is; `low` its lower bound.
    """

    probability: float
    low: float
    prior: float
    false_support: Rate
    power: Rate


def calibration_of(
    *, probe: str, code_version: str, statistic: str, rung: str, figures: Path = FIGURES
) -> Calibration | None:
    """Return what was measured of such findings; None: nothing, for this version of the probe's code."""
    told = _read(figures)
    of_probe = _part(_part(told, "probes"), probe)
    if of_probe.get("code_version") != code_version:
        return None
    found = _part(_part(_part(of_probe, "statistics"), statistic), rung)
    try:
        return Calibration(
            probability=_share(found["probability"]),
            low=_share(found["low"]),
            prior=_share(found["prior"]),
            false_support=_rate(found["false_support"], "high"),
            power=_rate(found["power"], "low"),
        )
    except (KeyError, TypeError, ValueError):
        return None


def not_calibrated(findings: QuerySet[Finding]) -> QuerySet[Finding]:
    """Return the supported findings of which nothing was measured of how often such are right: two queries.

    They were made by a version of a probe's code that `make calibrate` has no figures of.
    """
    supported = findings.filter(status=Finding.Status.SUPPORTED)
    columns = ("run__spec__probe", _CODE, "statistic", "rung")
    kinds = supported.order_by().values_list(*columns).distinct()
    unknown = Q(pk__in=[])
    for probe, code, statistic, rung in kinds:
        told = calibration_of(probe=probe, code_version=code or "", statistic=statistic, rung=rung)
        if told is None:
            unknown |= Q(**dict(zip(columns, (probe, code, statistic, rung), strict=True)))
    return supported.filter(unknown)


@lru_cache(maxsize=4)
def _read(figures: Path) -> Mapping[str, Any]:
    """Return the file's content, read once a process: it comes with the code, and changes with it."""
    try:
        told = json.loads(figures.read_bytes())
    except (OSError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}


def _part(told: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = told.get(name)
    return found if isinstance(found, dict) else {}


def _rate(told: Mapping[str, Any], bound: str) -> Rate:
    return Rate(_share(told["rate"]), _share(told[bound]), int(told["n"]))


def _share(given: object) -> float:
    if isinstance(given, bool) or not isinstance(given, int | float) or not 0 <= given <= 1:
        raise ValueError("no share")
    return float(given)
