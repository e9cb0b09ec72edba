"""An operator's day in a real browser: a person whose role takes two, a token seen once, health, and an erasure."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from itertools import product
from typing import Any, Final

import pytest
from django.contrib.auth.models import Group, User
from django.urls import reverse

from evidence import clock
from evidence.access import principal_of_user
from evidence.admin.frame.display import list_url, record_url
from evidence.models import (
    AccessToken,
    Disposal,
    Erasure,
    PendingTrace,
    QueuePause,
    Scope,
    SecondFactor,
    System,
)
from evidence.selectors.holds import active_holds
from evidence.services.disposal.holds import place_hold
from evidence.services.ingest.partitions import ensure_partitions
from evidence.services.people import second_factors
from evidence.services.people.tokens import issue_token
from evidence.services.registry import services_of
from tests.config.test_second_factor import code_of
from tests.e2e.accessibility import find_barriers
from tests.e2e.browser import beyond, click, see, speak
from tests.e2e.cases import make_task
from tests.e2e.guide_steps import choose, fill_in, from_home, press, take_action, told
from tests.e2e.test_finding_page import SHOTS, keep, resize
from tests.evidence.test_readings import approve, seal
from tests.evidence.test_retention_preview import post as send_month
from tests.factories import World, acting, make_world
from tests.requirements.builders import make_trace

__all__ = ["resize"]

pytestmark = pytest.mark.django_db(transaction=True)

SignIn = Callable[[User], Any]
SUBMIT = "#content button[type=submit]"


def test_an_operator_makes_a_person_whose_role_takes_two(
    sign_in: SignIn, live_server: Any, resize: Callable[[int], None]
) -> None:
    world = make_world()
    second = world.join("second-operator", "operator")
    browser = sign_in(world.people["operator"])
    speak(browser, "en")
    resize(1280)

    browser.get(f"{live_server.url}{reverse('admin:auth_user_add')}")
    browser.find_element("name", "username").send_keys("dana")
    click(browser, "css selector", f"input[name=systems][value='{world.system.pk}']")
    keep(browser, "person-add-1280", 1280)
    assert find_barriers(browser) == []
    resize(1280)
    click(browser, "css selector", "input[name=_save]")
    see(browser, "How they sign in")
    browser.get(f"{live_server.url}{reverse('admin:evidence_accessproposal_add')}")
    choose(browser, "person", "dana")
    choose(browser, "role", "approver")
    click(browser, "css selector", SUBMIT)
    see(browser, "another operator confirms it")
    dana = User.objects.get(username="dana")
    assert not dana.groups.exists(), "one operator gave alone what takes two"

    browser = sign_in(second)
    see(browser, "Access proposals to confirm")
    click(browser, "partial link text", "Access proposals to confirm")
    click(browser, "css selector", "#result_list tbody input[type=checkbox]")
    choose(browser, "action", "Confirm: it takes effect now")
    click(browser, "css selector", ".actions button")
    see(browser, "Confirmed")
    assert [group.name for group in dana.groups.all()] == ["approver"]


def test_an_operator_issues_a_token_and_sees_health(
    sign_in: SignIn, live_server: Any, resize: Callable[[int], None]
) -> None:
    world = make_world()
    browser = sign_in(world.people["operator"])
    speak(browser, "en")
    resize(1280)
    browser.get(f"{live_server.url}/admin/")
    click(browser, "link text", "Issue a token")
    browser.find_element("name", "name").send_keys("credit app")
    choose(browser, "owner", world.people["author"].username)
    click(browser, "css selector", "input[name=scopes][value=ingest]")
    click(browser, "css selector", f"input[name=systems][value='{world.system.pk}']")
    keep(browser, "token-form-1280", 1280)
    assert find_barriers(browser) == []
    resize(390)
    keep(browser, "token-form", 390)
    resize(390)
    assert beyond(browser) <= 0, "the form scrolls sideways"
    click(browser, "css selector", SUBMIT)
    see(browser, "cannot be shown again")
    text = browser.find_element("id", "token-text").text
    assert text.startswith("tb_")
    assert find_barriers(browser) == []
    keep(browser, "token-shown", 390)
    click(browser, "link text", "Its record")
    see(browser, AccessToken.objects.get().prefix)
    assert text not in browser.page_source

    resize(1280)
    browser.get(f"{live_server.url}/admin/")
    click(browser, "link text", "Health")
    see(browser, "Figures")


def test_an_operator_changes_a_person_and_helps_who_lost_a_phone(
    sign_in: SignIn, live_server: Any, resize: Callable[[int], None]
) -> None:
    world = make_world()
    nina = world.join("nina", "author")
    secret = second_factors.new_secret()
    second_factors.set_up_second_factor(
        principal=principal_of_user(nina), secret=secret, code=code_of(secret)
    )
    issue_token(
        principal=acting(), name="credit app", owner=nina, scopes=[Scope.READ], systems=[world.system],
        expires_at=clock.now() + timedelta(days=30),
    )  # fmt: skip
    AccessToken.objects.update(last_used_at=clock.now(), last_used_for="POST /v1/traces")
    browser = sign_in(nina)
    browser = sign_in(world.people["operator"])
    page = f"{live_server.url}{reverse('admin:auth_user_change', args=[nina.pk])}"
    for language in ("en", "zh-hans"):
        speak(browser, language)
        for width in (1280, 390):
            resize(width)
            browser.get(page)
            keep(browser, f"person-{language}-{width}", width)
            assert find_barriers(browser) == []
            resize(width)
            assert beyond(browser) <= 0, "the page scrolls sideways"
    speak(browser, "en")
    resize(1280)
    browser.get(page)
    reviewer = Group.objects.get(name="reviewer")
    click(browser, "css selector", f"input[name=groups][value='{reviewer.pk}']")
    click(browser, "css selector", "input[name=_continue]")
    see(browser, "was changed successfully", within="body")
    assert {group.name for group in nina.groups.all()} == {"author", "reviewer"}
    approver = Group.objects.get(name="approver")
    click(browser, "css selector", f"input[name=groups][value='{approver.pk}']")
    click(browser, "css selector", "input[name=_continue]")
    see(browser, "not for one operator to decide")
    assert not nina.groups.filter(name="approver").exists()

    browser.get(page)
    browser.find_element("name", "reason").send_keys("phone lost, seen in person")
    click(browser, "css selector", "button[value=reset_factor]")
    see(browser, "is taken away", within="body")
    assert not SecondFactor.objects.exists()
    click(browser, "css selector", "button[value=password_link]")
    see(browser, "Hand this link to nina")


def test_an_operator_reads_what_retention_would_take(
    sign_in: SignIn, live_server: Any, resize: Callable[[int], None], settings: Any
) -> None:
    settings.RETENTION_DAYS = {"traces": 365, "logs": 0}
    world = make_world()
    ensure_partitions(today=date(2023, 6, 2), months_ahead=0)
    for month in (5, 6):
        send_month(world, month=month, spans=3)
    since, until = datetime(2023, 6, 1, tzinfo=UTC), datetime(2023, 7, 1, tzinfo=UTC)
    place_hold(system=world.system, reason="case 17", period_from=since, period_to=until, principal=acting())
    browser = sign_in(world.people["operator"])
    for language in ("en", "zh-hans"):
        speak(browser, language)
        for width in (1280, 390):
            resize(width)
            browser.get(f"{live_server.url}{reverse('admin:retention')}?at=2030-01-01")
            said = see(browser, "case 17")
            assert "2023-05" in said
            keep(browser, f"retention-{language}-{width}", width)
            assert find_barriers(browser) == []
            resize(width)
            assert beyond(browser) <= 0, "the page scrolls sideways"
    speak(browser, "en")
    browser.get(f"{live_server.url}/admin/")
    click(browser, "link text", "What retention would take")
    said = see(browser, "2023-05")
    assert "goes" in said
    assert "stays: legal hold" in said
    assert not Disposal.objects.exists()


def test_an_operator_erases_what_they_read_the_plan_of(
    sign_in: SignIn, live_server: Any, resize: Callable[[int], None]
) -> None:
    world = make_world()
    trace = make_trace(world)
    browser = sign_in(world.people["operator"])
    page = f"{live_server.url}{reverse('admin:erase')}"
    for language, way in (("en", "Erase what traces said"), ("zh-hans", "擦除轨迹的内容")):
        speak(browser, language)
        for width in (1280, 390):
            resize(width)
            if width == 1280:
                from_home(browser, live_server.url, way)
            else:
                browser.get(page)
            keep(browser, f"erase-form-{language}-{width}", width)
            choose(browser, "system", world.system.key)
            browser.find_element("name", "trace").send_keys(trace.trace_id.hex)
            browser.find_element("name", "reason").send_keys("request 2026-17")
            click(browser, "css selector", SUBMIT)
            see(browser, trace.trace_id.hex)
            keep(browser, f"erase-plan-{language}-{width}", width)
            assert find_barriers(browser) == []
            resize(width)
            assert beyond(browser) <= 0, "the plan scrolls sideways"
    assert not Erasure.objects.exists()
    press(browser, "永久擦除以上内容")
    assert "证书" in see(browser, "已完成的操作")  # which the plan does not say
    assert Erasure.objects.get().reason == "request 2026-17"
    keep(browser, "erased", 390)
    click(browser, "link text", "证书")
    see(browser, trace.trace_id.hex)


def test_an_operator_does_on_pages_what_the_guide_tells(
    sign_in: SignIn, live_server: Any, resize: Callable[[int], None], settings: Any
) -> None:
    """Each by the words of the guide, from home on: people, what a reviewer is given, and tokens."""
    settings.OIDC_ISSUER = "https://provider.example"
    world = make_world()
    make_task(world, language="zh")
    issue_token(
        principal=acting(), name="old app", owner=world.people["author"], scopes=[Scope.READ],
        systems=[world.system], expires_at=clock.now() + timedelta(days=9),
    )  # fmt: skip
    gone = world.join("kim", "author")
    browser = sign_in(world.people["operator"])
    speak(browser, "en")
    resize(1280)
    home = live_server.url

    from_home(browser, home, "All records", "Users", "Add")
    fill_in(browser, username="dana")
    reviewer = Group.objects.get(name="reviewer")
    click(browser, "css selector", f"input[name=groups][value='{reviewer.pk}']")
    click(browser, "css selector", f"input[name=systems][value='{world.system.pk}']")
    press(browser, "Save and continue editing")
    see(browser, "How they sign in")
    press(browser, "Make a link for a new password")
    see(browser, "Hand this link to dana")

    _say_what_reviewers_are_given(browser, home, world)

    from_home(browser, home, "All records", "Sign-in bindings", "Add")
    choose(browser, "person", "dana")
    fill_in(browser, subject="sub-1")
    press(browser, "Store it")
    told(browser, "it holds from the next sign-in")

    from_home(browser, home, "All records", "Users")
    take_action(browser, "Erase names: what was done stays, under the pseudonym", of=gone)
    press(browser, "Erase these names for good")
    told(browser, "Erased the names of")
    gone.refresh_from_db()
    assert gone.username != "kim"

    from_home(browser, home, "Tokens")
    see(browser, "expires soon")
    take_action(browser, "Revoke: useless from now on")
    told(browser, "old app")
    assert AccessToken.objects.get().revoked_at is not None


def test_an_operator_registers_declares_holds_and_has_read_again_by_the_guide(
    sign_in: SignIn, live_server: Any, resize: Callable[[int], None]
) -> None:
    """Each by the words of the guide, from home on, and looked at in both languages at both widths."""
    world = make_world()
    sealed = seal(world)
    approve(world)
    browser = sign_in(world.people["operator"])
    speak(browser, "en")
    resize(1280)
    home = live_server.url

    from_home(browser, home, "All records", "Systems", "Add")
    fill_in(browser, key="loan-desk", name="Loan desk")
    choose(browser, "risk_tier", "medium")
    choose(browser, "owner", world.people["author"].username)
    press(browser, "Register it")
    told(browser, "The system is on record")

    from_home(browser, home, "All records", "Service names", "Add")
    choose(browser, "system", "loan-desk")
    fill_in(browser, name="rag-service")
    press(browser, "Declare it")
    told(browser, "from now on it counts so")
    assert services_of(System.objects.get(key="loan-desk")) == ["rag-service"]

    from_home(browser, home, "Place a legal hold")
    choose(browser, "system", world.system.key)
    _set_day(browser, "period_from", sealed.started_at.date())
    fill_in(browser, reason="case 17")
    press(browser, "Place it")
    told(browser, "nothing of the period is erased")
    fill_in(browser, reason="settled")
    press(browser, "Release the hold")
    told(browser, "Released: retention and erasure take what it kept")
    assert not active_holds().exists()

    from_home(browser, home, "Read traces again")
    choose(browser, "system", world.system.key)
    _set_day(browser, "since", sealed.started_at.date())
    _set_day(browser, "until", sealed.started_at.date() + timedelta(days=1))
    fill_in(browser, reason="reading 2 was approved")
    press(browser, "Have them read again")
    see(browser, "1 trace waits to be read again")
    assert PendingTrace.objects.get().read_again

    hold = place_hold(
        system=world.system, reason="case 18", period_from=clock.now(), period_to=None, principal=acting()
    )
    _see_that_they_fit(
        browser, resize, home,
        {
            "system-add": reverse("admin:evidence_system_add"),
            "service-add": reverse("admin:evidence_servicename_add"),
            "hold-add": reverse("admin:evidence_legalhold_add"),
            "hold": record_url(hold),
            "holds": list_url("evidence.legalhold"),
            "read-again": reverse("admin:read_again"),
            "membership-add": reverse("admin:evidence_membership_add"),
            "retention": reverse("admin:retention"),
        },
    )  # fmt: skip


def _set_day(browser: Any, name: str, day: date) -> None:
    """Choose a day: what is typed into its box depends on the language of the browser."""
    browser.execute_script("arguments[0].value = arguments[1]", browser.find_element("name", name), f"{day}")


# Icons beside a field that reach over their row, which may hide what does.
CUT: Final = """
return [...document.querySelectorAll(".related-widget-wrapper > a")].filter(icon => {
  const row = icon.closest(".form-row"), [inner, outer] = [icon, row].map(each => each.getBoundingClientRect());
  return inner.right > outer.right + (getComputedStyle(row).overflowX === "visible" ? 0.5 : -1);
}).map(icon => icon.id);
"""


def _see_that_they_fit(browser: Any, resize: Callable[[int], None], home: str, pages: dict[str, str]) -> None:
    """See that pages scroll to no side; who cannot see or point reads them in `test_pages`."""
    for language, (name, page) in product(("en", "zh-hans"), pages.items()):
        speak(browser, language)
        for width in (1280, 390) if SHOTS else (390,):
            resize(width)
            browser.get(f"{home}{page}")
            keep(browser, f"{name}-{language}-{width}", width)
            assert not browser.execute_script(CUT), (name, language, width)
            resize(width)
            assert beyond(browser) <= 0, f"{page} scrolls sideways"


def _say_what_reviewers_are_given(browser: Any, home: str, world: World) -> None:
    from_home(browser, home, "All records", "Reviewer skills", "Add")
    click(browser, "css selector", ".select2-selection")
    browser.find_element("css selector", ".select2-search__field").send_keys("dana")
    see(browser, "dana", within=".select2-results")
    click(browser, "css selector", ".select2-results__option--highlighted")
    choose(browser, "system", str(world.system))
    fill_in(browser, language="de")
    press(browser, "Save")
    told(browser, "was added successfully")
    from_home(browser, home)
    see(browser, "Answers that no reviewer can judge")
    from_home(browser, home, "All records", "Queue pauses", "Add")
    choose(browser, "system", str(world.system))
    fill_in(browser, reason="the index is rebuilt")
    press(browser, "Save")
    told(browser, "was added successfully")
    take_action(browser, "Delete selected queue pauses")
    press(browser, "Yes, I’m sure")
    told(browser, "Successfully deleted")
    assert not QueuePause.objects.exists()
