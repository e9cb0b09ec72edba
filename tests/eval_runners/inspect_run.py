"""Runs Inspect with its mock model; the log is written to the folder it is given."""

from __future__ import annotations

import sys

import inspect_ai
from inspect_ai import Task
from inspect_ai.dataset import MemoryDataset, Sample
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


SAMPLES = [
    Sample(id=given, input=given, target=target, metadata={"language": "en"})
    for given, target in (("good", "Default output"), ("bad", "refused"), ("boom", "x"), ("left out", "x"))
]
inspect_ai.eval(
    Task(
        name="fees",
        dataset=MemoryDataset(SAMPLES, name="tasks"),
        solver=[break_on_boom(), generate()],
        scorer=includes(),
    ),
    model="mockllm/model",
    epochs=2,
    limit=3,
    fail_on_error=False,
    log_dir=sys.argv[1],
    log_format=sys.argv[2],
    display="none",
)
