from __future__ import annotations

import pytest

from evidence.evals.contracts import EvalFileError
from tests.evidence.eval_readers import Read, case, counted, read, read_one, sniffed


def junit(name: str) -> Read:
    raw = case(f"junit/{name}.junit.xml")
    assert sniffed("junit", raw)
    return read_one("junit", raw)


def of(body: str, attributes: str = "") -> Read:
    return read_one("junit", f"<testsuite name='s' {attributes}>{body}</testsuite>".encode())


def verified(run: Read, requirement: str) -> list[float]:
    """Return how the tests of a requirement came out."""
    samples = [one for one in run.samples if one.slice.get(f"verifies:{requirement}") == "yes"]
    return [one.scores[0].value for one in samples if one.scores[0].value is not None]


def test_pytest_with_reruns() -> None:
    run = junit("pytest")
    assert len(run.samples) == 10  # of 11 elements
    assert run.counts("passed") == counted(0.666667, 6, error=2, skipped=2)
    assert run.said.commit == "f1b56899ee402e739f1269d39a95641c85741747"
    assert run.said.release == "2026-11"
    assert run.said.observed_from is not None
    assert (verified(run, "REQ-12"), verified(run, "REQ-13")) == ([1.0, 0.0], [1.0])
    assert run.codes_of("test_gate.test_flaky") == {"flaky"}
    assert run.values("passed_first").count(1.0) == 3  # the flaky one passed in the end
    explained = run.explanations("passed")
    assert explained["test_gate.test_known_gap"] == "skipped: pytest.xfail: known gap"
    assert explained["test_gate.test_surprise"] == "[XPASS(strict)] known gap"
    assert "teardown" in explained["test_gate.test_passes_then_teardown_fails"]
    assert "换卡" in explained["test_gate.test_limit_stated"]
    assert run.codes == {"flaky", "skipped"}  # what is declared is what is there
    assert run.slices("suite") == ["pytest"]


def test_surefire_with_reruns() -> None:
    run = junit("surefire-flaky")
    assert run.counts("passed") == counted(0.666667, 3, skipped=1)
    assert run.counts("passed_first")["value"] == 0.333333
    assert run.codes_of("bank.copilot.LimitsTest.refusesAdvice") == {"flaky"}
    assert run.codes_of("bank.copilot.LimitsTest.citesSource") == set()
    assert run.said.commit == "4b1d46ee0000000000000000000000000000aaaa"
    assert run.said.observed_from is None  # its time has no zone


def test_nested_suites_that_lie() -> None:
    run = junit("nested-both")
    assert run.counts("passed") == counted(0.5, 4, unscored=1)
    assert run.explanations("passed")["credit.fees.cash limit"] == "not run: status notrun"
    assert run.said.commit == "4b1d46ee"
    assert run.explanations("passed")["credit.languages.de"] == "no answer"  # the first of two
    assert verified(run, "REQ-12") == [1.0]
    assert run.total("tests") == 99
    assert run.details("total_differs") == [
        "failures: the file says 0, its samples come to 2",
        "tests: the file says 99, its samples come to 5",
    ]
    assert set(run.slices("suite")) == {"credit", "credit.languages"}


def test_promptfoo_own_junit() -> None:
    raw = case("promptfoo/two-providers.junit.xml")
    assert sniffed("junit", raw)
    assert read_one("junit", raw).counts("passed") == counted(0.428571, 7, error=1)


def test_nothing_ran() -> None:
    assert junit("all-skipped").counts("passed") == counted(None, 0, skipped=2)
    assert junit("empty").samples == []


def test_a_document_type_is_refused_and_no_file_is_read() -> None:
    raw = case("junit/entities.junit.xml")
    assert sniffed("junit", raw)
    for text in (raw, b"<!DOCTYPE testsuite SYSTEM 'http://x.example/a.dtd'><testsuite/>"):
        with pytest.raises(EvalFileError, match=r"^<!DOCTYPE: .* write the file without it$"):
            read("junit", text)


