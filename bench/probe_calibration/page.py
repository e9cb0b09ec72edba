"""The page and the figures that `make calibrate` writes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from bench.probe_calibration import figures
from bench.probe_calibration.audit import Draw, Verdict
from bench.probe_calibration.cases import KINDS, code_version_of, shows_absence, statistics_of
from bench.probe_calibration.figures import Rate
from bench.probe_calibration.runs import Run
from interpret.verdicts import ALPHA

_HEAD: Final = f"""# How often probes are wrong

Written by `make calibrate`, which takes an hour or more and goes on where it was stopped; the tests run a short
version. Each row is a kind of model whose truth is known, because it was written into its weights or shuffled out of
them. A run is one trial, however many heads it reports, and its verdict stands by itself at {ALPHA:g}: on record, runs
on the same model share that.

*False support*: something was supported that is not so. *Counter*: something was said not to be so, which is put
forward as evidence too (decision 0085). *Power*: what was planted was found, at its place. Bounds are Clopper and
Pearson's, 0.95 on one side.
A run that could not have supported a statistic is no trial of its false supports: one that did not measure it, or with
random sets so few that the first rank among them does not survive the correction. In bold is what breaks a promise:
false supports and counters on models with nothing to find at most {ALPHA:.0%} by their upper bound, over all such
kinds; power at least {figures.POWER:.0%}. Where a test can show that something is not there, that is the true answer on
such models, and a counter is one on what was planted. Models of which nobody knows whether they hold what a statistic
looks for are told by themselves, and counted in neither rate. `entropy.next_token` claims nothing, so it has no rows.

`dictionary.claims` is no probe. Its runs train a dictionary each, on activations whose features are known, and count
what is said of it by the rules of its pages (decision 0088): that a *label* stands out, where each pair of feature and
concept that one would choose, and twenty at least, is a look at the whole dictionary; that a unit surely answers to so
many *concepts*; that its *card* is better than that of its rivals. What is true is told by thousands of words and
tokens that no run reads.
"""
_AUDIT: Final = "## Blind audit"


def render(runs: Sequence[Run], drawn: Draw | None, audited: Sequence[Verdict]) -> str:
    """Return the page."""
    parts = [_HEAD]
    for probe in sorted({run.probe for run in runs}):
        ours = [run for run in runs if run.probe == probe]
        version = code_version_of(probe)
        parts.append(f"## `{probe}`, code version {version}\n")
        parts += [_statistic(ours, statistic) for statistic in statistics_of(probe)]
        parts.append(_cost(ours))
    if drawn is not None:
        parts.append(_audit(drawn, audited))
    return "\n".join(parts)


def renewed(before: str, now: str) -> str:
    """Return a page with the sections that `now` has, and of `before` those it lacks: of what was not measured."""
    head, *_ = _sections(now).values()
    sections = _sections(before) | _sections(now)
    told = [sections[title] for title in sorted(sections) if title and title != _AUDIT]
    return "\n".join([head, *told, *([sections[_AUDIT]] if _AUDIT in sections else [])])


def _sections(text: str) -> dict[str, str]:
    """Return a page's parts by title; what stands before the first by none, and of a probe whatever its version."""
    starts = re.split(r"\n(?=## )", f"\n{text}")
    return {
        part.strip().partition("\n")[0].partition(",")[0] if number else "": part.removeprefix("\n")
        for number, part in enumerate(starts)
    }


def renewed_figures(before: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, Any]:
    """Return figures with those of the probes that `now` has, and of `before` all others."""
    return {"probes": {**before.get("probes", {}), **now["probes"]}}


def as_json(runs: Sequence[Run]) -> dict[str, Any]:
    """Return what findings of each probe are worth, for the page of a finding."""
    probes: dict[str, Any] = {}
    for probe in sorted({run.probe for run in runs}):
        ours = [run for run in runs if run.probe == probe]
        worth = {statistic: figures.worth(ours, statistic) for statistic in statistics_of(probe)}
        probes[probe] = {"code_version": code_version_of(probe), "statistics": worth}
    return {"probes": probes}


def _statistic(runs: Sequence[Run], statistic: str) -> str:
    nulls, planted = figures.split(runs, statistic)
    absence = shows_absence(statistic)
    lines = [
        f"### `{statistic}`\n",
        f"| model | runs | false support | {'said not to be so, rightly' if absence else 'counter'} | |",
        "|---|---|---|---|---|",
    ]
    says = {kind.name: kind.says for kind in KINDS}
    for name, of_kind in figures.by_kind(nulls).items():
        lines.append(_null_row(name, of_kind, statistic, says[name]))
    lines.append(_null_row("**all**", nulls, statistic, ""))
    lines += [
        "",
        f"| planted | runs | power | of these replicated | {'counter' if absence else 'other heads supported'} | |",
        "|---|---|---|---|---|---|",
    ]
    for name, of_kind in figures.by_kind(planted).items():
        lines.append(_planted_row(name, of_kind, statistic, says[name]))
    lines.append(_planted_row("**all**", planted, statistic, ""))
    lines += _of_unknown_truth(runs, nulls, statistic, says)
    lines += ["", "| rung | true, at even odds before | at least |", "|---|---|---|"]
    for rung, told in figures.worth(runs, statistic).items():
        probability = "–" if told["probability"] is None else f"{told['probability']:.1%}"
        lines.append(f"| {rung} | {probability} | {told['low']:.1%} |")
    covered = figures.coverage(runs, statistic)
    lines.append(
        f"\nIntervals at 0.95 that hold the mean over all runs on the same model: {_at_least(covered)}.\n"
    )
    return "\n".join(lines)


