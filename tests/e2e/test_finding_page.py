"""A researcher reads a finding in a real browser: wide and narrow, light and dark, in both languages."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.urls import reverse

from interpret import registry
from interpret.contracts import (
    ClaimLevel,
    Comparison,
    ComparisonKind,
    Estimate,
    HoldsFor,
    ItemValue,
    Measurement,
    NullKind,
    Stability,
    Status,
    TestedUnit,
)
from interpret.models import Finding
from interpret.services.execution import execute_probe_run
from interpret.services.queueing import queue_probe_run
from tests.e2e.browser import beyond, speak, wear
from tests.factories import World, acting, make_world
from tests.interpret.conftest import INPUTS, StandInProbe, StandInSession
from tests.interpret.measurements import make_measurement, make_measurement_of, make_result, make_tested

pytestmark = pytest.mark.django_db(transaction=True)

SignIn = Callable[[User], Any]
SHOTS = bool(os.environ.get("TRACEBINDER_SHOTS"))
WIDTHS = (1440, 1280, 390) if SHOTS else (390,)
SCHEMES = ("light", "dark") if SHOTS else ("light",)


def estimate(value: float, half: float, n: int = 48) -> Estimate:
    return Estimate(value, value - half, value + half, n, 0.95, "studentised bootstrap over sequences")


def compared(kind: ComparisonKind, what: str, value: float, half: float) -> Comparison:
    return Comparison(kind, what, estimate(value, half))


def induction() -> Measurement:
    """What ablating four heads costs, much as a real run reports it."""
    costs = [0.9 + 0.35 * math.sin(3 * i) + 0.01 * (i % 7) for i in range(48)]
    units = tuple(
        TestedUnit(
            f"seq-{i}",
            f"{i:064x}",
            cost,
            {
                NullKind.DEAD_MODEL: 0.01 * math.sin(i),
                NullKind.SHUFFLED_ORDER: 0.15 + 0.05 * math.cos(i),
                NullKind.TEXT_ONLY: 0.0,
            },
        )
        for i, cost in enumerate(costs)
    )
    layers = [
        [0.02 + 0.01 * ((3 * i + 5 * j) % 9) - 0.03 * (j % 4 == 1) for j in range(9)] for i in range(12)
    ]
    layers[5][3], layers[7][8], layers[9][1] = 0.71, 0.52, 0.38
    return make_measurement(
        statistic="induction.ablation_cost",
        unit="nats a token",
        level=ClaimLevel.INTERVENTIONAL,
        estimate=estimate(0.91, 0.09),
        baseline=compared(ComparisonKind.BASELINE, "the same heads, ablated on text without repeats", 0.12, 0.05),
        null=compared(ComparisonKind.NULL, "the same cost in a model whose weights were shuffled", 0.004, 0.01),
        control=compared(ComparisonKind.CONTROL, "19 random sets of four heads in the same layers", 0.18, 0.12),
        tested=make_tested(
            units=units, smallest_effect=0.1, why="a tenth of a nat is one part in ten of the perplexity",
            random_sets=tuple(0.18 + 0.11 * math.sin(5 * i) for i in range(19)),
        ),
        holds_for=HoldsFor("a" * 64, "b" * 64, (), "heads 5.3 7.8 9.1 11.4", tokenizer_digest="c" * 64),
        stability=Stability(0, 1, estimate(0.88, 0.1), agrees=True, what="new token sequences and periods, same heads"),
        supports="Predicting a token that repeats rests on these four heads: without them the loss there rises.",
        does_not_show="That these heads copy in text that people write, or that no other head does the same.",
        fire_counts={"blocks.5.attn.hook_z": 12, "blocks.7.attn.hook_z": 12},
        per_item=tuple(ItemValue(f"sequence-{i:02d}", cost) for i, cost in enumerate(costs)),
        details={
            "dose_response": [
                {"dose": dose, "value": 0.91 * dose**1.4, "low": 0.91 * dose**1.4 - 0.05 - 0.04 * dose,
                 "high": 0.91 * dose**1.4 + 0.05 + 0.04 * dose, "control": 0.18 * dose}
                for dose in (0, 0.25, 0.5, 0.75, 1)
            ],
            "heat_map": {
                "rows": [str(i) for i in range(12)], "columns": [str(i) for i in range(9)], "row": "layer",
                "column": "head", "unit": "share of attention", "values": layers,
            },
        },
    )  # fmt: skip


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    """A system with a rich finding, and one of each status."""
    monkeypatch.setattr("interpret.tasks.run_probe.delay", lambda _: None)
    probe = StandInProbe()
    monkeypatch.setattr(registry, "load", lambda _: probe)
    monkeypatch.setattr(registry, "open_session", lambda *_: StandInSession())
    world = make_world()
    for name, inputs, measured in (
        ("induction.heads", None, [induction()]),
        ("entropy.next_token", INPUTS, [make_measurement_of(status) for status in Status]),
    ):
        probe.result = partial(make_result, *measured)
        run = queue_probe_run(release=world.release, probe=name, principal=acting(), inputs=inputs)
        execute_probe_run(run.pk)
    return world


@pytest.fixture
def resize(chromium: Any) -> Iterator[Callable[[int], None]]:
    """Return a function that makes the window so wide."""

    def to(width: int) -> None:
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        chromium.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)

    yield to
    chromium.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def keep(browser: Any, name: str, width: int) -> None:
    """Keep a picture of the whole page where TRACEBINDER_SHOTS names a folder."""
    if not SHOTS:
        return
    height = browser.execute_script("return document.documentElement.scrollHeight")
    size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    browser.save_screenshot(f"{os.environ['TRACEBINDER_SHOTS']}/{name}.png")


def test_a_researcher_reads_a_finding(
    sign_in: SignIn, live_server: Any, world: World, resize: Callable[[int], None]
) -> None:
    rich, *others = Finding.objects.order_by("pk")
    assert rich.status == "supported"
    pages = {"finding": reverse("admin:finding", args=[rich.pk]), "findings": reverse("admin:findings"),
             "tried": reverse("admin:tried")}  # fmt: skip
    pages |= {each.status: reverse("admin:finding", args=[each.pk]) for each in others}
    browser = sign_in(world.people["researcher"])
    for language, said in (("en", "What it does not show"), ("zh-hans", "它不能说明什么")):
        speak(browser, language)
        for scheme in SCHEMES:
            wear(browser, scheme)
            for width in WIDTHS:
                resize(width)
                for name, address in pages.items():
                    browser.get(f"{live_server.url}{address}")
                    assert beyond(browser) <= 0, f"{name} scrolls sideways at {width}"
                    keep(browser, f"{name}-{language}-{scheme}-{width}", width)
                    resize(width)
                browser.get(f"{live_server.url}{pages['finding']}")
                assert said in browser.find_element("css selector", ".tb-does-not-show").text
                shown = [
                    each.is_displayed()
                    for each in browser.find_elements("css selector", "#content .tb-figure--narrow")
                ]
                assert shown == [width == 390] * 2
    wear(browser, "light")
    speak(browser, "en")
