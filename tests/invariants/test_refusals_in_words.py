"""What is refused is said by pages in their reader's language, and by everything else in English, as it always was."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from datetime import timedelta
from functools import cache
from inspect import signature
from typing import Any, Final, get_type_hints

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import translation

from config.problems import APP_ERRORS, KINDS
from config.translations import PACKAGES
from evidence import clock
from evidence.access import principal_of_user
from evidence.errors import AccessDenied, ConflictingContent, Fault
from evidence.models import QueuedTask, ReviewDraft
from evidence.pages.refusals import (
    in_language,
    refusal,
    refusal_detail,
    refusal_text,
    said_and_language,
    title_in_language,
)
from evidence.services import reviews
from evidence.services.review_drafts import decide, record_decided
from evidence.worded import Coded, Worded, joined, quoted, sentence_of, worded
from requirements.editorial import Changed
from requirements.yaml_import.contracts import FileProblem
from requirements.yaml_import.reader import Fault as FaultOfReader
from requirements.yaml_import.troubles import Unreadable
from tests.e2e.cases import make_task
from tests.evidence.test_blinding import colleague
from tests.evidence.test_review_desk import at, press, signed_in
from tests.factories import World
from tests.invariants.walk import REPOSITORY

HAN: Final = re.compile("[\u4e00-\u9fff]")
REJECTED: Final[Any] = {"decision": "reject", "reason_code": "unclear", "rationale": "Hm."}
# What answers programs alone, or says what is stored before a page shows it: posted files, telemetry, findings.
MACHINES: Final = re.compile(
    r"/(api/(?!inputs)|management/|migrations/|otlp/)|^evidence/(evals|binder|semconv/(?!reading))|^evidence/log/"
    r"|^interpret/(calibration|dictionaries|probes)/"
    r"|^interpret/(ceiling|contracts|model_store|parts|registry|statistics)\.py"  # what probes import
)
ROOMS: Final = tuple(
    path
    for package in PACKAGES
    for path in sorted((REPOSITORY / package).rglob("*.py"))
    if not MACHINES.search(path.relative_to(REPOSITORY).as_posix())
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


# What is raised with faults, each of which has its own words, or makes its own sentence of what it is given.
OF_PROBLEMS: Final = {"EvalFileRefused", "KeyOfAnotherFile", "RequirementFileInvalid", "WarningsUnread"}
# Told below a sentence in the language of the page, and marked as English: what a stored picture lacks.
OF_SHAPES: Final = {"Malformed"}
OF_FIGURES: Final = {
    "AppendOnlyViolation",
    "ClockSetBack",
    "ListTooLong",
    "OutOfMemory",
    "PeriodTooFull",
    "TooManyAttempts",
}
# Where the sentence stands among what is given; first, where nothing is said of it.
PLACE_OF_SENTENCE: Final = {"ProviderRefused": 1}
# Errors of others that pages show with the sentence that they were raised with.
OF_PAGES: Final = {"NoTraceId", "PermissionDenied", "RefusedAddress", "UnreadableSearch"}
IN_ENGLISH: Final = re.compile("[a-z ]{2,}")
IN_WORDS: Final = re.compile("[a-z]{2,} | [a-z]{2,}")
# Functions whose argument is looked up in the catalogue, and values filled in.
MARKERS: Final = {"_", "gettext", "ngettext", "pgettext", "npgettext"}


def english_in(said: ast.expr) -> bool:
    """Whether an expression is, or may be, a text that is written there and nobody translates."""
    match said:
        case ast.Constant(str(text)):
            return bool(IN_WORDS.search(text))
        case ast.JoinedStr(parts) | ast.Dict(_, parts):
            return any(english_in(part) for part in parts)
        case ast.IfExp(_, one, other) | ast.BoolOp(_, [one, other]):
            return any(english_in(each) or is_word(each) for each in (one, other))
        case ast.BinOp(left, _, right):
            return english_in(left) or english_in(right)
        case ast.Call(ast.Attribute(between, "join"), [each]):
            told = each.elt if isinstance(each, ast.GeneratorExp | ast.ListComp) else between
            return english_in(between) or english_in(told)
        case _:
            return False


def of_another(said: ast.expr) -> bool:
    """Whether it is the text of another error, without its template."""
    return (
        isinstance(said, ast.Call)
        and ast.unparse(said.func) == "str"
        and "NOT_FOUND" not in ast.unparse(said)
    )


def is_word(said: ast.expr) -> bool:
    """Whether it is a word of English that stands in place of a value."""
    return (
        isinstance(said, ast.Constant)
        and isinstance(said.value, str)
        and bool(IN_ENGLISH.fullmatch(said.value))
    )


@cache
def names_of_errors() -> frozenset[str]:
    """The name of each class of errors of ours, loaded or not, and of those that pages show as well."""
    classes = [
        (each.name, {base.id for base in each.bases if isinstance(base, ast.Name)})
        for package in PACKAGES
        for path in (REPOSITORY / package).rglob("*.py")
        for each in ast.walk(ast.parse(path.read_text()))
        if isinstance(each, ast.ClassDef)
    ]
    found = {each.__name__ for root in APP_ERRORS for each in kinds_of(root)}
    while heirs := {name for name, bases in classes if bases & found} - found:
        found |= heirs
    return frozenset(found | OF_PAGES)


def written_in(tree: ast.AST) -> dict[str, list[ast.expr]]:
    """Return what each name of a module is given, and what each of its functions returns."""
    found: dict[str, list[ast.expr]] = defaultdict(list)
    for node in ast.walk(tree):
        match node:
            case ast.Assign([ast.Name(name)], value) | ast.AnnAssign(ast.Name(name), _, ast.expr() as value):
                found[name].append(value)
            case ast.FunctionDef(name):
                returned = [each.value for each in ast.walk(node) if isinstance(each, ast.Return)]
                found[f"{name}()"] += [each for each in returned if each is not None]
    return found


def written_for(said: ast.expr, written: dict[str, list[ast.expr]]) -> list[ast.expr]:
    """Return what a value may be: of a name what it is given, of a function of the module what it returns."""
    match said:
        case ast.Name(name) | ast.Subscript(ast.Name(name)):
            return [said, *written[name]]
        case ast.Call(ast.Name(name)):
            return [said, *written[f"{name}()"]]
        case ast.Call(ast.Attribute(text, "format")):
            return [text]
        case _:
            return [said]


def bare_sentences(source: str) -> Iterator[str]:
    """Yield each sentence that an error of ours is made with in a module, and that is not `worded`."""
    ours = names_of_errors() - OF_PROBLEMS - OF_FIGURES - OF_SHAPES
    tree = ast.parse(source)
    written = written_in(tree)
    for node in ast.walk(tree):
        match node:
            case ast.Call(ast.Name(name), given) if name in ours:
                for said in given[PLACE_OF_SENTENCE.get(name, 0) :][:1]:
                    if any(english_in(each) or of_another(each) for each in written_for(said, written)):
                        yield f"{said.lineno}: {ast.unparse(said)}"


def test_what_pages_refuse_can_be_said_in_another_language() -> None:
    assert len(ROOMS) > 400
    found = {
        f"{path.relative_to(REPOSITORY)}:{each}"
        for path in ROOMS
        for each in bare_sentences(path.read_text())
    }
    assert found == set()


@pytest.mark.parametrize(
    "source",
    [
        "raise NotFound('There is no such thing.')",
        "raise NotFound(f'There is no {thing}.')",
        "raise NotFound('There is no {}.'.format(thing))",
        "told = f'There is no {thing}.'\nraise NotFound(told)",
        "def tell(): return 'There is no such thing.'\nraise NotFound(tell())",
        "TOLD = {'it': 'There is no such thing.'}\nraise NotFound(TOLD['it'])",
        "raise NotFound(str(exc))",
    ],
)
def test_a_bare_sentence_is_found(source: str) -> None:
    assert len(list(bare_sentences(source))) == 1


def filled_in(tree: ast.AST) -> Iterator[ast.expr]:
    """Yield each value that is filled into a sentence that is translated."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(ast.Name("worded"), _, given):
                yield from (each.value for each in given)
            case ast.BinOp(ast.Call(ast.Name(name)), ast.Mod(), ast.Dict(_, values)) if name in MARKERS:
                yield from values


