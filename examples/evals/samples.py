"""Samples of the parts that every suite has: recorded answers, pressure prompts and name swaps."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

import yaml

from examples.common.copilot import Copilot
from examples.common.generation import Completion, GenerationRequest, Generator, cut_evenly
from examples.evals.scorers import (
    score,
    score_groundedness,
    score_prohibited,
    score_same_decision,
    score_same_wording,
)

BATCH: Final = 72  # requests the model is given at a time
PASSAGES: Final = 1  # shown with a pressure prompt
Report = Callable[[int], None]  # how many generations have been made since


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a suite that asks the model: what it asks, and the samples that the answers make."""

    requests: list[GenerationRequest]
    score: Callable[[Sequence[Completion]], Iterator[dict[str, Any]]]  # given an answer a request, in order


def sample_recorded_answers(copilot: Copilot, outcomes: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """One sample a material claim (groundedness) and one an answer (prohibited claims), from recorded runs.

    Only answers made with the prompt of the release count; an answer without a material claim is kept, not scored.
    """
    texts = {document.id: document.text for document in copilot.documents}
    for outcome in outcomes:
        if outcome["prompt_digest"] != copilot.prompt.digest:
            continue
        common = {
            "slice": {"language": outcome["language"], "task": outcome["task"]},
            "input": outcome["question"],
            "target": None,
            "trace_id": outcome["trace_id"],
        }
        yield {
            "id": f"{outcome['task']}/answer",
            **common,
            "output": outcome["answer"],
            "scores": {"prohibited_claim_rate": score_prohibited(outcome["answer"], copilot.policy)},
        }
        material = [claim for claim in outcome["claims"] if claim["material"]]
        if not material:
            nothing = score(None, "the answer makes no material claim", status="unscored")
            yield {
                "id": f"{outcome['task']}/claims",
                **common,
                "output": outcome["answer"],
                "scores": {"citation_groundedness": nothing},
            }
        for number, claim in enumerate(material, 1):
            yield {
                "id": f"{outcome['task']}/claim-{number}",
                **common,
                "output": claim["text"],
                "scores": {"citation_groundedness": score_groundedness(claim, texts)},
            }


def prepare_pressure(copilot: Copilot) -> Part:
    """One sample a pressure prompt: a question that asks for a prohibited claim."""
    entries = yaml.safe_load((copilot.folder / "evals" / "pressure.yaml").read_text(encoding="utf-8"))
    requests = []
    for entry in entries:
        hits = copilot.retriever.search(entry["question"], top=PASSAGES)
        passages = "\n".join(f"[{hit.passage.document.id}] {hit.passage.text}" for hit in hits)
        messages = copilot.prompt.render(
            "answer", entry["language"], passages=passages, facts="", question=entry["question"]
        )
        requests.append(GenerationRequest(messages, copilot.prompt.budget("answer", entry["language"])))

    def score_all(completions: Sequence[Completion]) -> Iterator[dict[str, Any]]:
        for entry, completion in zip(entries, completions, strict=True):
            yield {
                "id": f"pressure/{entry['id']}",
                "slice": {"language": entry["language"], "task": "pressure"},
                "input": entry["question"],
                "output": completion.text,
                "target": None,
                "trace_id": None,
                "scores": {"prohibited_claim_rate": score_prohibited(completion.text, copilot.policy)},
            }

    return Part(requests, score_all)


def prepare_name_swaps(copilot: Copilot) -> Part:
    """One sample a scenario and pair of names: is the same question decided the same under both names?"""
    data = yaml.safe_load((copilot.folder / "evals" / "name_swap.yaml").read_text(encoding="utf-8"))
    cases = [
        (scenario, pair["names"], pair["swap"])
        for scenario in data["scenarios"]
        for pair in data["pairs"][scenario["language"]]
    ]

    def score_all(completions: Sequence[Completion]) -> Iterator[dict[str, Any]]:
        for number, (scenario, pair, swap) in enumerate(cases):
            texts = [completion.text for completion in completions[2 * number : 2 * number + 2]]
            yield {
                "id": f"name-swap/{scenario['id']}/{'-'.join(pair)}",
                "slice": {
                    "language": scenario["language"],
                    "task": f"name-swap/{scenario['id']}",
                    "swap": swap,
                },
                "input": scenario["text"],
                "output": " / ".join(texts),
                "target": None,
                "trace_id": None,
                "scores": {
                    "name_swap_consistency": score_same_decision(texts, scenario["choices"]),
                    "name_swap_same_wording": score_same_wording(texts, pair),
                },
            }

    return Part(
        [_decision_request(copilot, scenario, name) for scenario, pair, _ in cases for name in pair],
        score_all,
    )


def answer_parts(parts: Sequence[Part], generator: Generator, report: Report) -> list[list[dict[str, Any]]]:
    """Ask the model what all parts ask, together, and return the samples of each part."""
    completions = iter(generate(generator, [request for part in parts for request in part.requests], report))
    return [list(part.score(list(islice(completions, len(part.requests))))) for part in parts]


def generate(generator: Generator, requests: Sequence[GenerationRequest], report: Report) -> list[Completion]:
    """Answer `requests` in batches of at most `BATCH`, those of like budget together, so that they end together."""
    order = sorted(range(len(requests)), key=lambda i: -requests[i].max_new_tokens)
    answers: dict[int, Completion] = {}
    for members in cut_evenly(order, -(-len(order) // BATCH)):
        completions = generator.complete_batch([requests[i] for i in members])
        answers.update(zip(members, completions, strict=True))
        report(len(members))
    return [answers[i] for i in range(len(requests))]


def _decision_request(copilot: Copilot, scenario: dict[str, Any], name: str) -> GenerationRequest:
    messages = copilot.prompt.render(
        "decision",
        scenario["language"],
        facts="",
        question=scenario["text"].format(name=name),
        choices=", ".join(scenario["choices"]),
    )
    return GenerationRequest(messages, copilot.prompt.budget("decision", scenario["language"]))
