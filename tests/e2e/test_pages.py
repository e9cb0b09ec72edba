"""Every page in a real browser: nothing it needs is refused by the policy, and it can be read in both languages."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.contrib.sessions.backends.db import SessionStore
from django.test import Client, RequestFactory
from django.urls import reverse

from evidence.access import principal_of_user, visible_to
from evidence.acts import can_administer, can_judge, can_label, can_operate
from evidence.models import Binder, Defeater, DefeaterAnswer, EvalRun, Release, ReviewTask, Scope
from evidence.pages.review_desk.address import Tab
from evidence.selectors.review_tasks import waiting_for
from evidence.services import reviews
from interpret.models import Feature, Finding
from interpret.services.dictionaries import label_feature
from requirements.acts import can_import_requirements
from requirements.models import Assessment, Baseline, Requirement, RequirementVersion, TraceLink
from requirements.selectors.chain import NOUNS
from tests.e2e.accessibility import find_barriers
from tests.e2e.browser import click, read_down, see, speak, wear
from tests.e2e.cases import make_task
from tests.evidence.eval_files import eval_file, post
from tests.evidence.test_admin import store_what_other_parts_store
from tests.factories import World, make_world
from tests.interpret.dictionary_store import shipped_feature

pytestmark = pytest.mark.django_db(transaction=True)

SignIn = Callable[[User], Any]

# Nothing but a picture differs by scheme.
SCHEMES = ("light", "dark") if os.environ.get("TRACEBINDER_SHOTS") else ("light",)

# Told by the browser itself before any script of the page runs: also what a page would keep from the log.
LISTEN = """
window.refused = [];
document.addEventListener("securitypolicyviolation", (event) =>
  window.refused.push(`${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`));
