"""A probe is asked for on a page: what it takes is told first, what does not fit is told by name, and who asks may."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone, translation

from evidence.models import ArtefactKind
from evidence.services import registry as releases
from interpret.contracts import Status
from interpret.models import ProbePart, ProbeRun
from interpret.pages.durations import in_time
from interpret.pages.probe_words import QUESTIONS, question_of, word_of
from interpret.registry import PROBES, Parameter, ProbeEntry
from interpret.selectors.costs import cost_of
from interpret.selectors.ledger import history_for_next
from interpret.services.execution import execute_probe_run
from interpret.services.queueing import model_to_probe, queue_probe_run
from tests.factories import World, acting, make_world, manifest
from tests.interpret.conftest import INPUTS, StandInProbe
from tests.interpret.measurements import make_measurement_of, make_result
from tests.requirements.builders import make_trace

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("sent")]

MAX_QUERIES = 25
OTHERS = ["author", "approver", "auditor", "operator", "reviewer"]


@pytest.fixture
def researcher(world: World) -> Client:
    client = Client()
    client.force_login(world.people["researcher"])
    return client


def form_of(probe: str, **more: str) -> str:
    told = "&".join(f"{name}={value}" for name, value in {"probe": probe, **more}.items())
    return f"{reverse('admin:ask_probe')}?system=credit-assistant&{told}"


def looked_of(page: Any) -> str:
    found = re.search(r'name="looked" value="([0-9a-f]*)"', page.content.decode())
    assert found is not None
    return found.group(1)


def ask(client: Client, probe: str, **written: str) -> Any:
    """Fill the form in, look at what it takes, and have it run."""
    shown = client.post(form_of(probe), {**written, "act": "look"})
    assert shown.status_code == 200, shown.content.decode()
    return client.post(form_of(probe), {**written, "act": "ask", "looked": looked_of(shown)})


def words_in(page: Any) -> str:
    """Return what a page says, without its tags."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page.content.decode())).split())


def test_every_probe_that_ships_is_offered_with_its_question_in_both_languages(researcher: Client) -> None:
    assert set(QUESTIONS) == set(PROBES)
    page = words_in(researcher.get(reverse("admin:ask_probe")))
    for key in PROBES:
        question = question_of(key)
        assert question.language == ""
        assert str(question.text) in page
    with translation.override("zh-hans"):
        translated = {key: str(question_of(key).text) for key in PROBES}
    assert all(re.search("[一-鿿]", text) for text in translated.values())


def test_every_parameter_of_a_probe_that_ships_is_said_in_the_readers_language() -> None:
    with translation.override("zh-hans"):
        for key, entry in PROBES.items():
            words = {name: one.what for name, one in entry.parameters.items()}
            words |= {name: one.what for name, one in entry.choices.items()}
            words |= {name: one.what for name, one in entry.models.items()}
            for name, what in words.items():
                said = word_of(what)
                assert said.language == "", f"{key}.{name} has no words in pages/probe_words.py"
                assert re.search("[一-鿿]", str(said.text)), f"{key}.{name}"


