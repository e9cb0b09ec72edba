"""A researcher has a probe run from the form, looks how far it is, reads its whiskers; a reviewer sees none of it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.urls import reverse

from interpret import registry
from interpret.contracts import ClaimLevel, ComparisonKind, Stability
from interpret.models import Finding, ProbeRun
from interpret.services.execution import execute_probe_run
from interpret.services.queueing import queue_probe_run
from tests.e2e.accessibility import find_barriers
from tests.e2e.browser import beyond, click, see, speak, wear
from tests.e2e.test_finding_page import SCHEMES, WIDTHS, compared, estimate, keep, resize
from tests.factories import World, make_world
from tests.interpret.conftest import INPUTS, StandInProbe, StandInSession
from tests.interpret.measurements import make_measurement, make_result

__all__ = ["resize"]  # the fixture
pytestmark = pytest.mark.django_db(transaction=True)

SignIn = Callable[[User], Any]
ROWS = [
    "Measured",
    "Second seed",
    "Baseline",
    "Null",
    "Dead model",
    "Shuffled order",
    "Text alone",
    "Control",
]


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    """A system whose release can be probed by a stand-in, which takes two parts."""
    monkeypatch.setattr("interpret.tasks.run_probe.delay", lambda _: None)
    probe = StandInProbe()
    probe.names = ("first", "second")
    probe.result = partial(
        make_result,
        make_measurement(
            statistic="induction.ablation_cost", unit="nats a token", level=ClaimLevel.INTERVENTIONAL,
            estimate=estimate(0.91, 0.09), fire_counts={"blocks.5.attn.hook_z": 12},
            baseline=compared(ComparisonKind.BASELINE, "on text without repeats", 0.12, 0.05),
            null=compared(ComparisonKind.NULL, "in a model whose weights were shuffled", 0.004, 0.01),
            control=compared(ComparisonKind.CONTROL, "random sets of heads", 0.18, 0.12),
            stability=Stability(0, 1, estimate(0.88, 0.1), agrees=True, what="new token sequences"),
            does_not_show="That these heads copy in text that people write.",
        ),
    )  # fmt: skip
    monkeypatch.setattr(registry, "load", lambda _: probe)
    monkeypatch.setattr(registry, "open_session", lambda *_: StandInSession())
    return make_world()


def write(browser: Any, name: str, text: str) -> None:
    """Type into a field by its name, in place of what stands there."""
    field = browser.find_element("name", name)
    field.clear()
    field.send_keys(text)


def press(browser: Any, text: str) -> None:
    click(browser, "xpath", f"//main//button[normalize-space()='{text}']")


def test_a_researcher_runs_a_probe_and_reads_its_whiskers(
    sign_in: SignIn, live_server: Any, world: World, resize: Callable[[int], None]
) -> None:
    browser = sign_in(world.people["researcher"])
    browser.get(f"{live_server.url}{reverse('admin:findings')}")
    browser.find_element("link text", "run a probe").click()
    see(browser, "does part of the model look at what followed the last time")
    press(browser, "Choose induction.heads")
    see(browser, "not known yet")
    write(browser, "parameter.heads", "99")
    press(browser, "Ask for this run")
    see(browser, "1 field does not fit")
    assert "Give a whole number from 1 to 64." in see(browser, "Nothing was queued")
    assert not ProbeRun.objects.exists()
    write(browser, "parameter.heads", "6")
    press(browser, "Show what it takes")
    see(browser, "It would be run 1 on this model")
    press(browser, "Ask for this run")
    see(browser, "It waits for a worker.")
    run = ProbeRun.objects.select_related("spec").get()
    assert run.spec.parameters["heads"] == 6
    execute_probe_run(run.pk)
    browser.find_element("link text", "Look again").click()
    see(browser, "Done: all of its 2 parts are measured.")
    finding = Finding.objects.get(run=run)
    browser.find_element("link text", finding.title).click()
    see(browser, "That these heads copy in text that people write.", within=".tb-does-not-show")
    click(browser, "css selector", "[aria-labelledby='tb-compared'] summary")
    table = [
        each.text
        for each in browser.find_elements("css selector", "[aria-labelledby='tb-compared'] th[scope='row']")
    ]
    assert table == ROWS, "each of them in one picture, on one axis"
    drawn = browser.find_element("css selector", "[aria-labelledby='tb-compared'] .tb-figure--wide svg").text
    assert all(row in drawn for row in ROWS)
    browser.find_element("link text", "everything tried on this model").click()
    assert "heads 6" in see(browser, "done 1").replace("\n", " ")


def test_the_pages_can_be_read_by_everybody_at_every_width(
    sign_in: SignIn, live_server: Any, world: World, resize: Callable[[int], None]
) -> None:
    runs = [
        queue_probe_run(
            principal=world.principal("researcher"), release=world.release, probe="induction.heads", seed=seed
        )
        for seed in range(3)
    ]
    execute_probe_run(runs[0].pk)
    queue_probe_run(
        principal=world.principal("researcher"), release=world.release, probe="entropy.next_token", inputs=INPUTS
    )  # fmt: skip
    ProbeRun.objects.filter(pk=runs[1].pk).update(state="failed", error="hook_never_fired: none of its hooks")
    form = reverse("admin:ask_probe")
    pages = {
        "choose": form, "form": f"{form}?probe=induction.heads", "form-prompts": f"{form}?probe=entropy.next_token",
        "form-drift": f"{form}?probe=model.drift", "run-done": reverse("admin:probe_run", args=[runs[0].pk]),
        "run-failed": reverse("admin:probe_run", args=[runs[1].pk]),
        "run-queued": reverse("admin:probe_run", args=[runs[2].pk]), "ledger": reverse("admin:tried"),
    }  # fmt: skip
    browser = sign_in(world.people["researcher"])
    for language in ("en", "zh-hans"):
        speak(browser, language)
        for scheme in SCHEMES:
            wear(browser, scheme)
            for width in WIDTHS:
                resize(width)
                for name, address in pages.items():
                    browser.get(f"{live_server.url}{address}")
                    assert beyond(browser) <= 0, f"{name} scrolls sideways at {width}"
                    assert find_barriers(browser) == [], f"{name}, {language}, {scheme}, {width}"
                    keep(browser, f"r-{name}-{language}-{scheme}-{width}", width)
                    resize(width)
    wear(browser, "light")
    speak(browser, "en")


def test_a_reviewer_sees_none_of_it(sign_in: SignIn, live_server: Any, world: World) -> None:
    run = queue_probe_run(
        principal=world.principal("researcher"), release=world.release, probe="induction.heads"
    )
    execute_probe_run(run.pk)
    finding = Finding.objects.get()
    browser = sign_in(world.people["reviewer"])
    assert browser.find_elements("css selector", "a[href*='probe'], a[href*='finding']") == []
    for address in (
        reverse("admin:ask_probe"), f"{reverse('admin:ask_probe')}?probe=induction.heads",
        reverse("admin:probe_run", args=[run.pk]), reverse("admin:finding", args=[finding.pk]),
        reverse("admin:findings"), reverse("admin:tried"),
    ):  # fmt: skip
        browser.get(f"{live_server.url}{address}")
        page = browser.page_source
        for inside in (
            "induction",
            finding.title,
            "nats a token",
            "sequences",
            world.release.name + "</option>",
        ):
            assert inside not in page.replace(address.replace("&", "&amp;"), ""), f"{inside} on {address}"
