"""One run of a probe on one model, and what came of it, kept line by line so that a stopped command goes on."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import torch

from bench.probe_calibration.cases import KINDS, Kind, code_version_of
from bench.probe_calibration.told import Told
from interpret import registry
from interpret.contracts import Measurement, ProbeSpecification
from interpret.parts import measure_all
from interpret.probes.head_sets import parse_head
from interpret.probes.session import ModelSession
from interpret.probes.sites import Head
from interpret.probes.weights import LoadedModel
from interpret.verdicts import CONTRACT, judge

NO_OTHERS: Final[Mapping[str, LoadedModel]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a kind, by its number."""

    kind: str
    number: int
    probe: str
    code_version: str
    contract: int  # of the verdicts
    parameters: dict[str, float | str]
    seconds: float  # of processors
    findings: tuple[Told, ...]

    def as_line(self) -> str:
        """Return it as one line of JSON."""
        return json.dumps(asdict(self), sort_keys=True)


def measure(kind: Kind, number: int, store: Path) -> Run:
    """Make the model of this number and run the probe on it; a verdict stands by itself, at 0.05."""
    torch.set_num_threads(1)
    began = time.process_time()
    told = kind.claims(number) if kind.claims else _probe(kind, number, store)
    seconds = time.process_time() - began
    version = code_version_of(kind.probe)
    return Run(kind.name, number, kind.probe, version, CONTRACT, dict(kind.parameters), seconds, told)


def _probe(kind: Kind, number: int, store: Path) -> tuple[Told, ...]:
    loaded, planted = kind.make(number, store)
    findings = probe_model(kind, loaded, seed=number, others=kind.others(number))
    return tuple(_told(item, planted if kind.holds(item.statistic) else frozenset()) for item in findings)


def probe_model(
    kind: Kind, loaded: LoadedModel, *, seed: int, others: Mapping[str, LoadedModel] = NO_OTHERS
) -> tuple[Measurement, ...]:
    """Return what a kind's probe says of a model, told `others` beside it by the names of its parameters."""
    told = {name: other.digest for name, other in others.items()}
    asked = ProbeSpecification(kind.probe, loaded.digest, seed=seed, parameters={**kind.parameters, **told})
    session = ModelSession(loaded={each.digest: each for each in (loaded, *others.values())})
    return measure_all(registry.load(kind.probe), asked, session).measurements


def is_current(run: Run) -> bool:
    """Whether it was measured as it would be today."""
    kind = next((each for each in KINDS if each.name == run.kind), None)
    if kind is None or run.contract != CONTRACT:
        return False
    return dict(kind.parameters) == run.parameters and code_version_of(run.probe) == run.code_version


def read_runs(file: Path) -> list[Run]:
    """Return the runs of a file that still count; a line that was cut is left out."""
    return [run for run in _all(file) if is_current(run)]


def _all(file: Path) -> Iterable[Run]:
    for line in file.read_text(encoding="utf-8").splitlines() if file.exists() else []:
        try:
            told: dict[str, Any] = json.loads(line)
            yield Run(**{**told, "findings": tuple(Told(**each) for each in told["findings"])})
        except (ValueError, TypeError):  # cut, or kept by a version that noted less
            continue


def _told(measurement: Measurement, planted: frozenset[Head]) -> Told:
    verdict, estimate = judge(measurement), measurement.estimate
    tested = measurement.tested
    return Told(
        statistic=measurement.statistic,
        status=str(verdict.status),
        rung=str(verdict.rung),
        true=bool(planted) and _heads_of(measurement.holds_for.site) <= planted,
        p_value=measurement.p_value,
        random_sets=len(tested.random_sets) if tested else 0,
        value=estimate.value,
        low=estimate.low,
        high=estimate.high,
    )


def _heads_of(site: str) -> frozenset[Head]:
    """Return the heads that a site names; of another site none."""
    if not site.startswith("head"):
        return frozenset()
    named = site.replace("heads ", "").replace("head ", "").replace(" together", "").split()
    return frozenset(parse_head(name) for name in named)