def _of_unknown_truth(
    runs: Sequence[Run], nulls: Sequence[Run], statistic: str, says: Mapping[str, str]
) -> list[str]:
    """Return rows of models that may hold what is looked for, or not: what was supported is no error and no power.

    Below them stands what the false supports would be if none of these models held it.
    """
    unknown = figures.by_kind(figures.of_unknown_truth(runs, statistic))
    if not unknown:
        return []
    supported = {
        name: figures.count(of_kind, statistic, lambda told: told.status == "supported")
        for name, of_kind in unknown.items()
    }
    rows = [f"| {name} | {rate.n} | {rate.hits} | {says[name]} |" for name, rate in supported.items()]
    wrong = figures.false_supports(nulls, statistic)
    worst = figures.Rate(
        wrong.hits + sum(rate.hits for rate in supported.values()),
        wrong.n + sum(rate.n for rate in supported.values()),
    )
    return [
        "",
        "| whether there is something is not known | runs | supported | |",
        "|---|---|---|---|",
        *rows,
        "",
        f"If none of these held anything, false supports would be {_at_most(worst, whole=False)}.",
    ]


def _null_row(name: str, runs: Sequence[Run], statistic: str, says: str) -> str:
    wrong, counter = figures.false_supports(runs, statistic), figures.false_counters(runs, statistic)
    whole = name == "**all**"
    absent = _at_least(counter) if shows_absence(statistic) else _at_most(counter, whole=whole)
    if not (wrong.n or whole):
        return f"| {name} | 0 | no trial | | {says} |"
    return f"| {name} | {wrong.n} | {_at_most(wrong, whole=whole)} | {absent} | {says} |"


def _planted_row(name: str, runs: Sequence[Run], statistic: str, says: str) -> str:
    found = figures.power(runs, statistic)
    again = figures.power(runs, statistic, ["replicated"])
    whole, absence = name == "**all**", shows_absence(statistic)
    beside = (figures.false_counters if absence else figures.false_supports)(runs, statistic)
    said = _at_least(found)
    if whole and found.value < figures.POWER:
        said = f"**{said}**"
    return f"| {name} | {found.n} | {said} | {again.hits} | {_at_most(beside, whole=whole and absence)} | {says} |"


def _cost(runs: Sequence[Run]) -> str:
    lines = ["### What a run costs\n", "| model | parameters | CPU seconds, one thread |", "|---|---|---|"]
    for kind in KINDS:
        seconds = [run.seconds for run in runs if run.kind == kind.name]
        if seconds:
            given = ", ".join(_given(name, value) for name, value in sorted(kind.parameters.items()))
            lines.append(f"| {kind.name} | {given} | {sum(seconds) / len(seconds):.1f} |")
    return "\n".join(lines) + "\n"


def _given(name: str, value: float | str) -> str:
    return f"{name} {value}" if isinstance(value, str) else f"{name} {value:g}"


def _audit(drawn: Draw, audited: Sequence[Verdict]) -> str:
    hits = Rate(sum(each.found for each in audited if each.planted), sum(each.planted for each in audited))
    wrong = Rate(
        sum(each.found for each in audited if not each.planted), sum(not each.planted for each in audited)
    )
    lines = [
        f"{_AUDIT}\n",
        (
            f"Commit `{drawn.commit[:12]}` is the hunter; seed {drawn.seed} was drawn after it. The hunter calls a"
            " model planted where an ablation is supported.\n"
        ),
        f"Planted models called so: {hits.hits} of {hits.n}. Clean ones called so: {wrong.hits} of {wrong.n}.\n",
        "| model | planted | called planted |",
        "|---|---|---|",
    ]
    for each in sorted(audited, key=lambda verdict: verdict.number):
        planted, found = ("yes" if each.planted else "no"), ("yes" if each.found else "no")
        wrongly = each.found != each.planted
        lines.append(
            f"| {each.number + 1}: {each.kind} | {planted} | {f'**{found}**' if wrongly else found} |"
        )
    return "\n".join(lines) + "\n"


def _at_most(rate: Rate, *, whole: bool) -> str:
    said = f"{rate.value:.1%}, at most {rate.high:.1%}"
    return f"**{said}**" if whole and rate.high > ALPHA else said


def _at_least(rate: Rate) -> str:
    return f"{rate.value:.1%} of {rate.n}, at least {rate.low:.1%}" if rate.n else "none measured"
