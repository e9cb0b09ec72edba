from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from examples.catalogue import COPILOTS
from examples.common.confidence import score_margin
from examples.common.documents import Document, Passage
from examples.common.generation import Completion, GenerationRequest, LockstepBatcher, cut_evenly
from examples.common.prompts import Message, PromptError
from examples.common.retrieval import Hit
from tests.examples.scripted import ScriptedGenerator

REQUEST = GenerationRequest((Message("user", "hello"),), 8)


def test_a_batch_holds_every_running_task_in_the_order_of_their_keys() -> None:
    generator = ScriptedGenerator(lambda asked: asked.upper())
    batcher = LockstepBatcher(generator, participants=3)

    def work(key: str) -> list[str]:
        rounds = 1 if key == "b" else 2
        texts = [
            batcher.complete(key, GenerationRequest((Message("user", f"{key}{n}"),), 8)).text
            for n in range(rounds)
        ]
        batcher.leave()
        return texts

    with ThreadPoolExecutor(3) as pool:
        texts = list(pool.map(work, ["c", "a", "b"]))
    assert texts == [["C0", "C1"], ["A0", "A1"], ["B0"]]
    assert [[request.messages[0].content for request in batch] for batch in generator.batches] == [
        ["a0", "b0", "c0"],
        ["a1", "c1"],
    ]


def test_a_batch_says_how_many_it_answered() -> None:
    told: list[int] = []
    batcher = LockstepBatcher(ScriptedGenerator(str), participants=1, report=told.append)
    batcher.complete("a", REQUEST)
    assert told == [1]


@pytest.mark.parametrize(
    ("members", "parts", "sizes"),
    [(38, 2, [19, 19]), (7, 2, [3, 4]), (5, 3, [1, 2, 2]), (1, 2, [1]), (0, 2, [])],
)
def test_a_batch_is_cut_into_parts_of_like_size_and_none_is_empty(
    members: int, parts: int, sizes: list[int]
) -> None:
    cut = cut_evenly(range(members), parts)
    assert [len(part) for part in cut] == sizes
    assert [member for part in cut for member in part] == list(range(members))


def test_a_failing_model_fails_every_task_of_the_batch() -> None:
    class Failing(ScriptedGenerator):
        def complete_batch(self, requests: Sequence[GenerationRequest]) -> list[Completion]:
            raise RuntimeError("out of memory")

    batcher = LockstepBatcher(Failing(str), participants=2)
    with ThreadPoolExecutor(2) as pool:
        futures = [pool.submit(batcher.complete, key, REQUEST) for key in "ab"]
    for future in futures:
        with pytest.raises(RuntimeError, match="out of memory"):
            future.result()


def test_the_margin_is_between_documents_and_not_passages() -> None:
    one, two = (Document(name, name, "en", "", "2030-12-31") for name in ("A", "B"))
    hits = [Hit(Passage(one, "x"), 4.0), Hit(Passage(one, "y"), 3.9), Hit(Passage(two, "z"), 1.0)]
    assert score_margin(hits) == 0.75
    assert score_margin(hits[:2]) == 1.0
    assert score_margin([]) == 0.0


def test_a_prompt_says_what_it_lacks() -> None:
    prompt = COPILOTS["aml-copilot"]().prompt
    with pytest.raises(PromptError, match="answer/fr"):
        prompt.render("answer", "fr", passages="", facts="", question="")
    with pytest.raises(PromptError, match="question"):
        prompt.render("answer", "en", passages="", facts="")
