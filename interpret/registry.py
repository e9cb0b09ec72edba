"""Every probe, by name. The class is a dotted path, so that this module never reaches torch.

Loading a probe is the only way from the web's code to the probes', and only a worker with torch may take it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any, cast

from interpret.contracts import CPU, Probe, Want
from interpret.errors import BadProbePath, BadSpecification, ProbeUnavailable, UnknownProbe
from interpret.model_store import DIGEST
from interpret.parts import Session

SESSION = "interpret.probes.session.ModelSession"  # dotted path, as in PROBES
CROSSCODER = "interpret.dictionaries.crosscoder.train_crosscoder"  # likewise: probes know nothing of sae-lens
BESIDE = "interpret.dictionaries.beside.code_beside"  # likewise


@dataclass(frozen=True, slots=True)
class Parameter:
    """One number a probe may be told; `low` and `high` are allowed. Where the default is an integer, it is whole."""

    default: float
    low: float
    high: float
    what: str


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several names a probe may be told; the first where none is."""

    names: tuple[str, ...]
    what: str


@dataclass(frozen=True, slots=True)
class OtherModel:
    """A model beside the one that is probed, named by its digest. Whoever asks must be able to name it."""

    what: str


@dataclass(frozen=True, slots=True)
class ProbeEntry:
    """What the web may know of a probe without loading it."""

    path: str  # dotted path of the class
    title: str
    unit: str  # of its first statistic
    reads_prompts: bool  # False: it makes its own token sequences
    intervenes: bool
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    # What it asks of passes over prompts: each pass keeps it for all, so that one serves every probe of a plan.
    wants: frozenset[Want] = frozenset()
    choices: Mapping[str, Choice] = field(default_factory=dict)
    models: Mapping[str, OtherModel] = field(default_factory=dict)
    # Statistics of which it speaks against a release that they are found, and for it that they are shown absent; of all
    # others the other way round (docs/decisions/0085).
    concerns: frozenset[str] = frozenset()


