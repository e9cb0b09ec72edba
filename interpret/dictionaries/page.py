"""The page of the dictionaries that ship, `docs/reference/dictionaries.md`, from their cards."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from interpret.dictionaries.card import SPLICED
from interpret.dictionaries.claims import not_below
from interpret.dictionaries.described import Described
from interpret.dictionaries.figures import CONFIDENCE
from interpret.dictionaries.files import card_of, features_of, stored
from interpret.dictionaries.looks import ALPHA
from interpret.dictionaries.polysemanticity import ANSWERS
from interpret.dictionaries.splicing import TOLD
from interpret.dictionaries.stability import SHARED
from interpret.dictionaries.storing import MOVED
from interpret.errors import DictionaryMissing
from interpret.statistics import adjust_benjamini_hochberg

_HEAD: Final = f"""# Dictionaries, and what they are worth

Written by `make dictionary`. A dictionary is a sparse autoencoder: it says each token's activations at one place of a
model as a sum of a few of many features. All that stands here describes. No figure supports or counters anything, a
feature has no name but what a person calls it, and nothing is decided by one
([decision 0078](../decisions/0078-dictionaries.md)).

Figures are of texts held out of the training, intervals at {CONFIDENCE:g} over those texts (jackknife in groups).

* *Explained variance*: 1 - sum |x - x'|² / sum |x - mean x|², over tokens and dimensions of one set. *Ordinary* leaves
  out the massive tokens, whose norm is over ten times the median and who are most of the variance.
* *L0*: features that are not zero on an ordinary token. *Dead*: features that fire on no ordinary token held out.
* *Recovered*: 1 - (loss with the coder in place - the model's own) / (loss under the ablation - the model's own), in
  cross-entropy and in KL divergence from the unchanged model, on up to {SPLICED} sequences; a dash where the ablation
  costs under {TOLD:g} nats a token, so that there is nothing to recover.