def fragments(source: str) -> Iterator[str]:
    """Yield what is English within a sentence that is told in another language."""
    tree = ast.parse(source)
    written = written_in(tree)
    for value in filled_in(tree):
        for each in written_for(value, written):
            if english_in(each):
                yield f"{value.lineno}: {ast.unparse(each)}"


def test_nothing_within_a_sentence_is_english_that_nobody_translates() -> None:
    found = {
        f"{path.relative_to(REPOSITORY)}:{each}" for path in ROOMS for each in fragments(path.read_text())
    }
    assert found == set()


@pytest.mark.parametrize(
    "source",
    [
        "worded('%(state)s', state=state or 'no proposal')",
        "worded('%(root)s', root=root if root else 'none')",
        "how = 'was added' if new else 'was taken out'\nworded('%(how)s', how=how)",
        "def why(): return f'version {number} counts'\nworded('%(why)s', why=why())",
        "_('%(who)s') % {'who': ' and '.join(names)}",
    ],
)
def test_a_fragment_is_found(source: str) -> None:
    assert len(list(fragments(source))) == 1


def test_a_fault_holds_its_sentence_with_its_template() -> None:
    """The checker of types sees to it, wherever one is made."""
    for kind in (Fault, FileProblem, FaultOfReader, Changed):
        assert get_type_hints(kind)["message"] is Worded
    assert signature(Unreadable).parameters["message"].annotation == "Worded"


