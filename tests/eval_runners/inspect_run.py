"""Runs Inspect with its mock model; the log is written to the folder it is given."""

from __future__ import annotations

import sys

import inspect_ai
from inspect_ai import Task
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import ModelOutput, ModelUsage, get_model
from inspect_ai.scorer import includes
from inspect_ai.solver import Generate, TaskState, generate, solver


@solver
def break_on_boom():
    """Raise where the question is `boom`."""

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        del generate
        if state.input_text == "boom":
            raise RuntimeError("boom")
        return state

    return solve


def answers():
    """Yield the same answer again and again; one without its count of tokens would be counted over the network."""
    while True:
        answer = ModelOutput.from_content("mockllm/model", "the fee is due")
        answer.usage = ModelUsage(input_tokens=1, output_tokens=4, total_tokens=5)
        yield answer


SAMPLES = [
    Sample(id=given, input=given, target=target, metadata={"language": "en"})
    for given, target in (("good", "due"), ("bad", "refused"), ("boom", "x"), ("left out", "x"))
]
inspect_ai.eval(
    Task(
        name="fees",
        dataset=MemoryDataset(SAMPLES, name="tasks"),
        solver=[break_on_boom(), generate()],
        scorer=includes(),
    ),
    model=get_model("mockllm/model", custom_outputs=answers()),
    epochs=2,
    limit=3,
    fail_on_error=False,
    log_dir=sys.argv[1],
    log_format=sys.argv[2],
    display="none",
)
