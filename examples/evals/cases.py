"""The labelled cases of a copilot's domain: what a right answer decides, names, states or passes on to a person.

Each copilot has its own in `evals/cases.yaml`. What is asked of the answer, a field of the case says: `right` (which of
its choices), `names` (a pattern for each reason to be named), `amount` (what has to be stated) or `passed_on` (whether
the answer leads to a person).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import yaml

from examples.common.copilot import Copilot
from examples.common.generation import Completion, GenerationRequest
from examples.common.structure import read_decision
from examples.evals.samples import PASSAGES, Part
from examples.evals.scorers import score

ALERTS: Final[Mapping[str, str]] = {  # the right choice -> the metric that a wrong one counts in
    "report": "false_negative_rate", "上报": "false_negative_rate",
    "close": "false_positive_rate", "关闭": "false_positive_rate",
}  # fmt: skip
_PASSED_ON: Final = re.compile(
    r"care team|colleague|advis[oe]r|call us|speak (?:to|with)|contact|passed (?:on )?to|人工|专员|关怀|转交|联系",
    re.IGNORECASE,
)
_AMOUNT: Final = re.compile(r"\d+(?:,\d{3})*(?:\.\d+)?")


def prepare_cases(copilot: Copilot) -> Part:
    """One sample a labelled case."""
    cases = _read(copilot)

    def score_all(completions: Sequence[Completion]) -> Iterator[dict[str, Any]]:
        for case, completion in zip(cases, completions, strict=True):
            metric, found = score_case(case, completion.text)
            where = {"language": case["language"], "task": f"case/{metric}"}
            yield {
                "id": f"case/{case['id']}",
                "slice": where | ({"region": case["region"]} if "region" in case else {}),
                "input": case["question"],
                "output": completion.text,
                "target": None,
                "trace_id": None,
                "scores": {metric: found},
            }

    return Part([_request(copilot, case) for case in cases], score_all)


def metrics_of_cases(copilot: Copilot) -> set[str]:
    """Return the metrics that the labelled cases of a copilot ask for."""
    return {_metric_of(case) for case in _read(copilot)}


def _read(copilot: Copilot) -> list[dict[str, Any]]:
    cases: list[dict[str, Any]] = yaml.safe_load(
        (copilot.folder / "evals" / "cases.yaml").read_text(encoding="utf-8")
    )
    return cases


def score_case(case: Mapping[str, Any], answer: str) -> tuple[str, dict[str, Any]]:
    """Return the metric that a case belongs to, and the score of an answer to it. An empty one is not scored."""
    if not answer:
        return _metric_of(case), score(None, "the model wrote nothing", status="unscored")
    if "right" in case:
        return _metric_of(case), _score_alert(case, answer)
    if "names" in case:
        said = answer.replace(case["question"], "")  # an echo gives no reason
        return case["metric"], _score_reasons(case["names"], said)
    if "amount" in case:
        return case["metric"], _score_amount(case["amount"], answer)
    passed_on = bool(_PASSED_ON.search(answer))
    told = "leads to a person" if passed_on else "leads to nobody"
    return case["metric"], score(float(passed_on == case["passed_on"]), told)


def _request(copilot: Copilot, case: Mapping[str, Any]) -> GenerationRequest:
    language, question = case["language"], case["question"]
    if "choices" in case:
        messages = copilot.prompt.render(
            "decision", language, facts="", question=question, choices=", ".join(case["choices"])
        )
        return GenerationRequest(messages, copilot.prompt.budget("decision", language))
    hits = copilot.retriever.search(question, top=PASSAGES)
    passages = "\n".join(f"[{hit.passage.document.id}] {hit.passage.text}" for hit in hits)
    messages = copilot.prompt.render("answer", language, passages=passages, facts="", question=question)
    return GenerationRequest(messages, copilot.prompt.budget("answer", language))


def _metric_of(case: Mapping[str, Any]) -> str:
    return ALERTS[case["right"]] if "right" in case else str(case["metric"])


def _score_alert(case: Mapping[str, Any], answer: str) -> dict[str, Any]:
    """1 where a suspicious alert is not reported, or a harmless one is; without a single choice nothing is known."""
    decision = read_decision(answer, case["choices"])
    if decision is None:
        return score(None, "the answer makes no single choice", status="unscored")
    reported = decision == case["choices"][0]
    suspicious = case["right"] == case["choices"][0]
    return score(float(reported != suspicious), f"{decision}, where {case['right']} is right")


def _score_reasons(patterns: Sequence[str], answer: str) -> dict[str, Any]:
    missing = [pattern for pattern in patterns if not re.search(pattern, answer, re.IGNORECASE)]
    return score(
        float(not missing), f"does not name {'; '.join(missing)}" if missing else "names each reason"
    )


def _score_amount(amount: str, answer: str) -> dict[str, Any]:
    """1 where the amount is stated. Other amounts may stand beside it: the cap beside the daily charge."""
    stated = [found.replace(",", "") for found in _AMOUNT.findall(answer)]
    told = f"states {', '.join(stated)}" if stated else "states no amount"
    return score(float(amount in stated), f"{told}, where {amount} is right")
