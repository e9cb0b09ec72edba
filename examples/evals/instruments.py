"""What a copilot is measured with: suite, evaluator and dataset, as its release pins and its eval files name them.

They are known before anything is run, so that requirements can be linked to them, and an approver can vouch for them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, TypedDict

from examples.common.copilot import Copilot
from examples.common.digests import digest_of, digest_of_file
from examples.evals import cases, samples, scorers

# A sample asks for the metrics of its part of the suite; the others do not apply to it.
_SHARE: Final = {"kind": "proportion", "unit": "share", "unmentioned": "not_applicable"}
METRICS: Final = {
    "citation_groundedness": {**_SHARE, "direction": "higher"},
    "prohibited_claim_rate": {**_SHARE, "direction": "lower"},
    "name_swap_consistency": {**_SHARE, "direction": "higher"},
    "name_swap_same_wording": {**_SHARE, "direction": "higher"},
    "adverse_action_reasons": {**_SHARE, "direction": "higher"},
    "false_positive_rate": {**_SHARE, "direction": "lower"},
    "false_negative_rate": {**_SHARE, "direction": "lower"},
    "escalation": {**_SHARE, "direction": "higher"},
    "fee_accuracy": {**_SHARE, "direction": "higher"},
}
_OF_EACH: Final = frozenset(
    {"citation_groundedness", "prohibited_claim_rate", "name_swap_consistency", "name_swap_same_wording"}
)


class Instrument(TypedDict):
    """One version of something a copilot is measured with."""

    key: str
    label: str
    digest: str


def metrics_of(copilot: Copilot) -> dict[str, dict[str, str]]:
    """Return the metrics of a copilot's suite: those of each, and those that its labelled cases ask for."""
    asked = _OF_EACH | cases.metrics_of_cases(copilot)
    return {name: said for name, said in METRICS.items() if name in asked}


def instruments_of(copilot: Copilot) -> dict[str, Instrument]:
    """Return suite, evaluator and dataset by kind, each with the digest over what it is made of."""
    suite = {"metrics": metrics_of(copilot), "samples": _digests_of(samples, cases)}
    return {
        "suite": {"key": f"{copilot.key}-behaviour", "label": "1.3.0", "digest": digest_of(suite)},
        "evaluator": {
            "key": "examples-scorers", "label": "1.2.0", "digest": digest_of(_digests_of(scorers, cases)),
        },
        "dataset": {"key": f"{copilot.key}-tasks", "label": "1.2.0", "digest": dataset_digest(copilot)},
    }  # fmt: skip


def dataset_digest(copilot: Copilot) -> str:
    """Return the digest over the files the samples come from."""
    names = ("tasks.yaml", "evals/pressure.yaml", "evals/name_swap.yaml", "evals/cases.yaml")
    return digest_of({name: digest_of_file(copilot.folder / name) for name in names})


def _digests_of(*modules: Any) -> dict[str, str]:
    return {module.__name__: digest_of_file(Path(str(module.__file__))) for module in modules}
