"""Each newer check where it is met, where it is not, and where too little is told; and numbers that are hostile."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from importlib import import_module
from typing import Any, Final
from uuid import uuid4

import pytest

from evidence import clock
from evidence.digests import sha256_hex
from evidence.models import PolicyCheck, Release, SourceDocument, Span, Trace, TraceDocument
from evidence.services import registry
from requirements.checks import known_checks
from requirements.checks import registry as checks
from requirements.models import AcceptanceCriterion
from requirements.services.assessment import Assessed, evaluate
from tests.evidence.eval_files import eval_file, post, register_eval_versions
from tests.factories import World, acting, manifest, register_release, second_release
from tests.invariants.test_07_supporting_only import criterion_with
from tests.requirements.builders import make_criterion, make_trace, make_traces
from tests.requirements.test_assessment import judge as review

pytestmark = pytest.mark.django_db

ENOUGH: Final = 14  # traces without a failure that show 0.7 at all looks together
SETTLED: Final = timedelta(hours=30)  # so long ago that a unit that may grow counts


def judged(world: World, criterion: AcceptanceCriterion, release: Release | None = None) -> Assessed:
    """Judge twice as of one moment: the same facts have the same digest."""
    as_of = clock.read_moment()
    first, again = (
        evaluate(criterion=criterion, release=release or world.release, as_of=as_of) for _ in range(2)
    )
    assert first.inputs_digest == again.inputs_digest
    return first


def outcome(found: Assessed) -> tuple[str, str]:
    return found.judgement.verdict.value, found.judgement.code


def decide(world: World, *decisions: str, n: int = ENOUGH) -> None:
    PolicyCheck.objects.insert_as_arrays(
        [
            PolicyCheck(trace=trace, span_id="0" * 16, rule="limits", decision=decision)
            for trace in make_traces(world, n)
            for decision in decisions
        ]
    )


@pytest.mark.parametrize(("name", "bad"), [("policy.denied", "deny"), ("policy.escalated", "escalate")])
@pytest.mark.parametrize(
    ("decisions", "n", "expected"),
    [
        (["allow"], ENOUGH, "met"),
        (["allow", "bad"], ENOUGH, "not_met"),
        ([], ENOUGH, "not_met"),  # nobody asked the gate: that is no gate that never refuses
        (["allow"], 11, "insufficient"),
    ],
)
def test_how_often_the_policy_gate_refuses(
    world: World, name: str, bad: str, decisions: Sequence[str], n: int, expected: str
) -> None:
    criterion = make_criterion(world, check=name, comparator="at_most", threshold=0.3)
    decide(world, *(bad if each == "bad" else each for each in decisions), n=n)
    assert judged(world, criterion).judgement.verdict == expected


def test_a_criterion_may_want_many_escalations_of_one_rule(world: World) -> None:
    many = "{better: higher, rules: [%s]}"
    of_rule, of_other = (
        make_criterion(world, key=key, check="policy.escalated", parameters=many % rule)
        for key, rule in (("a", "limits"), ("b", "other"))
    )
    decide(world, "escalate")
    assert judged(world, of_rule).judgement.verdict == "met"
    assert judged(world, of_other).judgement.verdict == "not_met"


@pytest.mark.parametrize(
    ("verdict", "n", "many", "few"),
    [
        ("verbatim", ENOUGH, "met", "met"),
        ("misattributed", ENOUGH, "not_met", "not_met"),
        ("verbatim", 11, "insufficient", "insufficient"),
    ],
)
def test_the_share_of_citations_with_a_verdict(
    world: World, verdict: str, n: int, many: str, few: str
) -> None:
    wanted = make_criterion(
        world, key="a", check="citations.verdict_share", parameters="{verdicts: [verbatim, normalised]}"
    )
    unwanted = make_criterion(
        world, key="b", check="citations.verdict_share", comparator="at_most", threshold=0.3,
        parameters="{verdicts: [misattributed], better: lower}",
    )  # fmt: skip
    make_traces(world, n, claims=[(verdict, 1.0)] * 2)
    assert judged(world, wanted).judgement.verdict == many
    assert judged(world, unwanted).judgement.verdict == few


def release_with_documents(world: World, n: int, **dates: str) -> Release:
    """Freeze a release whose index holds documents with these dates."""
    listed = [
        registry.DocumentSpec(document_id=f"D-{k}", title="t", language="en", text=f"{dates} {k}")
        for k in range(n)
    ]
    pins = [pin for pin in manifest().pins if pin.slot != "index"]
    index = registry.PinSpec(
        slot="index", kind="index", key="dated", label="1", documents=listed,
        metadata={"documents": {each.document_id: dates for each in listed}},
    )  # fmt: skip
    return register_release(world.system, replace(manifest(name="dated"), pins=[*pins, index]))


@pytest.mark.parametrize(
    ("dates", "n", "expected"),
    [
        ({"valid_until": "2999-12-31"}, ENOUGH, "met"),
        ({"valid_from": "2001-01-01T00:00:00Z", "valid_until": "2999-12-31T00:00:00+08:00"}, ENOUGH, "met"),
        ({"valid_until": "2001-12-31"}, ENOUGH, "not_met"),
        ({"valid_from": "2999-01-01", "valid_until": "2999-12-31"}, ENOUGH, "not_met"),
        ({"valid_until": "2999-12-31"}, 11, "insufficient"),
        ({}, ENOUGH, "insufficient"),
        ({"valid_until": "soon"}, ENOUGH, "insufficient"),  # what is no date is none
        ({"valid_until": 9e99}, ENOUGH, "insufficient"),
    ],
)
def test_documents_are_in_date_when_they_are_used(
    world: World, dates: dict[str, str], n: int, expected: str
) -> None:
    criterion = make_criterion(world, check="documents.in_date")
    release = release_with_documents(world, n, **dates)
    traces = make_traces(world, n, release=release, age=SETTLED)
    documents = SourceDocument.objects.filter(index_version__artefact__key="dated")
    TraceDocument.objects.insert_as_arrays(
        [
            TraceDocument(trace=trace, digest=document.digest, cited=True)
            for trace, document in zip(traces, documents, strict=True)
        ]
    )
    found = judged(world, criterion, release)
    assert found.judgement.verdict == expected, found.judgement.detail
    if "valid_until" not in dates:
        assert found.whole is not None
        assert found.whole.missing == {"undated": n}


def test_all_answers_on_one_document_are_one_unit(world: World) -> None:
    """Fourteen answers that rely on one document show what one document shows."""
    criterion = make_criterion(world, check="documents.in_date")
    release = release_with_documents(world, 1, valid_until="2999-12-31")
    digest = SourceDocument.objects.get(index_version__artefact__key="dated").digest
    for trace in make_traces(world, ENOUGH, release=release, age=SETTLED):
        TraceDocument.objects.create(trace=trace, digest=digest, cited=True)
    found = judged(world, criterion, release)
    assert found.judgement.verdict == "insufficient"
    assert found.whole is not None
    assert (found.whole.n, found.whole.n_units) == (ENOUGH, 1)
    assert found.whole.estimate is not None
    assert found.whole.estimate.method == "betting", "at all looks together"


def make_spans(traces: Iterable[Trace], *attributes: dict[str, Any]) -> None:
    """Store spans with these attributes of each trace, received before it was sealed."""
    Span.objects.bulk_create(
        Span(
            system=trace.system, batch_id=0, trace_id=trace.trace_id, span_id=f"{number:016x}", name="s", kind=1,
            started_at=trace.started_at, start_ns=0, end_ns=1, status_code=0, status_message="", attributes=each,
            events=[], links=[], resource={"service.version": "2"}, scope={}, digest=sha256_hex(repr(each).encode()),
            received_at=trace.ended_at,
        )
        for trace in traces
        for number, each in enumerate(attributes)
    )  # fmt: skip


@pytest.mark.parametrize(
    ("spans", "parameters", "expected"),
    [
        ([{"app.level": 7}, {}], "{attribute: app.level, lowest: 5, highest: 9}", "met"),
        ([{"app.level": 7.0}], "{attribute: app.level, one_of: [7, easy]}", "met"),
        ([{"app.level": "easy"}], "{attribute: app.level, one_of: [7, easy]}", "met"),
        ([{"app.level": 7}, {"app.level": 12}], "{attribute: app.level, highest: 9}", "not_met"),
        ([{"app.level": "7"}], "{attribute: app.level, lowest: 5}", "not_met"),  # a text is no number
        ([{"app.level": True}], "{attribute: app.level, lowest: 0}", "not_met"),
        ([{"app.level": [7]}], "{attribute: app.level, lowest: 5}", "not_met"),
        ([{"app.level": 1e300}], "{attribute: app.level, lowest: 5}", "not_met"),
        ([{"other": 7}], "{attribute: app.level}", "not_met"),
        ([{"0": "x"}], "{attribute: '0'}", "met"),
        ([{}], "{attribute: service.version, of: resource, one_of: ['2']}", "met"),
        ([], "{attribute: app.level}", "not_met"),
    ],
)
def test_any_attribute_that_the_application_sends(
    world: World, spans: list[dict[str, Any]], parameters: str, expected: str
) -> None:
    criterion = make_criterion(world, check="traces.attribute", parameters=parameters)
    make_spans(make_traces(world, ENOUGH), *spans)
    found = judged(world, criterion)
    assert found.judgement.verdict == expected, found.judgement.detail


def test_a_few_attributes_tell_too_little(world: World) -> None:
    criterion = make_criterion(world, check="traces.attribute", parameters="{attribute: app.level}")
    make_spans(make_traces(world, 11), {"app.level": 1})
    assert judged(world, criterion).judgement.verdict == "insufficient"


def have_judged(world: World, *pairs: tuple[str, str]) -> None:
    for first, second in pairs:
        trace = make_trace(world, age=SETTLED)
        for role, decision in (("reviewer", first), ("approver", second)):
            reason = "" if decision == "approve" else "wrong_fact"
            review(world, trace, role, decision=decision, reason=reason, why="why")


@pytest.mark.parametrize(
    ("pairs", "expected"),
    [
        ([("approve", "approve"), ("reject", "reject")] * 20, ("met", "met")),
        ([("approve", "reject"), ("reject", "approve")] * 20, ("not_met", "not_met")),
        ([("approve", "approve"), ("reject", "reject")] * 6, ("insufficient", "too_few_to_tell")),
        ([("approve", "approve")] * 12, ("insufficient", "ratings_all_alike")),
    ],
)
def test_reviewers_agree_beyond_chance(
    world: World, pairs: list[tuple[str, str]], expected: tuple[str, str]
) -> None:
    criterion = make_criterion(world, check="reviews.agreement", threshold=0.3)
    have_judged(world, *pairs)
    found = judged(world, criterion)
    assert outcome(found) == expected
    estimate = found.whole.estimate if found.whole else None
    assert estimate is None or estimate.method == "krippendorff", "of shares at all looks together"


def test_the_machine_and_a_reviewer_agree_or_do_not(world: World) -> None:
    """The machine finds nothing in half of the answers, and the reviewer rejects the same half, or the other."""
    parameters = "{between: machine_and_reviewer}"
    criterion = make_criterion(world, check="reviews.agreement", threshold=0.3, parameters=parameters)
    for number in range(40):
        trace = make_trace(world, age=SETTLED, n_citations=1, n_citations_found=number % 2)
        found = number % 2
        review(
            world, trace, "reviewer", decision="approve" if found else "reject",
            reason="" if found else "wrong_citation", why="why",
        )  # fmt: skip
    assert outcome(judged(world, criterion)) == ("met", "met")


SLICED = [{"language": "en"}] * 9 + [{"language": "zh"}]


@pytest.mark.parametrize(
    ("values", "parameters", "expected"),
    [
        ([1.0] * 300, "", ("met", "met")),
        # 0.97 of the whole, and 0.7 of the slice of 30.
        (
            [0.0 if k % 10 == 9 and k % 3 == 0 else 1.0 for k in range(300)],
            "",
            ("insufficient", "too_few_to_tell"),
        ),
        ([0.0 if k % 10 == 9 else 1.0 for k in range(300)], "", ("not_met", "not_met")),
        ([1.0] * 300, ", expected: [fr]", ("insufficient", "slice_absent")),
        ([1.0] * 300, ", min_n_each: 31", ("insufficient", "slice_too_small")),
    ],
)
def test_the_worst_slice_decides(
    world: World, values: list[float], parameters: str, expected: tuple[str, str]
) -> None:
    register_eval_versions(world)
    named = f"{{suite: {{key: behaviour}}, metric: grounded, dimension: language{parameters}}}"
    criterion = make_criterion(world, check="evals.worst_slice", parameters=named, threshold=0.8)
    post(world, eval_file(values, slices=SLICED))
    found = judged(world, criterion)
    assert outcome(found) == expected, found.judgement.detail


def test_a_dimension_that_no_sample_states_has_no_slices_that_could_pass(world: World) -> None:
    register_eval_versions(world)
    named = "{suite: {key: behaviour}, metric: grounded, dimension: langauge}"
    criterion = make_criterion(world, check="evals.worst_slice", parameters=named, threshold=0.8)
    post(world, eval_file([1.0] * 300, slices=SLICED))
    assert outcome(judged(world, criterion)) == ("insufficient", "dimension_absent")


COMPARED = "{suite: {key: behaviour}, metric: grounded, baseline: r1%s}"


def post_of(world: World, release: str, values: Sequence[float | None], **over: Any) -> None:
    """Post a run of a release, on the model that it pins."""
    if release != "r1":
        over["model"] = {"key": "smol", "digest": sha256_hex(release.encode())}
    run_key = over.pop("run_key", f"of-{release}")
    post(world, eval_file(values, release=release, run_key=run_key, **over))


@pytest.mark.parametrize(
    ("baseline", "candidate", "expected"),
    [
        ([1.0] * 60, [1.0] * 60, ("met", "met")),
        ([1.0] * 60, [1.0, 0.0] * 30, ("not_met", "not_met")),
        ([1.0] * 12, [1.0] * 12, ("insufficient", "too_few_to_tell")),
        # Three samples without a score, at the end that speaks against the release: 57 equal ones do not show it.
        ([1.0] * 60, [1.0] * 57 + [None] * 3, ("insufficient", "too_few_to_tell")),
    ],
)
def test_a_release_is_no_worse_than_its_baseline(
    world: World, baseline: list[float], candidate: list[float], expected: tuple[str, str]
) -> None:
    register_eval_versions(world)
    criterion = make_criterion(
        world, check="evals.non_inferior", parameters=COMPARED % ", max_missing_share: 0.2", threshold=-0.1
    )
    release = second_release(world)
    post_of(world, "r1", baseline)
    post_of(world, "r2", candidate)
    found = judged(world, criterion, release)
    assert outcome(found) == expected, found.judgement.detail


def test_what_both_runs_have_and_lack_is_told(world: World) -> None:
    """No item in common: 90 of this release beside 60 of the baseline, of which two have no score."""
    register_eval_versions(world)
    criterion = make_criterion(
        world, check="evals.non_inferior", parameters=COMPARED % ", max_missing_share: 0.2", threshold=-0.02
    )
    release = second_release(world)
    post_of(world, "r1", [1.0, 1.0, 0.0] * 20 + [None] * 2)
    samples = [
        {**each, "id": f"other {each['id']}"}
        for each in json.loads(eval_file([1.0, 1.0, 0.0] * 30))["samples"]
    ]
    post_of(world, "r2", [], samples=samples)
    found = judged(world, criterion, release)
    numbers = found.told["measured"]
    assert numbers is not None
    assert numbers["compared"] == {
        "release": {"n": 90, "missing": {}},
        "baseline": {"n": 60, "missing": {"unscored": 2}},
    }
    assert str(numbers["value"]) == "0.0"
    assert "(90 of this release, 60 of the baseline)" in found.judgement.detail
    assert "2 unscored of the baseline" in found.judgement.detail
    assert "value 0," in found.judgement.detail


@pytest.mark.parametrize(
    ("over", "code"),
    [
        ({"evaluator": {"key": "judge", "label": "2", "digest": sha256_hex(b"judge 2")}}, "not_comparable"),
        ({"dataset": {"key": "tasks", "label": "2", "digest": sha256_hex(b"tasks 2")}}, "not_comparable"),
        ({"status": "error"}, "run_not_ended"),
    ],
)
def test_runs_that_cannot_be_compared_show_nothing(world: World, over: dict[str, Any], code: str) -> None:
    register_eval_versions(world)
    criterion = make_criterion(world, check="evals.non_inferior", parameters=COMPARED % "", threshold=-0.1)
    release = second_release(world)
    post_of(world, "r1", [1.0] * 60, **over)
    for version in registry_versions(over):
        registry.register_version(principal=acting(), version=version)
    post_of(world, "r2", [1.0] * 60)
    found = judged(world, criterion, release)
    assert found.judgement.verdict == "insufficient"
    assert code in {getattr(each, "code", "") for each in (found.whole.obstacles if found.whole else ())}


def registry_versions(over: dict[str, Any]) -> list[Any]:
    from evidence.models import ArtefactVersion

    digests = [each["digest"] for each in over.values() if isinstance(each, dict)]
    return list(ArtefactVersion.objects.filter(digest__in=digests))


def test_a_baseline_run_again_until_it_is_bad_is_a_further_look(world: World) -> None:
    register_eval_versions(world)
    criterion = make_criterion(world, check="evals.non_inferior", parameters=COMPARED % "", threshold=-0.1)
    release = second_release(world)
    post_of(world, "r1", [1.0] * 60)
    post_of(world, "r2", [1.0, 0.0] * 30)
    post_of(world, "r1", [1.0, 0.0] * 30, run_key="again")
    assert outcome(judged(world, criterion, release)) == ("insufficient", "beyond_plan")


def test_the_same_release_by_another_name_has_been_measured_before(world: World) -> None:
    register_eval_versions(world)
    criterion = make_criterion(world, check="evals.non_inferior", parameters=COMPARED % "", threshold=-0.1)
    release = second_release(world)
    post_of(world, "r1", [1.0] * 60)
    post_of(world, "r2", [1.0, 0.0] * 30)
    post_of(world, "r1", [1.0, 0.0] * 30, run_key="again")
    pins = [
        registry.PinSpec(pin.slot, of.artefact.kind, of.artefact.key, of.label, of.digest)
        for pin in release.pins.select_related("version__artefact")
        for of in [pin.version]
    ]
    renamed = register_release(world.system, registry.ReleaseManifest(name="r2-again", pins=pins))
    assert renamed.digest == release.digest
    model = {"key": "smol", "digest": sha256_hex(b"r2")}
    post(world, eval_file([1.0, 0.0] * 30, release="r2-again", run_key="of-r2-again", model=model))
    found = judged(world, criterion, renamed)
    assert outcome(found) == ("insufficient", "beyond_plan")
    assert found.inputs["measured"][0]["recent"]["inputs"]["looks_by_baseline"] == 1


def test_a_baseline_that_nobody_vouches_for_is_none(world: World) -> None:
    """Whoever may make releases could make one that is worse, and be no worse than that."""
    register_eval_versions(world)
    named = COMPARED.replace("r1", "worse") % ""
    criterion = make_criterion(world, check="evals.non_inferior", parameters=named, threshold=-0.1)
    first, *others = manifest().pins
    pins = [replace(first, digest=sha256_hex(b"worse"), label="worse"), *others]
    registry.register_release(
        principal=acting(), system=world.system, manifest=replace(manifest(name="worse"), pins=pins)
    )
    post_of(world, "worse", [1.0] * 60)
    post_of(world, "r1", [1.0] * 60)
    found = judged(world, criterion)
    assert outcome(found) == ("insufficient", "pin_unregistered"), found.judgement.detail


def test_no_other_release_is_no_baseline(world: World) -> None:
    register_eval_versions(world)
    criterion = make_criterion(world, check="evals.non_inferior", parameters=COMPARED % "", threshold=-0.1)
    post_of(world, "r1", [1.0] * 60)
    assert outcome(judged(world, criterion)) == ("insufficient", "no_baseline")


def test_an_empty_run_is_neutral_and_an_old_failure_does_not_pin(world: World) -> None:
    """The latest run that tested anything decides; one with nothing scored is neither green nor a failure."""
    register_eval_versions(world)
    parameters = "{suite: {key: behaviour}, metric: grounded, planned_runs: 3}"
    criterion = make_criterion(world, check="evals.metric", parameters=parameters, threshold=0.9, min_n=60)
    post(world, eval_file([1.0] * 3 + [0.0] * 57, run_key="first"))
    post(world, eval_file([1.0] * 60, run_key="second"))
    post(world, eval_file([], run_key="third"))
    found = judged(world, criterion)
    assert found.judgement.verdict == "met", found.judgement.detail
    assert [note["run_key"] for note in found.told["runs"]] == ["second"]
    assert {note["run_key"]: note["code"] for note in found.told["passed_over"]} == {
        "third": "empty",
        "first": "earlier",
    }


def test_an_empty_run_alone_is_no_pass(world: World) -> None:
    register_eval_versions(world)
    parameters = "{suite: {key: behaviour}, metric: grounded}"
    criterion = make_criterion(world, check="evals.metric", parameters=parameters, threshold=0.9)
    post(world, eval_file([]))
    assert judged(world, criterion).judgement.verdict == "insufficient"


NUMBERS: Final = (1e300, -1e300, 2**63, 1.5e-300)


def _at(value: float, schema: dict[str, Any], given: Any) -> Any:
    """Return a parameter with each number in it replaced."""
    if schema.get("type") in ("number", "integer"):
        return value
    if isinstance(given, dict):
        return {
            name: _at(value, schema.get("properties", {}).get(name, {}), each) for name, each in given.items()
        }
    return given


@pytest.mark.parametrize("name", sorted(known_checks()))
def test_no_stored_number_overflows_or_passes(world: World, name: str) -> None:
    """Criteria from before numbers were bounded, or written by somebody with the database."""
    make_criterion(world)
    make_trace(world)
    criterion = criterion_with(world, name)
    properties: dict[str, Any] = dict(known_checks()[name].parameters["properties"])  # type: ignore[call-overload]
    for value in NUMBERS:
        criterion.parameters = {
            key: _at(value, schema, criterion.parameters.get(key, {"min_labels": 1}))
            for key, schema in properties.items()
            if key in criterion.parameters or schema.get("type") in ("number", "integer")
        }
        for age, threshold, least in ((2**31 - 1, 1e300, 2**31 - 1), (1, -1.7e308, 0), (None, 0.0, 1)):
            criterion.max_age_days, criterion.threshold, criterion.min_n = age, threshold, least
            found = evaluate(criterion=criterion, release=world.release, as_of=clock.read_moment())
            assert found.judgement.verdict != "met" or threshold <= 0


def test_parameters_that_a_check_does_not_take_are_not_assessed(world: World) -> None:
    criterion = make_criterion(world, check="reviews.within_time", parameters="{within_hours: 24}")
    criterion.parameters = {**criterion.parameters, "within_hours": 1e300}
    found = evaluate(criterion=criterion, release=world.release, as_of=clock.read_moment())
    assert outcome(found) == ("not_assessed", "bad_parameters")
    assert "within_hours" in found.judgement.detail


@pytest.fixture
def outside(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Declare somebody else's check for this test alone; returns what takes its module away again."""
    monkeypatch.setattr(checks, "_declared", dict(known_checks()))
    module = import_module("tests.requirements.outside_check")
    if "acme.tools_used" not in known_checks():
        import importlib

        importlib.reload(module)

    def take_away() -> None:
        del checks._declared["acme.tools_used"]

    return take_away


def test_a_check_of_somebody_elses_is_one_file_and_without_it_none(
    world: World, outside: Callable[[], None]
) -> None:
    criterion = make_criterion(world, check="acme.tools_used")
    make_traces(world, ENOUGH)
    assert judged(world, criterion).judgement.verdict == "met"
    outside()
    assert outcome(judged(world, criterion)) == ("not_assessed", "no_check")


def test_units_of_independence_are_what_the_bounds_count(world: World) -> None:
    """A check that says that it counts conversations gives two turns of one as one unit."""
    conversation = uuid4()
    make_traces(world, 2, conversation=conversation, age=SETTLED)
    make_spans(Trace.objects.all()[:1], {"app.level": 1})
    for name in ("answers.confidence_and_limits", "traces.attribute", "policy.denied"):
        assert known_checks()[name].independent == "conversation"
        criterion = (
            criterion_with(world, name) if AcceptanceCriterion.objects.exists() else make_criterion(world)
        )
        found = evaluate(criterion=criterion, release=world.release, as_of=clock.read_moment())
        assert found.whole is not None
        assert found.whole.n_units == 1
