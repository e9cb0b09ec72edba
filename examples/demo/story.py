"""The demo, step by step: each step goes through the door its user would take, and returns what it saw."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, TypeAlias

from rich.console import Console

from config.demo_people import DEMO_PASSWORD
from examples.catalogue import load_named
from examples.common.copilot import Copilot
from examples.common.generation import Generator
from examples.demo import binder, change, governance, people, releasing, upgrade
from examples.demo.api import Api
from examples.demo.command_line import Told, ask_gate, ask_impact, push_eval
from examples.demo.stack import Stack
from examples.demo.table import print_cleared, print_impact, print_story
from examples.evals.run import evaluate
from examples.progress import make_progress
from examples.run import run_copilots
from interpret.dictionaries import files
from requirements.starter import read_starter

BASELINE: Final = "demo-3"  # the starter requirements and the copilot's own
ASSEMBLED_WITHIN: Final = 600  # seconds; a slow machine takes minutes
PROBED_WITHIN: Final = 600  # seconds
PROBES: Final = {  # smaller than the defaults, to fit two cores; the intervals say what that costs
    "induction.heads": {"sequences": 40, "length": 24, "heads": 2, "control_draws": 19},
    "entropy.next_token": {"max_tokens": 128},
    # After the layer of which a dictionary ships. So few directions support nothing of a use that stands alone.
    "attribute.proxies": {"prompt_set": "credit-gender-en", "depth": 0.52, "pairs": 40, "control_draws": 19},
}

Gates: TypeAlias = dict[tuple[str, str], Told]  # by system and gate


@dataclass
class Story:
    """What happened, as the closing table tells it."""

    traces: dict[str, int] = field(default_factory=dict)
    claims: dict[str, int] = field(default_factory=dict)
    verdicts: dict[str, Counter[str]] = field(default_factory=dict)
    assessments: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    thresholds: dict[str, dict[str, float]] = field(default_factory=dict)
    drafts: dict[str, int] = field(default_factory=dict)  # tasks whose prompt is no part of the release
    gates: Gates = field(default_factory=dict)
    gates_after_findings: Gates = field(default_factory=dict)
    reviews: dict[str, dict[str, int]] = field(default_factory=dict)
    findings: list[dict[str, Any]] = field(default_factory=list)
    attached: list[dict[str, Any]] = field(default_factory=list)
    changed: change.Changed | None = None
    binder: binder.Verified | None = None
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def timed(self, step: str, console: Console) -> Iterator[None]:
        """Time a step, and say that it has begun."""
        console.print(f"[bold cyan]•[/] {step}")
        started = time.monotonic()
        yield
        self.seconds[step] = time.monotonic() - started

    @property
    def gates_unchanged(self) -> bool:
        """Whether the gates said the same, for the same reasons, before and after the findings."""
        return all(
            (told.code, told.answer["reasons"])
            == (self.gates_after_findings[key].code, self.gates_after_findings[key].answer["reasons"])
            for key, told in self.gates.items()
        )

    @property
    def complete(self) -> bool:
        """Whether everything the demo is meant to show was seen."""
        verdicts = {row["verdict"] for rows in self.assessments.values() for row in rows}
        decided = {told.answer["verdict"] for told in self.gates.values()}
        return (
            all(self.traces.values())
            and {"met", "not_met", "insufficient"} <= verdicts
            and {"pass", "fail"} <= decided
            and self.gates_unchanged
            and bool(self.attached)
            and self.changed is not None
            and self.changed.cleared_only_one
            and self.binder is not None
            and self.binder.accepted
            and self.binder.tampered_refused
        )


def tell(stack: Stack, generator: Generator, seconds: dict[str, float], var: Path, console: Console) -> bool:
    """Run every step and print the closing table; return whether all of it was seen.

    Args:
        seconds: what the steps before took, by step.
    """
    story = Story(seconds=seconds)
    copilots = load_named("all")
    with story.timed("people, systems, tokens, releases, requirements and their links, gates", console):
        setup = people.set_up({copilot.key: copilot.name for copilot in copilots})
        author = Api(stack.url, setup.tokens["author"])
        for copilot in copilots:
            prepare(copilot, generator, setup, author)
    reader = Api(stack.url, setup.tokens["auditor"])
    began = datetime.now(UTC)
    with story.timed("run the copilots; assemble their traces", console):
        _run_copilots(stack, copilots, generator, setup, var, console)
        _await_traces(story, reader, copilots, began, console)
    first, *others = copilots
    with story.timed(f"{first.key}: evaluate, post the results as CI does, review, ask the gates", console):
        _judge(story, stack, [first], generator, setup, var, console)
    researcher = Api(stack.url, setup.tokens["researcher"])
    with story.timed("put on record what the model was before, to be compared with", console):
        compared = upgrade.probe_of_upgrade(setup.systems[first.key], first.release, var / "models")
    runs = _queue_probes(researcher, first, compared)
    for digest in files.stored(files.SHIPPED):
        researcher.post("dictionaries", {"system": first.key, "digest": digest})
    with story.timed("the others likewise; meanwhile a worker probes the model's inside", console):
        _judge(story, stack, others, generator, setup, var, console)
    with story.timed("wait for the probes, and for what they found to be attached", console):
        _await_probes(story, researcher, runs, console)
    with story.timed("ask the gates again: a finding changes no verdict", console):
        story.gates_after_findings = _ask_gates(stack, copilots, setup)
    with story.timed(f"{first.key}: change the prompt; ask first what that does; clear one link", console):
        story.changed = _change_prompt(stack, first, generator, setup, author, console)
    with story.timed("export a binder, verify it, change one byte, verify it again", console):
        story.binder = binder.export_and_verify(
            reader,
            first,
            BASELINE,
            period=(began - timedelta(minutes=1), datetime.now(UTC)),
            folder=var / "demo",
        )
    for copilot in copilots:
        rows = reader.everything("assessments", system=copilot.key, release=copilot.release)
        story.assessments[copilot.key] = list({row["criterion"]: row for row in reversed(rows)}.values())
        story.thresholds[copilot.key] = governance.read_thresholds(setup.systems[copilot.key])
        story.drafts[copilot.key] = sum(task.prompt is not None for task in copilot.tasks())
    print_story(story, people.role_lines(), DEMO_PASSWORD, console)
    return story.complete


def prepare(copilot: Copilot, generator: Generator, setup: people.Setup, author: Api) -> None:
    """Register the release, import the requirements with their links to it, have them approved, put it live."""
    releasing.register(author, setup.systems[copilot.key], copilot, generator)
    author.post_bytes(
        f"requirements/import?system={copilot.key}&file=starter.yaml", read_starter(), "application/yaml"
    )
    author.post_bytes(
        f"requirements/import?system={copilot.key}&file=requirements.yaml",
        (copilot.folder / "requirements.yaml").read_bytes(),
        "application/yaml",
    )
    governance.approve_requirements(setup.systems[copilot.key], BASELINE)
    governance.put_live(setup.systems[copilot.key], copilot.release)


def _run_copilots(
    stack: Stack,
    copilots: list[Copilot],
    generator: Generator,
    setup: people.Setup,
    var: Path,
    console: Console,
) -> None:
    run_copilots(
        copilots,
        generator,
        url=stack.url,
        tokens={"*": setup.tokens["applications"]},
        environment=governance.ENVIRONMENT,
        out=var / "examples",
        console=console,
    )


def _await_traces(
    story: Story, reader: Api, copilots: list[Copilot], began: datetime, console: Console
) -> None:
    """Wait until every answer of this run is an assembled trace, and count what is in them."""
    expected = {copilot.key: len(copilot.tasks()) for copilot in copilots}
    with make_progress(console) as progress:
        bar = progress.add_task("assembled", total=sum(expected.values()))

        def count() -> bool:
            for key in expected:
                story.traces[key] = len(reader.everything("traces", system=key, since=began.isoformat()))
            progress.update(bar, completed=sum(story.traces.values()))
            return all(story.traces[key] >= expected[key] for key in expected)

        _await(count, ASSEMBLED_WITHIN, "not every trace was assembled in time")
    for copilot in copilots:
        rows = reader.everything("traces", system=copilot.key, since=began.isoformat())
        details = [reader.get(f"traces/{row['trace_id']}") for row in rows]
        claims = [claim for detail in details for claim in detail["claims"]]
        story.claims[copilot.key] = len(claims)
        story.verdicts[copilot.key] = Counter(
            citation["verdict"] for claim in claims for citation in claim["citations"]
        )


def _judge(
    story: Story,
    stack: Stack,
    copilots: list[Copilot],
    generator: Generator,
    setup: people.Setup,
    var: Path,
    console: Console,
) -> None:
    """Evaluate copilots, have some of their answers reviewed, and ask their gates."""
    _evaluate(stack, copilots, generator, setup, var, console)
    reviewers = [setup.people[name] for name in ("rui", "vera", "tomas")]
    for copilot in copilots:
        judged = governance.review_some(setup.systems[copilot.key], reviewers)
        story.reviews[copilot.key] = judged.decisions
    story.gates |= _ask_gates(stack, copilots, setup)


def _evaluate(
    stack: Stack,
    copilots: list[Copilot],
    generator: Generator,
    setup: people.Setup,
    var: Path,
    console: Console,
) -> None:
    """Run each suite for real, write its file, and push it with the client."""
    folder = var / "demo"
    folder.mkdir(parents=True, exist_ok=True)
    with make_progress(console) as progress:
        documents = evaluate(copilots, generator, var / "examples", progress)
    for copilot in copilots:
        path = folder / f"eval-{copilot.key}.json"
        path.write_text(json.dumps(documents[copilot.key], ensure_ascii=False, indent=1), encoding="utf-8")
        push_eval(stack.url, setup.tokens["ci"], path, copilot.key, copilot.release)


def _ask_gates(stack: Stack, copilots: list[Copilot], setup: people.Setup) -> Gates:
    return {
        (copilot.key, gate): ask_gate(stack.url, setup.tokens["ci"], gate, copilot.key, copilot.release)
        for gate in governance.GATES
        for copilot in copilots
    }


def _change_prompt(
    stack: Stack, copilot: Copilot, generator: Generator, setup: people.Setup, author: Api, console: Console
) -> change.Changed:
    """Register a release with another prompt, print what it would do, then put it live and clear one link."""
    system, candidate = setup.systems[copilot.key], change.next_release(copilot)
    releasing.register(author, system, candidate, generator)
    print_impact(ask_impact(stack.url, setup.tokens["ci"], copilot.key, candidate.release), console)
    changed = change.go_live_and_clear_one(author, system, candidate.release)
    print_cleared(candidate.release, changed, console)
    return changed


def _queue_probes(researcher: Api, copilot: Copilot, compared: dict[str, Any]) -> list[dict[str, Any]]:
    """Ask for the probes of a release, and for one that compares its model; the interpret worker takes them up."""
    probes = [{"probe": probe, "parameters": parameters} for probe, parameters in PROBES.items()]
    probes.append(compared)
    plan = {"system": copilot.key, "release": copilot.release, "probes": probes}
    runs: list[dict[str, Any]] = researcher.post("probe-plans", plan)["runs"]
    return runs


def _await_probes(story: Story, researcher: Api, runs: list[dict[str, Any]], console: Console) -> None:
    """Wait for the interpret worker, and for the findings to be put forward."""
    with make_progress(console) as progress:
        bar = progress.add_task("probes", total=2 * len(runs))

        def finished() -> bool:
            states = [researcher.get(f"probe-runs/{run['id']}") for run in runs]
            failed = [state["error"] for state in states if state["state"] == "failed"]
            if failed:
                raise RuntimeError(f"a probe failed: {failed[0]}")
            done = sum(state["state"] == "done" for state in states)
            attached = sum(state["attached_at"] is not None for state in states)
            progress.update(bar, completed=done + attached)
            return attached == len(states)

        _await(finished, PROBED_WITHIN, "the probes were not done in time")
    ids = {run["id"] for run in runs}
    story.findings = [row for row in researcher.everything("findings") if row["run"] in ids]
    story.attached = researcher.everything("evidence", layer="mechanistic")


def _await(done: Callable[[], bool], seconds: float, otherwise: str) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        if time.monotonic() > deadline:
            raise TimeoutError(otherwise)
        time.sleep(0.5)