PROBES: dict[str, ProbeEntry] = {
    "induction.heads": ProbeEntry(
        path="interpret.probes.induction.InductionHeads",
        title="Induction heads: attention to what followed the last time, and what ablating it costs",
        unit="share of attention",
        reads_prompts=False,
        intervenes=True,
        parameters={
            "sequences": Parameter(48, 40, 512, "token sequences, half to find heads, half to report on"),
            "length": Parameter(48, 16, 512, "tokens a sequence"),
            "heads": Parameter(4, 1, 64, "how many of the best heads are reported and ablated"),
            "control_draws": Parameter(99, 2, 9999, "random sets of as many heads, ablated as control"),
            "smallest_match": Parameter(0.1, 0.001, 1, "share of attention beyond each null that matters"),
            "smallest_cost": Parameter(0.1, 0.001, 10, "nats a token beyond each null that matter"),
            "permutations": Parameter(9999, 99, 99999, "permutations behind each p-value"),
        },
    ),
    "attention.patterns": ProbeEntry(
        path="interpret.probes.patterns.AttentionPatterns",
        title="Attention patterns: heads of the token before, the same token, the bracket closed, the subject",
        unit="share of attention",
        reads_prompts=False,
        intervenes=True,
        parameters={
            "texts": Parameter(
                48, 40, 512, "texts a pattern, half to find heads, half of other templates to report on"
            ),
            "length": Parameter(48, 16, 64, "tokens a text of random tokens; others are as long as they are"),
            "heads": Parameter(2, 1, 16, "how many of a pattern's best heads are reported and ablated"),
            "control_draws": Parameter(99, 2, 9999, "random sets of as many heads, ablated as control"),
            "smallest_share": Parameter(0.1, 0.001, 1, "share of attention beyond each null that matters"),
            "smallest_cost": Parameter(0.1, 0.001, 10, "nats a token beyond each null that matter"),
            "permutations": Parameter(9999, 99, 99999, "permutations behind each p-value"),
        },
    ),
    "attribute.proxies": ProbeEntry(
        path="interpret.probes.proxies.AttributeProxies",
        title="Proxies for a sensitive attribute: whether it can be read off the model, and whether answers use it",
        unit="probability",
        reads_prompts=False,
        intervenes=True,
        concerns=frozenset({"proxies.removal", "proxies.reinjection"}),
        choices={
            "prompt_set": Choice(
                (
                    "credit-gender-en",
                    "credit-age-en",
                    "credit-origin-en",
                    "credit-postcode-en",
                    "aml-region-en",
                    "aml-language-en",
                    "service-gender-en",
                    "service-origin-en",
                    "credit-gender-zh",
                    "credit-age-zh",
                    "credit-origin-zh",
                    "credit-postcode-zh",
                    "aml-region-zh",
                    "aml-language-zh",
                    "service-gender-zh",
                    "service-origin-zh",
                ),
                "whose copilot's texts, which attribute, in which language",
            ),
        },
        parameters={
            "pairs": Parameter(
                48, 40, 48, "pairs of texts, half to fit on, half of other templates to report on"
            ),
            "depth": Parameter(0.5, 0, 1, "after which layer the model is read, as a share of its depth"),
            "control_draws": Parameter(99, 2, 9999, "random directions along which as much is changed"),
            "smallest_gain": Parameter(0.1, 0.001, 1, "probability beyond each null that matters"),
            "smallest_shift": Parameter(0.1, 0.001, 10, "log-odds beyond each null that matter"),
            "permutations": Parameter(
                9999, 99, 99999, "exchanges of the sides behind the p-value of reading"
            ),
        },
    ),
    "model.drift": ProbeEntry(
        path="interpret.probes.drift.ModelDrift",
        title="Drift between two releases: outputs, inner states and features, beyond the A/A maximum",
        unit="nats",
        reads_prompts=False,
        intervenes=False,
        concerns=frozenset({"drift.output", "drift.layers", "drift.features"}),
        models={"against": OtherModel("the earlier model, which the one that is probed is held against")},
        choices={
            "language": Choice(("en", "zh"), "in which language the texts are"),
            "compared": Choice(
                ("all", "layers", "outputs"),
                "layers: without features; outputs: those alone, whatever the shapes",
            ),
        },
        parameters={
            "texts": Parameter(48, 40, 48, "texts, half for each of the two seeds to report on"),
            "length": Parameter(32, 8, 128, "tokens of a text that are read, from its beginning"),
            "smallest_divergence": Parameter(0.02, 0.0001, 10, "nats beyond each null that matter"),
            "smallest_change": Parameter(
                0.1, 0.001, 10, "of how far inner states lie apart, beyond each null, that matters"
            ),
            "smallest_exclusive": Parameter(
                0.1, 0.001, 1, "of what features write, beyond each null, that matters"
            ),
            "features": Parameter(256, 16, 4096, "features of a crosscoder"),
            "active": Parameter(16, 1, 256, "of them, those that may be active on a token"),
            "samples": Parameter(
                16384, 2048, 1000000, "tokens that its training is shown, the same ones again"
            ),
            "permutations": Parameter(9999, 99, 99999, "permutations behind each p-value"),
        },
    ),
    "refusal.direction": ProbeEntry(
        path="interpret.probes.refusal.RefusalDirection",
        title="A direction of refusal: whether it can be read, whether refusals run through it, and what pressing does",
        unit="probability",
        reads_prompts=False,
        intervenes=True,
        concerns=frozenset({"refusal.context"}),
        choices={
            "prompt_set": Choice(("service-en", "service-zh"), "whose copilot's requests, in which language"),
        },
        parameters={
            "pairs": Parameter(
                48, 40, 48, "pairs of requests, half to fit on, half of other templates to report on"
            ),
            "depth": Parameter(0.5, 0, 1, "after which layer the model is read, as a share of its depth"),
            "control_draws": Parameter(99, 2, 9999, "random directions along which as much is changed"),
            "smallest_gain": Parameter(0.1, 0.001, 1, "probability beyond each null that matters"),
            "smallest_shift": Parameter(0.1, 0.001, 10, "log-odds beyond each null that matter"),
            "permutations": Parameter(
                9999, 99, 99999, "exchanges of the sides behind the p-values of reading"
            ),
        },
    ),
    "deception.signs": ProbeEntry(
        path="interpret.probes.deception.SignsOfDeception",
        title="Signs of deception: statements to mislead and truthful ones, in another domain, without the instruction",
        unit="probability",
        reads_prompts=False,
        intervenes=False,
        choices={
            "prompt_set": Choice(("statements-en", "statements-zh"), "statements in which language"),
        },
        parameters={
            "statements": Parameter(
                48, 40, 72, "statements, half of one domain to fit on, half of another to report on"
            ),
            "depth": Parameter(0.5, 0, 1, "after which layer the model is read, as a share of its depth"),
            "smallest_gain": Parameter(0.1, 0.001, 1, "probability beyond each null that matters"),
            "permutations": Parameter(9999, 99, 99999, "exchanges of the sides behind the p-value"),
        },
    ),
    "hallucination.signs": ProbeEntry(
        path="interpret.probes.hallucination.SignsOfHallucination",
        title="Signs of hallucination: claims that their source does not back, in another domain, beyond surprise",
        unit="probability",
        reads_prompts=False,
        intervenes=False,
        choices={
            "prompt_set": Choice(
                ("claims-en", "claims-zh", "claims-mixed-en", "claims-mixed-zh"),
                "sources and answers in which language, and whether the source says the other thing too",
            ),
        },
        parameters={
            "answers": Parameter(
                48, 40, 60, "facts, half of one domain to fit on, half of another to report on"
            ),
            "depth": Parameter(0.5, 0, 1, "after which layer the model is read, as a share of its depth"),
            "smallest_gain": Parameter(0.1, 0.001, 1, "probability beyond each null that matters"),
            "permutations": Parameter(
                9999, 99, 99999, "sign flips of what each fact gains, behind the p-value"
            ),
        },
    ),
    "answer.path": ProbeEntry(
        path="interpret.probes.paths.AnswerPath",
        title="The answer's path: heads proposed by attribution, exchanged between sentences with different answers",
        unit="log-odds",
        reads_prompts=False,
        intervenes=True,
        choices={"language": Choice(("en", "zh"), "of the sentences")},
        parameters={
            "pairs": Parameter(
                48, 40, 48, "pairs of sentences, half to find heads, half of other templates to report on"
            ),
            "heads": Parameter(5, 1, 16, "how many of the best heads are proposed and patched"),
            "control_draws": Parameter(99, 2, 9999, "random sets of as many heads, patched as control"),
            "checked_heads": Parameter(
                24, 8, 512, "heads patched one by one beside their attribution, the proposed among them"
            ),
            "smallest_shift": Parameter(0.1, 0.001, 10, "log-odds beyond each null that matter"),
        },
    ),
    "fact.tracing": ProbeEntry(
        path="interpret.probes.facts.FactTracing",
        title="Facts traced: what comes back of a known fact where its subject ends",
        unit="log-odds",
        reads_prompts=False,
        intervenes=True,
        choices={"language": Choice(("en", "zh"), "of the statements")},
        parameters={
            "facts": Parameter(
                48, 12, 96, "known facts at most, a quarter to find layers, the rest to report on"
            ),
            "window": Parameter(1, 1, 16, "layers one after the other through which the state is restored"),
            "control_draws": Parameter(99, 2, 9999, "random places and layers as control"),
            "smallest_shift": Parameter(0.1, 0.001, 10, "log-odds beyond each null that matter"),
        },
    ),
    "entropy.next_token": ProbeEntry(
        path="interpret.probes.entropy.NextTokenEntropy",
        title="Next-token entropy and margin over the answer prompts",
        unit="nats",
        reads_prompts=True,
        intervenes=False,
        wants=frozenset({Want.ENTROPY}),
        parameters={
            "chat": Parameter(
                1, 0, 1, "1: each prompt is put into the model's chat template, as a user's turn"
            ),
            "max_tokens": Parameter(256, 8, 2048, "tokens of a prompt that are kept, from its end"),
            "permutations": Parameter(
                9999, 99, 99999, "shuffles of the labels that the language gap stands beside"
            ),
        },
    ),
}


