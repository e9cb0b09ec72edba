"""The form that asks for a probe: its fields from the registry's definitions, and what is read of what was written.

What fits is for the registry to say; here each answer is only put beside the field that it is about.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.http import QueryDict
from django.utils.translation import gettext as _

from evidence.models import ArtefactVersion
from interpret.errors import BadSpecification
from interpret.models import ProbeSpec
from interpret.pages.probe_words import Worded, word_of
from interpret.registry import Parameter, check_whole, describe, fill_choices, fill_parameters

PREFIX: Final = "parameter."  # of the names of fields; what follows is the registry's
SEED: Final = "seed"
DATASET: Final = "dataset"
_DECLARED: Final = "smallest_"  # so begin the parameters that say beforehand what matters
_LAST_SEED: Final = 2**31 - 2
_NUMBER: Final = re.compile(r"-?[0-9]{1,18}(\.[0-9]{1,18})?([eE]-?[0-9]{1,2})?", re.ASCII)
_SEED: Final = re.compile(r"[0-9]{1,10}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Offered:
    """A value that may be chosen, with what it is called."""

    value: str
    text: str


@dataclass(frozen=True, slots=True)
class Field:
    """A field of the form as the page shows it. `offered`: it is chosen from; otherwise it is a number."""

    name: str  # as it is posted
    label: str
    what: Worded
    written: str
    fault: str
    limits: str = ""
    offered: Sequence[Offered] = ()
    low: str = ""
    high: str = ""
    step: str = "any"
    is_declared: bool = False

    @property
    def key(self) -> str:
        """Return the field's id on the page."""
        return "tb-" + self.name.replace(".", "-")


@dataclass(frozen=True, slots=True)
class Asked:
    """What was read of a form.

    Attributes:
        parameters: those that fit, filled in as a specification has them.
        faults: by the name of the field.
    """

    parameters: Mapping[str, object]
    seed: int
    dataset: str  # digest of what is read; empty: prompts of the newest traces, or none
    faults: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ProbeForm:
    """The form of one probe, for a model, with what else may be chosen for it."""

    probe: str
    models: Sequence[ArtefactVersion]  # that the probed one may be held against
    datasets: Sequence[ArtefactVersion]  # that may be read again

    def names(self) -> list[str]:
        """Return the names that the form may post."""
        entry = describe(self.probe)
        named = [f"{PREFIX}{name}" for name in (*entry.choices, *entry.models, *entry.parameters)]
        return [*named, SEED, *([DATASET] if entry.reads_prompts else [])]

    def defaults(self) -> dict[str, str]:
        """Return what stands in the fields at first."""
        entry = describe(self.probe)
        written = {f"{PREFIX}{name}": one.names[0] for name, one in entry.choices.items()}
        written |= {f"{PREFIX}{name}": f"{one.default:.12g}" for name, one in entry.parameters.items()}
        first = self.models[0].digest if self.models else ""
        return {**written, **{f"{PREFIX}{name}": first for name in entry.models}, SEED: "0", DATASET: ""}

    def like(self, spec: ProbeSpec) -> dict[str, str]:
        """Return what was written to ask for what a run measured."""
        told = {
            f"{PREFIX}{name}": value if isinstance(value, str) else f"{value:.12g}"
            for name, value in spec.parameters.items()
        }
        known = {name: value for name, value in told.items() if name in self.names()}
        dataset = spec.dataset_version.digest if spec.dataset_version else ""
        return {**self.defaults(), **known, SEED: str(spec.seed), DATASET: dataset}

    def posted(self, form: QueryDict) -> dict[str, str]:
        """Return what was written into the fields; a field that was not sent keeps its default, as in the API."""
        return {name: form.get(name, given).strip() for name, given in self.defaults().items()}

    def read(self, written: Mapping[str, str]) -> Asked:
        """Return what is asked, with each fault beside its field."""
        entry, faults, values = describe(self.probe), dict[str, str](), dict[str, Any]()
        for name, parameter in entry.parameters.items():
            number = _number(written[f"{PREFIX}{name}"], parameter)
            if number is None or not self._fits(name, number):
                faults[f"{PREFIX}{name}"] = _limits(parameter)
            else:
                values[name] = number
        for name in entry.choices:
            values[name] = written[f"{PREFIX}{name}"]
            try:
                fill_choices(self.probe, {name: values[name]})
            except BadSpecification:
                faults[f"{PREFIX}{name}"] = _("Choose one of those that are offered.")
        for name in entry.models:
            values[name] = written[f"{PREFIX}{name}"]
            if values[name] not in {model.digest for model in self.models}:
                faults[f"{PREFIX}{name}"] = self._no_model()
        seed = int(written[SEED]) if _SEED.fullmatch(written[SEED]) else -1
        if not 0 <= seed <= _LAST_SEED:
            faults[SEED] = _("Give a whole number from %(low)s to %(high)s.") % {"low": 0, "high": _LAST_SEED}
        dataset = written[DATASET] if entry.reads_prompts else ""
        if dataset and dataset not in {version.digest for version in self.datasets}:
            faults[DATASET] = _("Choose one of those that are offered.")
        return Asked(values, seed, dataset, faults)

    def fields(self, written: Mapping[str, str], faults: Mapping[str, str]) -> Iterator[Field]:
        """Yield the fields of parameters, choices first."""
        entry = describe(self.probe)
        for name, choice in entry.choices.items():
            at = f"{PREFIX}{name}"
            offered = [Offered(one, one) for one in choice.names]
            yield Field(at, name, word_of(choice.what), written[at], faults.get(at, ""), offered=offered)
        for name, other in entry.models.items():
            at = f"{PREFIX}{name}"
            offered = [Offered(one.digest, f"{one} {one.digest[:12]}") for one in self.models]
            yield Field(
                at, name, word_of(other.what), written[at], faults.get(at, ""), offered=offered,
                limits="" if offered else self._no_model(),
            )  # fmt: skip
        for name, parameter in entry.parameters.items():
            at = f"{PREFIX}{name}"
            yield Field(
                at, name, word_of(parameter.what), written[at], faults.get(at, ""), limits=_limits(parameter),
                low=f"{parameter.low:.12g}", high=f"{parameter.high:.12g}",
                step="1" if isinstance(parameter.default, int) else "any", is_declared=name.startswith(_DECLARED),
            )  # fmt: skip

    def _fits(self, name: str, number: float) -> bool:
        try:
            check_whole(self.probe, fill_parameters(self.probe, {name: number}))
        except BadSpecification:
            return False
        return True

    def _no_model(self) -> str:
        if self.models:
            return _("Choose one of those that are offered.")
        return _(
            "There is no other model in this system: register one, or pin it in a release, by the digest of its bytes."
        )


def _number(text: str, parameter: Parameter) -> float | None:
    """Return the number that was written; an integer where one is meant, so that 48 and 48.0 ask the same."""
    if not _NUMBER.fullmatch(text):
        return None
    number = float(text)
    return int(number) if isinstance(parameter.default, int) and number.is_integer() else number


def _limits(parameter: Parameter) -> str:
    told = {"low": f"{parameter.low:.12g}", "high": f"{parameter.high:.12g}"}
    if isinstance(parameter.default, int):
        return _("Give a whole number from %(low)s to %(high)s.") % told
    return _("Give a number from %(low)s to %(high)s.") % told