@pytest.mark.parametrize(
    ("first", "second", "value"),
    [
        ("", "", 1.0),
        ("<failure/>", "", 0.0),
        ("", "<failure/>", 0.0),
        ("<skipped/>", "", 1.0),
        ("<error/>", "", None),
        ("<error/>", "<failure/>", 0.0),
    ],
)
def test_a_test_that_stands_twice_is_one_and_as_good_as_its_worse_half(
    first: str, second: str, value: float | None
) -> None:
    run = of(
        f"<testcase name='a' classname='c'>{first}</testcase><testcase name='a' classname='c'>{second}</testcase>"
    )
    assert [one.scores[0].value for one in run.samples] == [value]
    assert "flaky" in run.codes


def test_tests_of_one_name_in_two_suites_are_two() -> None:
    suite = "<testsuite name='{}'><testcase classname='login' name='works'/></testsuite>"
    run = read_one(
        "junit", f"<testsuites>{suite.format('chromium')}{suite.format('webkit')}</testsuites>".encode()
    )
    assert len(set(run.ids)) == 2
    assert run.n_items == 2
    assert run.codes == {"ambiguous"}


def test_a_name_that_ends_like_an_attempt_is_no_attempt() -> None:
    run = of("<testcase name='issue#1'/><testcase name='issue#2'/><testcase name='plain'/>")
    assert run.ids == ["issue#1#1", "issue#2#1", "plain"]
    assert run.n_items == 3


def test_requirements_stand_with_a_test_or_its_suite_and_several_in_one_text() -> None:
    run = of(
        "<properties><property name='Requirement' value='REQ-1'/></properties>"
        "<testcase name='a'><properties><property name='verifies' value='REQ-2, REQ-3'/></properties></testcase>"
        "<testcase name='b'><properties><property name='requirement_id'>REQ-4</property></properties></testcase>"
    )
    assert [sorted(one.slice) for one in run.samples] == [
        ["suite", "verifies:REQ-1", "verifies:REQ-2", "verifies:REQ-3"],
        ["suite", "verifies:REQ-1", "verifies:REQ-4"],
    ]


def test_what_the_suite_says_of_the_run() -> None:
    given = {"git.dirty": "true", "BUILD_URL": "https://ci.example/7", "seed": "42", "git_sha": "abc"}
    listed = "".join(f"<property name='{name}' value='{value}'/>" for name, value in given.items())
    run = of(f"<properties>{listed}</properties><testcase name='a'/>")
    said = run.said
    assert (said.commit, said.dirty, said.ci_url, said.seeds) == (
        "abc",
        True,
        "https://ci.example/7",
        {"seed": "42"},
    )
    assert said.status is None  # nothing in the file says that it ended by itself


def test_two_commits_are_none() -> None:
    run = of(
        "<properties><property name='commit' value='a'/><property name='commit' value='b'/></properties>"
    )
    assert run.said.commit is None
    assert run.details("ambiguous") == ["commit: the file says several: a, b"]


def test_a_test_without_a_name_is_refused_alone() -> None:
    run = of("<testcase/><testcase name='a'/>")
    assert ([one.code for one in run.rejects], run.ids) == (["no_name"], ["a"])


def test_a_status_that_says_failed_is_a_failure_without_a_child() -> None:
    assert of("<testcase name='a' status='fail'/><testcase name='b' status='run'/>").values("passed") == [
        0.0,
        1.0,
    ]


def test_namespaces_and_other_encodings() -> None:
    text = "<j:testsuite xmlns:j='urn:j' name='é'><j:testcase name='换卡'/></j:testsuite>"
    assert read_one("junit", text.encode()).ids == ["换卡"]
    assert read_one("junit", text.encode("utf-16")).ids == ["换卡"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("<testsuite><testcase name='a'>", "line 1, column .*not readable as XML.*cut short"),
        ("<test-run/>", "NUnit 3 format: let the runner write JUnit XML"),
        ("<html/>", "no test results"),
        ("", "not readable as XML"),
        ("<?xml version='1.0' encoding='gb18030'?><testsuite/>", "write it as UTF-8"),
        ("<testsuite>" + "<a>" * 100, "nested more than 60 elements deep"),
        (f"<testsuite name='{'x' * (5 * 2**20)}'/>", "more than 4,194,304 bytes"),
    ],
)
def test_what_cannot_be_read_says_where_and_what_to_do(text: str, says: str) -> None:
    with pytest.raises(EvalFileError, match=says):
        read("junit", text.encode())