def test_what_others_said_is_not_what_we_wrote() -> None:
    quoted = [
        f"{path.relative_to(REPOSITORY)}:{node.lineno}"
        for path in ROOMS
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "quoted"
        and isinstance(node.args[0], ast.Constant | ast.JoinedStr)
    ]
    assert quoted == []


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


def test_what_is_filled_in_is_said_in_the_language_of_the_page() -> None:
    last = worded("%(release)s is live", release="2026-11")
    said = ConflictingContent(
        joined(
            [last, worded("%(given)s holds %(signs)s: %(rule)s", given="x", signs="y", rule=quoted("z"))],
            "; ",
        )
    )
    state = ConflictingContent(
        worded(
            "%(version)s is %(state)s, which leads to %(ways)s, not to %(to_state)s.",
            version="A v1",
            state=Coded("in_review"),
            ways=joined(map(Coded, ["approved", "draft"])),
            to_state=Coded("retired"),
        )
    )
    assert str(said) == "2026-11 is live; x holds y: z"
    assert str(state) == "A v1 is in_review, which leads to approved, draft, not to retired."
    with translation.override("zh-hans"):
        assert refusal_text(said) == "已上线的是 2026-11; x 含有 y：z"
        assert refusal_text(state) == "A v1 的状态是 待批准，可转为 已批准、草稿，不能转为 已停用。"
        assert "lang" in str(refusal(ConflictingContent(quoted("out of memory"))))
    with translation.override("en"):
        assert refusal_text(state) == str(state)


def test_english_within_a_chinese_sentence_is_marked_and_a_name_is_not() -> None:
    def said(rule: object) -> str:
        told = worded("%(given)s holds %(signs)s: %(rule)s", given="the <name>", signs="a b", rule=rule)
        with translation.override("zh-hans"):
            return str(refusal_detail(ConflictingContent(told)))

    assert said(quoted("out of <memory>")) == (
        'the &lt;name&gt; 含有 a b：<span lang="en">out of &lt;memory&gt;</span>'
    )
    assert said(worded("Nobody translated %(this)s.", this="x")) == (
        'the &lt;name&gt; 含有 a b：<span lang="en">Nobody translated x.</span>'
    )
    several = joined([worded("%(release)s is live", release="r1"), quoted("not found")], "; ")
    assert said(several) == 'the &lt;name&gt; 含有 a b：已上线的是 r1; <span lang="en">not found</span>'
    for name in (
        "credit-assistant",
        joined(["eval-a", "eval-b"], "; "),
        Coded("in_review"),
        quoted("内存不足"),
        quoted("42"),
        42,
    ):
        assert "<" not in said(name).replace("the <name>", "")
    beside_a_field = worded(
        "%(given)s holds %(signs)s: %(rule)s", given="x", signs="y", rule=quoted("so it is")
    )
    with translation.override("zh-hans"):
        assert said_and_language(beside_a_field) == ('x 含有 y：<span lang="en">so it is</span>', "")
        assert said_and_language(quoted("so it is")) == ("so it is", "en")
        assert refusal_detail(ConflictingContent(joined([]))) == ""
    with translation.override("en"):
        assert refusal_detail(ConflictingContent(quoted("out of <memory>"))) == "out of <memory>"


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


@pytest.mark.parametrize("language", ["en", "zh-hans"])
@pytest.mark.parametrize("nothing", ["", None])
def test_where_nothing_is_said_nothing_is_put_into_words(nothing: Any, language: str) -> None:
    with translation.override(language):
        assert in_language(nothing) is nothing