The rivals: a dictionary trained around a *frozen decoder* that stays as it was drawn; one of the *dead model*, whose
weights were shuffled; as many *principal components* as features fire at once, which is the best that so many dense
directions do.
"""
_QUALITY: Final = ("", "L0", "explained, ordinary", "explained, all", "dead", "density: median", "highest")
_RECOVERED: Final = (
    "", "cross-entropy, against zero", "against the mean", "KL, against zero", "against the mean", "nats: own", "zero",
    "mean", "coder",
)  # fmt: skip
_CONCEPTS: Final = (
    "model", "units", "how many", "silent", "concepts a unit", "by chance", "answer to several",
    "concepts, of those that answer to any", "surely answer to any, to several",
)  # fmt: skip


def render(store: Path) -> str:
    """Return the page of all dictionaries of a store."""
    told = [_dictionary(card_of(store, each), _described(store, each)) for each in stored(store)]
    return "\n".join([_HEAD, *told])


def _described(store: Path, digest: str) -> Described | None:
    try:
        return features_of(store, digest)
    except DictionaryMissing:  # its features may be described later
        return None


def _dictionary(card: Mapping[str, Any], described: Described | None) -> str:
    about = card["about"]
    site = about["site"]
    return "\n".join(
        [
            f"## `{card['dictionary'][:12]}`: layer {site['layer']}\n",
            *_provenance(card),
            "\n### Quality\n",
            _l0(card),
            *_quality(card["rows"]),
            _beside_rivals(card["rows"]),
            "\n### What the model still predicts\n",
            *_recovered(
                card["rows"], "recovered", "kept", "Massive tokens left as they are, in each row alike."
            ),
            *_recovered(
                card["rows"], "recovered_massive_replaced", "massive_replaced", "All tokens replaced."
            ),
            "\n### Another seed\n",
            _stability(card["stability"]),
            "\n### How many concepts a unit answers to\n",
            *_concepts(card["polysemanticity"]),
            "\n### What a label of a feature is worth\n",
            _labels(described) if described else "Its features were not described.",
            "\n### Made again\n",
            _tolerances(card["tolerances"]),
            "",
        ]
    )


def _provenance(card: Mapping[str, Any]) -> Iterator[str]:
    about, tokens = card["about"], card["tokens"]
    site, training, texts = about["site"], about["training"], about["texts"]
    yield "| | |\n|---|---|"
    yield f"| digest | `{card['dictionary']}` |"
    yield f"| model | `{site['model']}` |"
    yield f"| place | residual stream after layer {site['layer']} (from 0), width {site['width']} |"
    yield f"| kind | {about['architecture']}, {about['features']} features, weights in float16 |"
    yield (
        f"| training | {training['active']} active, {training['samples']} samples of {tokens['learnt']} tokens"
        f" ({tokens['massive_learnt']} massive ones left out), batches of {training['batch']}, Adam"
        f" {training['rate']:g}, seed {training['seed']}, {training['threads']} thread |"
    )
    versions = ", ".join(f"{name} {version}" for name, version in sorted(training["versions"].items()))
    yield f"| versions | {versions} |"
    kinds = ", ".join(f"{many} {kind}" for kind, many in texts["kinds"].items())
    yield f"| texts | {texts['learnt']} learnt, {texts['held_out']} held out ({kinds}), `{texts['digest'][:12]}` |"
    yield f"| limits | {texts['limits']} |"


def _l0(card: Mapping[str, Any]) -> str:
    before, after = card["about"]["l0"], card["rows"]["dictionary"]["quality"]["l0"]["value"]
    return (
        f"As trained, {before:.2f} features fire on an ordinary token; read back from the file, {after:.2f}. By more"
        f" than {MOVED:.0%} it would be refused.\n"
    )


def _quality(rows: Mapping[str, Any]) -> Iterator[str]:
    first = rows["dictionary"]["quality"]
    yield f"On {first['tokens']} tokens held out, of which {first['massive']} are massive.\n"
    yield from _header(_QUALITY)
    for name, row in rows.items():
        told = row["quality"]
        density = told["density_deciles"]
        explained = [_figure(told[each]) for each in ("explained_without", "explained")]
        shares = [f"{told['dead']:.1%}", f"{density[5]:.2%}", f"{density[-1]:.1%}"]
        yield _row([name, f"{told['l0']['value']:.1f}", *explained, *shares])


def _beside_rivals(rows: Mapping[str, Any]) -> str:
    """Say whether the dictionary lies above all its rivals, by the rule whose errors are measured."""
    below = not_below(rows)
    said = (
        f"By the variance of ordinary tokens explained, its interval does not lie above that of: {', '.join(below)}"
        if below
        else "By the variance of ordinary tokens that it explains, its interval lies above that of each rival"
    )
    return f"\n{said} (how often that is wrong: [calibration](calibration.md))."


def _recovered(rows: Mapping[str, Any], key: str, nats: str, said: str) -> Iterator[str]:
    yield f"{said}\n"
    yield from _header(_RECOVERED)
    for name, row in rows.items():
        losses = [
            row[key][loss][floor] for loss in ("cross_entropy", "divergence") for floor in ("zero", "mean")
        ]
        told = row["nats"][nats]
        numbers = [f"{told[each]:.2f}" for each in ("clean", "zero", "mean", "coder")]
        yield _row([name, *map(_figure, losses), *numbers])
    yield ""


def _stability(told: Mapping[str, Any]) -> str:
    seeds, floor = told["seeds"], told["random"]
    return (
        "Features that fire, of two seeds, paired so that the absolute cosines of their directions sum highest"
        f" ({seeds['pairs']} pairs): mean {seeds['mean']:.3f}, above {SHARED:g} in {seeds['shared']:.1%}. As many"
        f" directions drawn at random: mean {floor['mean']:.3f}, {floor['shared']:.1%}."
    )


def _concepts(told: Mapping[str, Any]) -> Iterator[str]:
    yield (
        f"Of a labelled set (`{told['concepts']}`: sixteen concepts of twenty-four English words, each at the end of"
        f" {told['templates']} templates). A unit answers to a concept when the area under the curve of its values, or"
        f" of their negatives, for the concept's words against all others is {ANSWERS:g} or more. Intervals are over"
        " words, and take out what counts are too high by because of few words, so a count may stand at their end. *By"
        " chance*: the same with labels shuffled. *Silent*: the same for every word. A unit that is silent on more than"
        " two fifths of a concept's words cannot reach it, so kinds that fire seldom are counted low. A unit may answer"
        " to what is not in the set, which nothing here shows.\n"
    )
    yield from _header(_CONCEPTS)
    for model in ("alive", "dead"):
        for kind, each in told[model].items():
            numbers = [
                str(each["units"]),
                str(each["silent"]),
                _figure(each["mean"]),
                f"{each['by_chance']:.3f}",
            ]
            shares = [_figure(each["several"]), _figure(each["among_answering"])]
            yield _row([model, kind, *numbers, *shares, _sure(each.get("sure"))])


def _sure(units: Sequence[int] | None) -> str:
    """Return how many units surely answer to any concept and to several; a dash where the card is of before."""
    return f"{sum(units[1:])}, {sum(units[2:])}" if units else "–"


def _labels(described: Described) -> str:
    """Say how many of the labels that one would choose stand out on the words that nobody chose by."""
    concepts = described.concepts
    chosen = [
        (answer, answer.chance(bag, concepts.words))
        for each in described.described
        for answer, bag in zip(each.answers, concepts.bag_of_tokens, strict=True)
        if answer.chosen >= ANSWERS
    ]
    held = sum(answer.held_out >= ANSWERS for answer, _ in chosen)
    out = int((adjust_benjamini_hochberg([chance for _, chance in chosen]) <= ALPHA).sum()) if chosen else 0
    return (
        f"{len(described.described)} of {described.features} features fire on {described.tokens} ordinary tokens of"
        f" {described.texts} texts held out. Each was held against {len(concepts.names)} concepts twice: on"
        f" {concepts.words} words of each, by which one would choose a label, and on {concepts.words} others, by which"
        f" it is judged. **{len(chosen)} pairs of feature and concept reach an area of {ANSWERS:g} on the words to"
        f" choose by; {held} of them do so on the others, and {out} stand out: above the largest of {concepts.random}"
        " directions that were drawn and fire as often, and above what the words' own tokens tell, by more than chance"
        f" gives in {ALPHA:.0%} of cases, corrected over all {len(chosen)} looks.** Of the rest it is not known whether"
        " they are more than choosing and chance ([decision 0088](../decisions/0088-what-is-said-of-dictionaries.md))."
        " Labels that people give are looks one after the other, and each is held to what those before it left."
    )


def _tolerances(told: Mapping[str, float]) -> str:
    said = ", ".join(f"`{name}` {each:g}" for name, each in told.items())
    return (
        "`make dictionary ARGS=--check` makes it again and compares each figure with the card. On the same machine and"
        f" versions the digest is the same; elsewhere figures may differ by: {said}."
    )


def _header(names: Sequence[str]) -> Iterator[str]:
    yield _row(names)
    yield "|" + "---|" * len(names)


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _figure(told: Mapping[str, Any] | None, digits: int = 3) -> str:
    if told is None:
        return "–"
    value, low, high = (f"{told[each]:.{digits}f}" for each in ("value", "low", "high"))
    return f"{value} ({low} … {high})"


def _count(told: Mapping[str, Any] | None) -> str:
    """Return a figure that cannot be below 0."""
    return _figure(told and {**told, "low": max(0.0, told["low"])})
