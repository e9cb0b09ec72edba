"""Runs DeepEval with metrics that need no model; its test runs are written to the folder it is given."""

from __future__ import annotations

import os
import sys

os.environ["DEEPEVAL_TELEMETRY_OPT_OUT"] = "YES"
os.environ["DEEPEVAL_RESULTS_FOLDER"] = sys.argv[1]

from deepeval import evaluate
from deepeval.evaluate import AsyncConfig, DisplayConfig, ErrorConfig
from deepeval.metrics import BaseMetric
from deepeval.test_case import LLMTestCase


class Contains(BaseMetric):
    """1 where an answer holds a word; breaks on `boom`, and gives NaN on `nan`."""

    def __init__(self, word: str, threshold: float) -> None:
        self.word, self.threshold = word, threshold
        self.evaluation_model, self.async_mode, self.strict_mode, self.include_reason = (
            "judge-1",
            False,
            False,
            True,
        )

    def measure(self, case: LLMTestCase, *_: object, **__: object) -> float:
        if case.input == "boom":
            raise RuntimeError("boom")
        self.score = float("nan") if case.input == "nan" else float(self.word in (case.actual_output or ""))
        self.success, self.reason = self.score >= self.threshold, "looked for it"
        return self.score

    async def a_measure(self, case: LLMTestCase, *_: object, **__: object) -> float:
        return self.measure(case)

    def is_successful(self) -> bool:
        return bool(self.success)

    @property
    def __name__(self) -> str:
        return f"Contains {self.word}"


evaluate(
    [LLMTestCase(name=given, input=given, actual_output=answer) for given, answer in
     (("good", "hello"), ("bad", "no"), ("boom", "hello"), ("nan", "hello"))],
    [Contains("hello", 0.5)],
    hyperparameters={"model": "m"},
    identifier="soak",
    error_config=ErrorConfig(ignore_errors=True),
    async_config=AsyncConfig(run_async=False),
    display_config=DisplayConfig(show_indicator=False, print_results=False),
)  # fmt: skip