def add(path: str) -> None:
    """Take in somebody else's probe, by the dotted path of a pair of its name and its `ProbeEntry`.

    The file is imported by every process: it reaches for torch inside the probe's methods and nowhere else.

    Raises:
        BadProbePath: there is no such pair, or its name is taken.
    """
    module_name, _, name = path.rpartition(".")
    try:
        key, entry = getattr(import_module(module_name), name)
    except (ImportError, AttributeError, TypeError, ValueError) as exc:
        raise BadProbePath(
            f"{path} is not the dotted path of a probe: (name, ProbeEntry(...)): {exc}"
        ) from exc
    if not isinstance(key, str) or not isinstance(entry, ProbeEntry):
        raise BadProbePath(f"{path} is not a probe: (name, ProbeEntry(...))")
    if PROBES.setdefault(key, entry) != entry:
        raise BadProbePath(f"{path}: there is a probe {key!r} already; give it another name")


def describe(key: str) -> ProbeEntry:
    """Return the entry of a probe without loading it.

    Raises:
        UnknownProbe: naming the nearest probe there is.
    """
    try:
        return PROBES[key]
    except KeyError:
        raise UnknownProbe(f"no probe {key!r}: {_near_or_all(key, PROBES)}") from None


def _near_or_all(written: str, known: Iterable[str]) -> str:
    """Return what was probably meant, or all there is. By the standard library: probes import nothing of `evidence`."""
    names = sorted(known)
    near = get_close_matches(written, names, n=1)
    return f"did you mean {near[0]!r}?" if near else f"there are {', '.join(names)}"


