"""What is refused is said by pages in their reader's language, and by everything else in English, as it always was."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import translation

from config.problems import APP_ERRORS, KINDS
from evidence import clock
from evidence.access import principal_of_user
from evidence.errors import AccessDenied, ConflictingContent
from evidence.models import QueuedTask, ReviewDraft
from evidence.pages.refusals import refusal, refusal_text, title_in_language
from evidence.services import reviews
from evidence.services.review_drafts import decide, record_decided
from evidence.worded import Worded, sentence_of, worded
from tests.e2e.cases import make_task
from tests.evidence.test_blinding import colleague
from tests.evidence.test_review_desk import at, press, signed_in
from tests.factories import World
from tests.invariants.walk import REPOSITORY

HAN: Final = re.compile("[\u4e00-\u9fff]")
REJECTED: Final[Any] = {"decision": "reject", "reason_code": "unclear", "rationale": "Hm."}
# Where what is refused is shown by a page: each sentence there is one that can be said in another language.
ROOMS: Final = (
    *(REPOSITORY / "evidence" / "acts").glob("*.py"),
    *(REPOSITORY / "evidence" / "services").glob("review*.py"),
    *(REPOSITORY / "evidence" / "services").glob("gold*.py"),
    *(
        each
        for folder in ("gates", "people", "disposal")
        for each in (REPOSITORY / "evidence" / "services" / folder).glob("*.py")
    ),
    *(
        REPOSITORY / "evidence" / "services" / f"{name}.py"
        for name in ("labels", "sampling", "defeaters", "proposals")
    ),
    *(REPOSITORY / "requirements" / "services").glob("*.py"),
    *(REPOSITORY / "requirements" / "services" / "importing").glob("*.py"),
    REPOSITORY / "requirements" / "acts.py",
    REPOSITORY / "interpret" / "acts.py",
)


def kinds_of(error: Any) -> Iterator[Any]:
    """Yield an error class and all below it."""
    yield error
    for each in error.__subclasses__():
        yield from kinds_of(each)


def codes() -> dict[str, str]:
    """Every code of an error with its title."""
    errors = [
        each for root in APP_ERRORS for each in kinds_of(root) if each.__module__.split(".")[0] != "tests"
    ]
    return {each.code: each.title for each in errors} | {code: kind.title for code, kind in KINDS.items()}


def test_each_code_that_a_page_can_show_has_its_title_in_chinese() -> None:
    assert len(codes()) > 100
    with translation.override("zh-hans"):
        told = {code: title_in_language(code, title) for code, title in codes().items()}
    assert [code for code, title in told.items() if not HAN.search(title)] == []


# What is raised with the faults of a file or a form, each of which has its own words.
OF_PROBLEMS: Final = {"KeyOfAnotherFile", "RequirementFileInvalid", "WarningsUnread"}
# What a sentence comes from: `worded` itself, or what was given or kept as one, or is stored.
WORDED: Final = {"worded", "sentence_of", "why", "INSTEAD[RequirementState", "plans[0].held"}


def bare_sentences(path: Path) -> Iterator[str]:
    """Yield each sentence that an error of ours is raised with in a module, and that is not `worded`."""
    ours = {each.__name__ for root in APP_ERRORS for each in kinds_of(root)}
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.Raise(ast.Call(ast.Name(name), [said, *_])) if (
                name in ours - OF_PROBLEMS and ast.unparse(said).split("(")[0] not in WORDED
            ):
                yield f"{path.relative_to(REPOSITORY)}:{said.lineno}"


def test_what_pages_refuse_can_be_said_in_another_language() -> None:
    assert len(ROOMS) > 40
    assert [place for path in ROOMS for place in bare_sentences(path)] == []


def test_a_sentence_is_its_english_and_keeps_what_it_is_made_of() -> None:
    said = worded("%(person)s is not active: make them active first.", person="ada")
    exc = ConflictingContent(said)
    assert str(exc) == "ada is not active: make them active first."
    assert type(str(exc)) is str
    with translation.override("en"):
        assert refusal(exc) == "Conflicts with what is stored. ada is not active: make them active first."
    with translation.override("zh-hans"):
        assert refusal_text(exc) == "ada 未启用：请先启用。"
        assert refusal(exc) == "与已保存的内容冲突。ada 未启用：请先启用。"
        other = refusal(AccessDenied("Nobody has translated <this>."))
    assert '<span lang="en">Nobody has translated &lt;this&gt;.</span>' in other
    assert isinstance(sentence_of(exc), Worded)


def test_the_desk_refuses_in_the_language_of_its_page_and_stores_and_answers_in_english(world: World) -> None:
    task, person = make_task(world), world.people["reviewer"]
    english, chinese = (
        "This answer has the reviews that were asked for, so it takes no more.",
        "所要求的审阅已齐",
    )
    client = signed_in(person)
    decide(principal=principal_of_user(person), trace=task.trace, said={"decision": "approve", "claims": {}})
    QueuedTask.objects.update(held_by=None, held_until=None)
    for name in ("one", "two"):
        principal = principal_of_user(colleague(world, name, "reviewer"))
        reviews.record_review(principal=principal, trace=task.trace, decision="approve")
    assert record_decided(clock.now() + timedelta(minutes=1)) == 0
    assert ReviewDraft.objects.get().refusal == english
    headers = {"accept-language": "zh-hans"}
    opened = client.get(at(task), headers=headers).content.decode()
    assert opened.count(chinese) == 2, "why one cannot judge, and what came of the draft"
    assert english not in opened
    press(client, task, "discard")
    said = {"act": "decide", "decision": "approve"}
    assert chinese in client.post(at(task), said, headers=headers, follow=True).content.decode()
    assert english in client.get(at(task), headers={"accept-language": "en"}).content.decode()


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_the_api_refuses_in_english_whatever_the_language(world: World, language: str) -> None:
    task = make_task(world)
    reviews.record_review(principal=principal_of_user(world.people["reviewer"]), trace=task.trace, **REJECTED)
    client = signed_in(world.people["reviewer"])
    answer = _review_by_api(client, task, language)
    assert answer.status_code == 409
    assert answer.json()["title"] == "Conflicts with what is stored"
    assert answer.json()["detail"] == "You have reviewed this answer. A changed mind goes to adjudication."


def _review_by_api(client: Client, task: Any, language: str) -> Any:
    return client.post(
        "/api/v1/reviews",
        {
            "system": task.system.key,
            "trace_id": task.trace.trace_id.hex,
            "decision": "approve",
        },
        content_type="application/json",
        headers={"accept-language": language},
    )


def test_who_is_refused_a_page_is_told_so_in_its_language(world: World) -> None:
    person: User = colleague(world, "ada", "auditor")
    told = signed_in(person).get(
        "/admin/review-desk/", headers={"accept": "text/html", "accept-language": "zh-hans"}
    )
    assert told.status_code == 403
    assert "您的角色无权访问" in told.content.decode()