def test_a_probe_of_somebody_else_is_offered_in_its_own_words(
    researcher: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = ProbeEntry(
        "their.Probe", "What <they> ask", "share", False, False, {"n": Parameter(1.5, 0, 2, "of <n>")}
    )
    monkeypatch.setitem(PROBES, "their.probe", theirs)
    assert (
        '<p class="tb-prose" lang="en">What &lt;they&gt; ask</p>'
        in researcher.get(reverse("admin:ask_probe")).content.decode()
    )
    page = researcher.get(form_of("their.probe")).content.decode()
    assert '<span lang="en">of &lt;n&gt;</span>' in page
    assert 'value="1.5" min="0" max="2" step="any"' in page


def test_a_run_is_asked_for_with_what_was_written(researcher: Client, world: World, sent: list[int]) -> None:
    written = {"parameter.heads": "6", "parameter.smallest_match": "0.2", "seed": "7"}
    answer = ask(researcher, "induction.heads", **written)
    run = ProbeRun.objects.select_related("spec").get()
    assert answer.headers["Location"] == reverse("admin:probe_run", args=[run.pk])
    assert (run.spec.parameters["heads"], run.spec.parameters["smallest_match"], run.spec.seed) == (6, 0.2, 7)
    assert run.spec.parameters["sequences"] == PROBES["induction.heads"].parameters["sequences"].default
    assert run.queued_by == world.principal("researcher").actor


def test_the_form_asks_exactly_what_the_api_does(researcher: Client, world: World) -> None:
    by_api = queue_probe_run(principal=acting(), release=world.release, probe="induction.heads")
    answer = ask(researcher, "induction.heads")
    assert answer.headers["Location"] == reverse("admin:probe_run", args=[by_api.pk])
    assert ProbeRun.objects.count() == 1
    assert "nothing was queued" in researcher.get(answer.headers["Location"]).content.decode()


def test_nothing_is_queued_before_its_cost_was_shown(researcher: Client) -> None:
    first = researcher.get(form_of("induction.heads"))
    assert "not known yet" in words_in(first)
    changed = {"parameter.sequences": "60", "act": "ask"}
    for looked in ("", looked_of(first), "0" * 64):
        shown = researcher.post(form_of("induction.heads"), {**changed, "looked": looked})
        assert "You have changed what is asked since its cost was shown" in words_in(shown)
    assert not ProbeRun.objects.exists()
    researcher.post(form_of("induction.heads"), {**changed, "looked": looked_of(shown)})
    assert ProbeRun.objects.get().spec.parameters["sequences"] == 60


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("parameter.heads", "0", "Give a whole number from 1 to 64."),
        ("parameter.heads", "1.5", "Give a whole number from 1 to 64."),
        ("parameter.heads", "", "Give a whole number from 1 to 64."),
        ("parameter.heads", "four", "Give a whole number from 1 to 64."),
        ("parameter.heads", "9" * 400, "Give a whole number from 1 to 64."),
        ("parameter.smallest_match", "nan", "Give a number from 0.001 to 1."),
        ("parameter.smallest_match", "1e99", "Give a number from 0.001 to 1."),
        ("seed", "-1", "Give a whole number from 0 to 2147483646."),
        ("seed", "2147483647", "Give a whole number from 0 to 2147483646."),
        ("seed", "1.0", "Give a whole number from 0 to 2147483646."),
    ],
)
def test_what_does_not_fit_is_said_beside_its_field_and_stays_written(
    researcher: Client, name: str, value: str, told: str
) -> None:
    answer = researcher.post(form_of("induction.heads"), {name: value, "act": "ask", "looked": "0" * 64})
    assert answer.status_code == 422
    page = answer.content.decode()
    assert page.count('aria-invalid="true"') == 1
    assert f'<strong class="tb-fault">{told}</strong>' in page
    assert f'name="{name}" value="{value}"' in page
    assert 'value="ask"' not in page, "what does not fit cannot be asked for"
    assert not ProbeRun.objects.exists()


def test_what_nobody_knows_is_refused_by_name(researcher: Client) -> None:
    for sent in ({"parameter.head": "4"}, {"heads": "4"}, {"dataset": "x"}, {"act": "run"}):
        answer = researcher.post(form_of("induction.heads"), sent)
        assert answer.status_code == 422
        assert next(iter(sent)) in answer.content.decode()
    unknown = researcher.get(form_of("induction.head"))
    assert unknown.status_code == 422
    assert "induction.heads" in unknown.content.decode(), "the nearest probe is named"
    assert researcher.get(form_of("induction.heads", parameters="1")).status_code == 422
    for strange in ({"release": "none"}, {"like": "x"}, {"like": "99999"}):
        assert researcher.get(form_of("induction.heads", **strange)).status_code == 404


def test_a_choice_and_another_model_are_offered_and_held_to_what_is_offered(
    researcher: Client, world: World
) -> None:
    none = researcher.get(form_of("model.drift"))
    assert "There is no other model in this system" in words_in(none)
    assert looked_of(none) == ""
    older = release_with_another_model(world)
    shown = researcher.get(form_of("model.drift", release="r1"))
    assert f'<option value="{older}" selected>' in shown.content.decode()
    for name, value in (("parameter.language", "fr"), ("parameter.against", "f" * 64)):
        answer = researcher.post(form_of("model.drift", release="r1"), {name: value, "act": "look"})
        assert answer.status_code == 422
        assert "Choose one of those that are offered." in words_in(answer)
    written = {"parameter.compared": "outputs", "act": "ask"}
    shown = researcher.post(form_of("model.drift", release="r1"), {**written, "act": "look"})
    researcher.post(form_of("model.drift", release="r1"), {**written, "looked": looked_of(shown)})
    asked = ProbeRun.objects.get().spec.parameters
    assert (asked["against"], asked["compared"], asked["language"]) == (older, "outputs", "en")