def fill_parameters(key: str, given: Mapping[str, object]) -> dict[str, float]:
    """Return the probe's numbers, the given ones over the defaults; integers stay integers.

    Raises:
        UnknownProbe: no such probe.
        BadSpecification: a parameter the probe does not have, that is no number, or out of bounds.
    """
    known, others = describe(key).parameters, {*describe(key).choices, *describe(key).models}
    filled: dict[str, float] = {name: parameter.default for name, parameter in known.items()}
    for name, value in given.items():
        if name in others:
            continue
        if name not in known:
            raise BadSpecification(
                f"{key} has no parameter {name!r}: {_near_or_all(name, [*known, *others])}"
            )
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise BadSpecification(f"{key}.{name} is a number, not {value!r}")
        low, high = known[name].low, known[name].high
        if not low <= value <= high:
            raise BadSpecification(f"{key}.{name} is {value}; it may be {low} to {high}")
        filled[name] = value
    return filled


def check_whole(key: str, filled: Mapping[str, float]) -> None:
    """Refuse a fraction where the default is an integer: a probe cuts it, so two names would ask one thing twice.

    Only what is asked anew is held to it: a measurement of before is still replayed.

    Raises:
        BadSpecification: there is one.
    """
    for name, parameter in describe(key).parameters.items():
        if isinstance(parameter.default, int) and filled[name] != int(filled[name]):
            raise BadSpecification(f"{key}.{name} is a whole number, not {filled[name]}")


def wants_of_prompts() -> frozenset[Want]:
    """Return what all probes that read prompts ask of passes over them."""
    return frozenset[Want]().union(*(entry.wants for entry in PROBES.values() if entry.reads_prompts))


def fill_choices(key: str, given: Mapping[str, object]) -> dict[str, str]:
    """Return the names that the probe is told, the given ones over the first of each.

    Raises:
        UnknownProbe: no such probe.
        BadSpecification: a name that is none of those there are.
    """
    filled = {name: choice.names[0] for name, choice in describe(key).choices.items()}
    for name, choice in describe(key).choices.items():
        value = given.get(name, filled[name])
        if not isinstance(value, str) or value not in choice.names:
            raise BadSpecification(f"{key}.{name} is {value!r}: {_near_or_all(str(value), choice.names)}")
        filled[name] = value
    return filled


def fill_models(key: str, given: Mapping[str, object], *, probed: str) -> dict[str, str]:
    """Return the digests of the models that the probe is told beside the one that is `probed`. None has a default.

    Whether there is such a model is for whoever knows models by digest to say.

    Raises:
        UnknownProbe: no such probe.
        BadSpecification: one is not named, is named by no digest, or is the model itself.
    """
    filled = {}
    for name, other in describe(key).models.items():
        value = given.get(name)
        if value is None:
            raise BadSpecification(f"{key}.{name} is to be given: the digest of {other.what}")
        if not isinstance(value, str) or not DIGEST.fullmatch(value):
            raise BadSpecification(
                f"{key}.{name} is a model's digest, 64 lower-case hex digits, not {value!r}"
            )
        if value == probed:
            raise BadSpecification(f"{key}.{name} is the model that is probed: there is nothing to compare")
        filled[name] = value
    return filled


@lru_cache(maxsize=1)
def open_session(store: Path, threads: int = 0, device: str = CPU) -> Session:
    """Return this process's `ModelSession` over the model store. Only one with torch can.

    Args:
        threads: torch's, from now on in this process; 0: as many as it chooses.
        device: where it measures: "cpu", "cuda" or "cuda:N".

    Raises:
        ProbeUnavailable: torch, or another library of the probes, is not installed here.
        DeviceMissing: the device is not there.
    """
    return cast("Session", _import(SESSION, "a model session")(store, threads=threads, device=device))


def load(key: str) -> Probe:
    """Import the probe's class and return an instance. Only a process with torch can.

    Raises:
        UnknownProbe: no such probe.
        ProbeUnavailable: its code or a library it needs is not installed here.
    """
    return cast("Probe", _import(describe(key).path, key)())


def crosscoder() -> Callable[..., Any]:
    """Return `train_crosscoder` of the dictionaries. Only a process with sae-lens can.

    Raises:
        ProbeUnavailable: sae-lens, or another library that it needs, is not installed here.
    """
    return cast("Callable[..., Any]", _import(CROSSCODER, "a crosscoder"))


def dictionary_beside() -> Callable[..., Any]:
    """Return `code_beside` of the dictionaries that ship. Only a process with sae-lens can.

    Raises:
        ProbeUnavailable: sae-lens, or another library that it needs, is not installed here.
    """
    return cast("Callable[..., Any]", _import(BESIDE, "a dictionary"))


def _import(path: str, what: str) -> Any:
    module_name, _, class_name = path.rpartition(".")
    try:
        return getattr(import_module(module_name), class_name)
    except ImportError as exc:
        raise ProbeUnavailable(
            f"{what} needs {exc.name or module_name}, which this process cannot import:"
            " run it in the interpret worker (pip install '.[interpret]')"
        ) from exc