"""


def full_world() -> World:
    """Return a system with a row of most nouns."""
    world = make_world()
    task = make_task(world)
    make_task(world)  # which nobody has judged
    world.token(Scope.READ)
    store_what_other_parts_store(world)
    for run_key in ("before", "after"):
        post(world, eval_file(judge={"key": "llm", "label": "1"}, run_key=run_key))
    reviews.record_review(principal=world.principal("reviewer"), trace=task.trace, decision="approve")
    feature = shipped_feature(world.system)
    label_feature(principal=world.principal("researcher"), feature=feature, concept="animals")
    return world


def pages_of(person: User) -> Iterator[str]:
    """Yield home, all records, and list, first record and form of each noun this person may see or add."""
    yield from (reverse("admin:index"), reverse("admin:records"), reverse("admin:password_change"))
    yield f"{reverse('admin:search')}?q=credit"
    if can_administer(principal_of_user(person)):
        yield reverse("admin:health")
        yield reverse("admin:retention")
    if can_operate(principal_of_user(person)):
        yield reverse("admin:erase")
    yield from _pages_of_evidence(person)
    yield from _pages_of_the_inside(person)
    yield from _pages_of_a_release(person)
    yield from _pages_of_requirements(person)
    yield from _pages_of_the_desk(person)
    run = EvalRun.objects.filter(scores__judge__isnull=False).first()
    if run is not None and can_label(principal_of_user(person), run):
        yield reverse("admin:label_sheet", args=[run.pk])
    yield from _records_of(person)


def _records_of(person: User) -> Iterator[str]:
    request = RequestFactory().get("/")
    request.user = person
    request.session = SessionStore()
    for model, model_admin in admin.site._registry.items():
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        if not model_admin.has_view_permission(request):
            continue
        yield reverse(f"{name}_changelist")
        row = model_admin.get_queryset(request).order_by("-pk").first()
        if row is not None:
            yield reverse(f"{name}_change", args=[row.pk])
        if model_admin.has_add_permission(request):
            yield reverse(f"{name}_add") + _answered(model)
        if row is not None and model_admin.has_delete_permission(request, row):
            yield reverse(f"{name}_delete", args=[row.pk])


def _pages_of_the_inside(person: User) -> Iterator[str]:
    if not person.has_perm("interpret.view_internals"):
        return
    yield from (reverse("admin:findings"), reverse("admin:tried"))
    found = Finding.objects.latest("pk")
    yield reverse("admin:finding", args=[found.pk])
    yield from (reverse("admin:ask_probe"), reverse("admin:probe_run", args=[found.run_id]))
    for probe in ("induction.heads", "entropy.next_token"):
        yield f"{reverse('admin:ask_probe')}?probe={probe}"
    feature = Feature.objects.get(labels__isnull=False)
    yield from (reverse("admin:dictionaries"), reverse("admin:dictionary", args=[feature.dictionary_id]))
    yield reverse("admin:feature", args=[feature.pk])


def _pages_of_evidence(person: User) -> Iterator[str]:
    if person.has_perm("evidence.view_trace"):
        yield reverse("admin:try_reading")
        yield reverse("admin:review_agreement")
        yield reverse("admin:review_reasons")
    if person.has_perm("evidence.view_evalrun"):
        yield reverse("admin:eval_matrix")
        runs = EvalRun.objects.filter(run_key__in=["before", "after"]).order_by("pk")
        before, after = runs.values_list("pk", flat=True)
        yield f"{reverse('admin:compare_runs')}?baseline={before}&candidate={after}"


def _pages_of_the_desk(person: User) -> Iterator[str]:
    if can_judge(principal_of_user(person)):
        waiting = waiting_for(person).first()
        assert waiting is not None
        desk = reverse("admin:judge_answer", args=[waiting.task.trace_id])
        yield from (reverse("admin:review_desk"), *(f"{desk}?tab={tab}" for tab in Tab))


def _answered(model: Any) -> str:
    """Return what the address of a form names beside the noun: an answer is given to one doubt."""
    return f"?defeater={Defeater.objects.earliest('pk').pk}" if model is DefeaterAnswer else ""


def _pages_of_a_release(person: User) -> Iterator[str]:
    if not person.has_perm("evidence.view_release"):
        return
    principal = principal_of_user(person)
    release = Release.objects.order_by("-pk")[0]
    yield reverse("admin:dossier", args=[release.pk])
    if person.has_perm("evidence.view_trace"):
        yield f"{reverse('admin:own_sample', args=[release.pk])}?seed=seven"
    if principal.may(Scope.BINDER):
        yield reverse("admin:export_binder", args=[release.pk])
    for kind, noun in NOUNS.items():
        row = visible_to(noun.model._default_manager.order_by("-pk"), principal).first()
        if row is not None:
            yield reverse("admin:chain", args=[kind, row.pk])
    binder = Binder.objects.order_by("-pk").first()
    if binder is not None:
        yield reverse("admin:check_binder", args=[binder.pk])


def _pages_of_requirements(person: User) -> Iterator[str]:
    if not person.has_perm("requirements.view_tracelink"):
        return
    yield reverse("admin:links")
    requirement = Requirement.objects.order_by("-pk").first()
    if requirement is not None and can_import_requirements(principal_of_user(person), requirement.system):
        yield reverse("admin:new_draft")
        yield reverse("admin:import_plan")
        yield reverse("admin:edit_draft", args=[requirement.pk])
    for page, noun in (
        ("link", TraceLink),
        ("coverage", Release),
        ("impact", Release),
        ("baseline", Baseline),
    ):
        row = noun._default_manager.order_by("-pk").first()
        if row is not None:
            yield reverse(f"admin:{page}", args=[row.pk])


def complaints(browser: Any) -> list[str]:
    """Return what the browser refused or could not do on the page it shows."""
    refused = browser.execute_script("return window.refused || ['the listener is not there']")
    logged = [
        each["message"] for each in browser.get_log("browser") if each["level"] in {"SEVERE", "WARNING"}
    ]
    return [*refused, *logged]


@pytest.fixture
def listening(chromium: Any) -> Iterator[Any]:
    """The browser, telling of each thing that a policy refused."""
    listener = chromium.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": LISTEN})
    chromium.get_log("browser")
    yield chromium
    chromium.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", listener)


def test_what_the_policy_refuses_would_be_seen(sign_in: SignIn, listening: Any) -> None:
    browser = sign_in(make_world().people["reviewer"])
    assert complaints(browser) == []
    browser.execute_script("document.body.insertAdjacentHTML('beforeend', '<p style=\"color: red\">red</p>')")
    assert any("style-src" in said for said in complaints(browser))
    browser.execute_script(
        "document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"alert(1)\">')"
    )
    assert any("script-src" in said for said in complaints(browser))


def test_the_pages_of_the_api_draw_its_operations_from_files_of_ours(
    listening: Any, live_server: Any
) -> None:
    listening.get(f"{live_server.url}/api/docs")
    read_down(listening, "/api/v1/traces", within="#swagger-ui")
    assert complaints(listening) == []


def shared_out(people: dict[str, User]) -> dict[str, list[str]]:
    """Return which role opens which pages, so that each page is opened once and each role opens some."""
    seen = {role: list(pages_of(person)) for role, person in people.items()}
    shares: dict[str, list[str]] = {role: [] for role in people}
    for page in dict.fromkeys(page for pages in seen.values() for page in pages):
        shares[
            min((role for role in people if page in seen[role]), key=lambda role: len(shares[role]))
        ].append(page)
    return shares


def made_with(answer: Any) -> frozenset[str]:
    """Return the templates and scripts of a page: pages of the same ones differ by their rows and fields alone."""
    templates = {template.name for template in answer.templates if template.name}
    scripts = re.findall(r"<script[^>]* src=\"([^\"?]+)", answer.content.decode())
    return frozenset(
        [*(name for name in templates if not name.startswith("django/forms/widgets/")), *scripts]
    )


def of_each_kind(people: dict[str, User], shares: dict[str, list[str]]) -> dict[str, list[str]]:
    """Read every page, and return by role one of those that are made with the same templates and scripts."""
    kinds: dict[frozenset[str], tuple[str, str]] = {}
    for role, pages in shares.items():
        client = Client()
        client.force_login(people[role])
        for page in pages:
            answer = client.get(page)  # which `tests.page_rules` holds to the policy
            assert answer.status_code == 200, f"{page} as {role}"
            assert "tb-rail" in answer.content.decode(), f"{page} stands outside the frame"
            kinds.setdefault(made_with(answer), (role, page))
    return {role: [page for of, page in kinds.values() if of == role] for role in people}


def test_no_page_needs_what_the_policy_refuses_or_keeps_anybody_out(
    sign_in: SignIn, listening: Any, live_server: Any
) -> None:
    """Each page is read once, and one of each kind opened; `make soak` opens all of them as every role."""
    world = full_world()
    shares = shared_out(world.people)
    assert sum(len(pages) for pages in shares.values()) > 100
    assert min(len(pages) for pages in shares.values()) > 5
    opened = of_each_kind(world.people, shares)
    assert sum(len(pages) for pages in opened.values()) > 20
    for role, pages in opened.items():
        browser = sign_in(world.people[role])
        assert complaints(browser) == [], f"home of {role}"
        for page in pages:
            browser.get(f"{live_server.url}{page}")
            assert complaints(browser) == [], f"{page} as {role}"
            assert find_barriers(browser) == [], f"{page} as {role}"
            assert browser.find_elements("css selector", "nav.tb-rail"), f"{page} stands outside the frame"


@pytest.mark.soak
@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_no_page_needs_what_the_policy_refuses_or_keeps_anybody_out_as_any_role(
    sign_in: SignIn, listening: Any, live_server: Any, language: str
) -> None:
    world = full_world()
    for role, person in world.people.items():
        browser = sign_in(person)
        speak(browser, language)
        for page in pages_of(person):
            for scheme in ("light", "dark"):
                wear(browser, scheme)
                browser.get(f"{live_server.url}{page}")
                assert complaints(browser) == [], f"{page} as {role}"
                assert find_barriers(browser) == [], f"{page} as {role}, {scheme}"
    wear(browser, "light")


def test_the_frame_in_both_languages(sign_in: SignIn, live_server: Any, shoot: Any) -> None:
    world = full_world()
    task = ReviewTask.objects.latest("pk")
    looks = {
        "home": reverse("admin:index"),
        "records": reverse("admin:records"),
        "queue": reverse("admin:evidence_reviewtask_changelist"),
        "review": reverse("admin:evidence_reviewtask_change", args=[task.pk]),
        "assessment": reverse(
            "admin:requirements_assessment_change", args=[Assessment.objects.latest("pk").pk]
        ),
        "requirement": reverse(
            "admin:requirements_requirementversion_change", args=[RequirementVersion.objects.latest("pk").pk]
        ),
    }
    browser = sign_in(world.people["reviewer"])
    for language, last in (("en", "All records"), ("zh-hans", "全部记录")):
        speak(browser, language)
        for scheme in SCHEMES:
            wear(browser, scheme)
            for name, address in looks.items():
                browser.get(f"{live_server.url}{address}")
                assert browser.find_element("css selector", "html").get_attribute("lang") == language
                assert browser.find_element("css selector", ".tb-rail-last").text == last
                shoot(f"{name}-{language}-{scheme}")
    wear(browser, "light")


def test_panes_scroll_alone_and_lead_to_the_claim(sign_in: SignIn, live_server: Any) -> None:
    world = make_world()
    task = make_task(world)
    browser = sign_in(world.people["reviewer"])
    browser.get(f"{live_server.url}{reverse('admin:evidence_reviewtask_change', args=[task.pk])}")
    panes = browser.find_elements("css selector", ".tb-pane")
    assert len(panes) == 3
    claims = panes[1]
    assert measure(browser, "document.documentElement", "scrollHeight - self.clientHeight") <= 0
    assert browser.execute_script("return arguments[0].scrollHeight > arguments[0].clientHeight", claims)
    click(browser, "css selector", "a[href='#claim-3']")
    assert browser.execute_script("return arguments[0].scrollTop", claims) > 0
    assert browser.execute_script("return arguments[0].scrollTop", panes[0]) == 0


@pytest.fixture
def narrow(chromium: Any) -> Iterator[None]:
    """A window of 390 pixels, as of a telephone, or of a desk at 400 %."""
    size = {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": False}
    chromium.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    yield
    chromium.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_a_narrow_page_has_one_column_and_never_scrolls_sideways(
    sign_in: SignIn, live_server: Any, narrow: None
) -> None:
    world = full_world()
    browser = sign_in(world.people["reviewer"])
    review = reverse("admin:evidence_reviewtask_change", args=[ReviewTask.objects.latest("pk").pk])
    for address in (reverse("admin:index"), reverse("admin:records"), review):
        browser.get(f"{live_server.url}{address}")
        assert measure(browser, "document.documentElement", "scrollWidth - self.clientWidth") <= 0, address
    left = {pane.location["x"] for pane in browser.find_elements("css selector", ".tb-pane")}
    assert len(left) == 1


def test_paper_has_no_dark_and_nothing_to_press(sign_in: SignIn, live_server: Any) -> None:
    world = make_world()
    task = make_task(world)
    browser = sign_in(world.people["reviewer"])
    browser.get(f"{live_server.url}{reverse('admin:evidence_reviewtask_change', args=[task.pk])}")
    browser.execute_cdp_cmd(
        "Emulation.setEmulatedMedia",
        {"media": "print", "features": [{"name": "prefers-color-scheme", "value": "dark"}]},
    )
    shown = [
        browser.find_element("css selector", each).is_displayed()
        for each in ("header", ".tb-rail", ".tb-form")
    ]
    ground = measure(
        browser, "document.body", "ownerDocument.defaultView.getComputedStyle(self).backgroundColor"
    )
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "", "features": []})
    assert shown == [False, False, False]
    assert ground == "rgb(255, 255, 255)"


def test_the_admins_own_scripts_still_work(sign_in: SignIn, listening: Any, live_server: Any) -> None:
    world = make_world()
    browser = sign_in(world.people["operator"])
    browser.get(f"{live_server.url}{reverse('admin:evidence_membership_add')}")
    click(browser, "css selector", ".select2-selection")
    browser.find_element("css selector", ".select2-search__field").send_keys("auditor")
    see(browser, "auditor-credit-assistant", within=".select2-results")
    click(browser, "css selector", "button.theme-toggle")
    assert browser.find_element("css selector", "html").get_attribute("data-theme") == "dark"
    assert measure(
        browser, "document.body", "ownerDocument.defaultView.getComputedStyle(self).backgroundColor"
    ) != ("rgb(255, 255, 255)")
    browser.execute_script("localStorage.removeItem('theme')")
    assert complaints(browser) == []


def measure(browser: Any, element: str, what: str) -> Any:
    """Return a property of an element; `self` is the element once more."""
    return browser.execute_script(f"const self = {element}; return self.{what};")