def release_with_another_model(world: World) -> str:
    digest = "9" * 64
    pins = [
        releases.PinSpec(slot=pin.slot, kind=pin.kind, key=pin.key, label="2", digest=digest)
        if pin.kind == ArtefactKind.MODEL
        else pin
        for pin in manifest(world.system.key).pins
    ]
    releases.register_release(
        system=world.system, manifest=releases.ReleaseManifest("r2", pins), principal=acting()
    )
    return digest


def test_prompts_of_an_earlier_run_can_be_read_again(researcher: Client, world: World) -> None:
    refused = ask(researcher, "entropy.next_token")
    assert refused.status_code == 422
    assert "has no traces to take prompts from" in words_in(refused), "the service's own words"
    before = queue_probe_run(
        principal=acting(), release=world.release, probe="entropy.next_token", inputs=INPUTS
    )
    assert before.spec.dataset_version is not None
    digest = before.spec.dataset_version.digest
    shown = researcher.get(form_of("entropy.next_token"))
    assert f'<option value="{digest}"' in shown.content.decode()
    ask(researcher, "entropy.next_token", dataset=digest, seed="3")
    run = ProbeRun.objects.exclude(pk=before.pk).get()
    assert run.spec.dataset_version == before.spec.dataset_version
    assert run.spec.seed == 3
    wrong = researcher.post(form_of("entropy.next_token"), {"dataset": "f" * 64, "act": "look"})
    assert wrong.status_code == 422


def test_a_release_without_a_model_is_refused_with_the_reason(researcher: Client, world: World) -> None:
    nameless = releases.ReleaseManifest(
        "unpinned", [pin for pin in manifest(world.system.key).pins if pin.slot != "model"]
    )
    releases.register_release(system=world.system, manifest=nameless, principal=acting())
    answer = researcher.get(form_of("induction.heads", release="unpinned"))
    assert answer.status_code == 422
    assert "pins no model" in words_in(answer)


@pytest.fixture
def measure(world: World, probe: StandInProbe) -> Callable[..., ProbeRun]:
    """Return a function that has a run measured, and says how many seconds its parts took."""

    def done(seconds: float, *, name: str = "induction.heads", seed: int = 0, **parameters: Any) -> ProbeRun:
        probe.result = lambda: make_result(make_measurement_of(Status.SUPPORTED))
        run = queue_probe_run(
            principal=acting(), release=world.release, probe=name, seed=seed, parameters=parameters
        )
        execute_probe_run(run.pk)
        now = timezone.now()
        half = timedelta(seconds=seconds / 2)
        assert ProbePart.objects.filter(run=run).update(started_at=now - half, finished_at=now) == 2
        return run

    return done


def test_what_it_takes_is_told_from_runs_with_the_same_parameters_and_else_from_others(
    researcher: Client, measure: Callable[..., ProbeRun]
) -> None:
    measure(600, heads=8)
    rough = words_in(researcher.get(form_of("induction.heads")))
    assert "10 minutes A rough estimate from 1 run with other parameters" in rough
    for seed, seconds in enumerate((30, 90, 40), start=1):
        measure(seconds, seed=seed)
    told = words_in(researcher.get(form_of("induction.heads")))
    assert "40 seconds An estimate from 3 runs with the same parameters" in told
    assert "They took 30 seconds to 90 seconds." in told
    assert "not known yet" in words_in(researcher.get(form_of("attention.patterns")))


def test_what_it_takes_is_not_told_from_runs_that_are_not_to_be_seen(
    researcher: Client, measure: Callable[..., ProbeRun], world: World
) -> None:
    measure(600)
    stranger = make_world("aml-copilot")
    assert cost_of(
        ProbeRun.objects.none(), probe="induction.heads", model=model_to_probe(world.release), parameters={}
    ) is None  # fmt: skip
    client = Client()
    client.force_login(stranger.people["researcher"])
    page = client.get(reverse("admin:ask_probe"), {"system": "aml-copilot", "probe": "induction.heads"})
    assert "not known yet" in words_in(page)
    assert "0 runs of your systems wait" in words_in(page)


def test_limits_and_who_waits_are_told(researcher: Client, world: World, settings: Any) -> None:
    settings.PROBE_SOFT_LIMIT, settings.PROBE_MEMORY, settings.PROBE_DEVICE = 300, 2048, "cuda:1"
    queue_probe_run(principal=acting(), release=world.release, probe="induction.heads", seed=5)
    page = words_in(researcher.get(form_of("induction.heads")))
    assert "takes longer than 5 minutes is ended" in page
    assert "2048 MiB of memory at most" in page
    assert "Measured on: cuda:1." in page
    assert "1 run of your systems waits or is measured." in page


