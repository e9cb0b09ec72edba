"""How often findings like one are right, as `make calibrate` measured it: read from the file that it writes."""

from __future__ import annotations

import json
from collections import defaultdict
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
    """Return the supported findings of which nothing was measured of how often such are right.

    They were made by a version of a probe's code that `make calibrate` has no figures of, or that nobody wrote down.
    It is asked by what the file has, which is little: what kinds of findings there are would take reading all of them.
    """
    measured = Q(pk__in=[])
    for (probe, code, rung), statistics in _measured_kinds().items():
        of_kind = Q(run__spec__probe=probe, rung=rung, statistic__in=statistics)
        measured |= of_kind & Q(**{_CODE: code})
    return findings.filter(~measured | Q(**{f"{_CODE}__isnull": True}), status=Finding.Status.SUPPORTED)


def _measured_kinds() -> Mapping[tuple[str, str, str], list[str]]:
    """Return the statistics that were measured, by probe, version of its code, and rung."""
    found: defaultdict[tuple[str, str, str], list[str]] = defaultdict(list)
    told = _part(_read(FIGURES), "probes")
    for probe in told:
        of_probe = _part(told, probe)
        code = str(of_probe.get("code_version", ""))
        for statistic, rungs in _part(of_probe, "statistics").items():
            for rung in rungs if isinstance(rungs, dict) else ():
                kind = {"probe": probe, "code_version": code, "statistic": statistic, "rung": rung}
                if calibration_of(**kind, figures=FIGURES):
                    found[probe, code, rung].append(statistic)
    return found


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