def test_the_history_that_is_told_is_the_one_the_next_run_is_judged_with(
    researcher: Client, measure: Callable[..., ProbeRun], world: World
) -> None:
    model = model_to_probe(world.release).digest
    for seed in range(3):
        told = history_for_next(world.system, model)
        page = words_in(researcher.get(form_of("induction.heads")))
        assert f"It would be run {seed + 1} on this model, of which {seed} findings are supported." in page
        run = measure(1, seed=seed)
        run.refresh_from_db()
        assert (run.runs_before, run.found_before) == (told.runs_before, told.found_before) == (seed, seed)
        verdict = run.findings.get().verdict
        assert verdict is not None


def test_a_run_can_be_asked_for_again_as_it_was(researcher: Client, world: World) -> None:
    run = queue_probe_run(
        principal=acting(), release=world.release, probe="induction.heads", seed=4, parameters={"heads": 9}
    )
    page = researcher.get(reverse("admin:probe_run", args=[run.pk])).content.decode()
    found = re.search(r'href="(/admin/probe-runs/ask/[^"]+)"', page)
    assert found is not None
    form = researcher.get(unescape(found.group(1))).content.decode()
    assert 'name="parameter.heads" value="9"' in form
    assert 'name="seed" value="4"' in form
    assert researcher.get(form_of("attention.patterns", like=str(run.pk))).status_code == 404


@pytest.mark.parametrize("role", OTHERS)
def test_without_the_right_there_is_no_such_page(world: World, role: str) -> None:
    run = queue_probe_run(principal=acting(), release=world.release, probe="induction.heads")
    client = Client()
    client.force_login(world.people[role])
    for address in (
        reverse("admin:ask_probe"),
        form_of("induction.heads"),
        reverse("admin:probe_run", args=[run.pk]),
    ):
        for answer in (client.get(address), client.post(address, {"act": "ask"})):
            assert answer.status_code in {403, 404}, address
            assert "sequences" not in answer.content.decode()
    assert ProbeRun.objects.count() == 1


def test_a_researcher_of_another_system_finds_nothing(world: World) -> None:
    run = queue_probe_run(principal=acting(), release=world.release, probe="induction.heads")
    client = Client()
    client.force_login(make_world("aml-copilot").people["researcher"])
    for address in (form_of("induction.heads"), reverse("admin:probe_run", args=[run.pk])):
        assert client.get(address).status_code == 404
        assert client.post(address, {"act": "cancel"}).status_code == 404
    run.refresh_from_db()
    assert run.state == "queued"


def test_the_pages_cost_few_queries_however_much_was_run(
    researcher: Client, measure: Callable[..., ProbeRun]
) -> None:
    runs = [measure(10, seed=seed) for seed in range(4)]
    for address in (
        reverse("admin:ask_probe"),
        form_of("induction.heads"),
        form_of("entropy.next_token"),
        reverse("admin:probe_run", args=[runs[0].pk]),
    ):
        with CaptureQueriesContext(connection) as asked:
            assert researcher.get(address).status_code == 200
        assert len(asked) <= MAX_QUERIES, f"{address}: {len(asked)}"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.4, "less than a second"),
        (1.4, "1 second"),
        (119, "119 seconds"),
        (150, "2 minutes"),
        (9000, "2.5 hours"),
    ],
)
def test_times_are_said_with_their_unit(seconds: float, said: str) -> None:
    assert in_time(timedelta(seconds=seconds)) == said


def test_a_release_without_traces_offers_none_and_leads_to_others(researcher: Client, world: World) -> None:
    """It offered "the release's 60 newest traces" of a release that has none, and was refused after it was sent."""
    probe = next(key for key, entry in PROBES.items() if entry.reads_prompts)
    page = researcher.get(form_of(probe, release="r1")).content.decode()
    assert "none: the release has no traces" in page
    assert "newest traces" not in page
    led = re.search(r'Release r1 has no traces to take prompts from\..*?href="([^"]*)"', page, re.DOTALL)
    assert led
    assert "Release, whose model is probed" in researcher.get(unescape(led[1])).content.decode()
    make_trace(world)
    page = researcher.get(form_of(probe, release="r1")).content.decode()
    assert "newest traces" in page
    assert "has no traces" not in page
    own = next(key for key, entry in PROBES.items() if not entry.reads_prompts)
    assert "has no traces" not in researcher.get(form_of(own, release="r1")).content.decode()
