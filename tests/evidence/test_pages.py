"""The frame of pages: who may open one, where it stands, and what a refusal looks like."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.test import Client
from django.urls import include, path, reverse

from config.navigation import NAVIGATION, PLACES
from evidence.access import Principal
from evidence.admin.frame.display import TONES
from evidence.admin.frame.words import WORDS
from evidence.drawings import ICONS
from evidence.errors import ConflictingContent
from evidence.pages.frame import Page, Step, page_view
from evidence.roles import ROLES
from requirements.errors import RequirementNotFound
from tests.factories import World, make_person

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]


@page_view()
def greeting(request: HttpRequest, principal: Principal, name: str) -> Page:
    return Page(
        "pages/frame.html", f"Good day, {name}, from {principal.actor}", trail=[Step("rooms", "/rooms/")]
    )


@page_view(permission="evidence.view_trace")
def for_readers(request: HttpRequest, principal: Principal) -> HttpResponse:
    return HttpResponse("a file, say")


@page_view()
def refusing(request: HttpRequest, principal: Principal, kind: str) -> Page:
    raise {
        "denied": PermissionDenied("Only the one who wrote it."),
        "silent": PermissionDenied(),
        "nothing": Http404("secret-system has no such thing"),
        "conflict": ConflictingContent("another <b>said</b> otherwise"),
        "requirement": RequirementNotFound("no such requirement among yours"),
        "fault": KeyError("ours"),
    }[kind]


urlpatterns = [
    path("greeting/<str:name>/", greeting),
    path("readers/", for_readers),
    path("refusing/<str:kind>/", refusing),
    path("", include("config.urls")),
]


def signed_in(person: User) -> Client:
    client = Client(headers={"Accept": "text/html"})
    client.force_login(person)
    return client


def test_a_page_stands_in_the_frame_and_knows_who_opened_it(world: World) -> None:
    response = signed_in(world.people["auditor"]).get("/greeting/<i>Ada<i>/")
    page = response.content.decode()
    assert response.status_code == 200
    auditor = world.principal("auditor").actor
    assert f"<h1>Good day, &lt;i&gt;Ada&lt;i&gt;, from {auditor}</h1>" in page
    assert '<a href="/rooms/">rooms</a>' in page
    assert '<nav class="tb-rail"' in page


def test_who_is_not_signed_in_is_led_there_and_back(client: Client) -> None:
    response = client.get("/greeting/Ada/")
    assert (response.status_code, response["Location"]) == (302, "/admin/login/?next=/greeting/Ada/")


def test_somebody_who_may_not_use_the_admin_is_led_to_sign_in_as_another(db: None) -> None:
    guest = User.objects.create_user("guest")
    assert signed_in(guest).get("/greeting/Ada/").status_code == 302


def test_a_page_that_takes_a_permission_is_refused_as_a_page(world: World) -> None:
    assert signed_in(world.people["auditor"]).get("/readers/").content == b"a file, say"
    response = signed_in(world.people["operator"]).get("/readers/")
    page = response.content.decode()
    assert response.status_code == 403
    assert "Your roles do not include this page" in page
    assert f'<a href="{reverse("admin:index")}">To your work</a>' in page
    assert '<nav class="tb-rail"' in page


@pytest.mark.parametrize(
    ("kind", "status", "says"),
    [
        ("denied", 403, "Only the one who wrote it."),
        ("silent", 403, "Your roles do not include this page."),
        ("nothing", 404, "There is nothing here, or it belongs to a system you are not a member of."),
        ("conflict", 409, "another &lt;b&gt;said&lt;/b&gt; otherwise"),
        ("requirement", 404, "no such requirement among yours"),
    ],
)
def test_what_a_page_raises_becomes_a_page(world: World, kind: str, status: int, says: str) -> None:
    response = signed_in(world.people["author"]).get(f"/refusing/{kind}/")
    page = response.content.decode()
    assert response.status_code == status
    assert says in page
    assert "secret-system" not in page


def test_a_fault_of_ours_is_not_hidden_as_a_refusal(world: World) -> None:
    with pytest.raises(KeyError):
        signed_in(world.people["author"]).get("/refusing/fault/")


@pytest.mark.parametrize("role", list(ROLES))
def test_a_role_has_five_nouns_and_each_opens(world: World, role: str) -> None:
    client = signed_in(world.people[role])
    places = client.get(reverse("admin:index")).context["places"]
    assert len(places) == 7, "home, five nouns, all records"
    for place in places:
        response = client.get(place.url)
        assert response.status_code == 200, place.url
        current = [each.text for each in response.context["places"] if each.is_current]
        assert current == [place.text]


def test_two_roles_share_their_places_without_repeats(world: World) -> None:
    both = make_person("both", "author", "approver")
    places = signed_in(both).get(reverse("admin:records")).context["places"]
    assert [place.icon for place in places].count("requirement") == 1
    assert len(places) == 2 + len({*NAVIGATION["author"], *NAVIGATION["approver"]})


def test_a_record_lights_the_place_it_belongs_to(world: World) -> None:
    page = signed_in(world.people["auditor"]).get(
        reverse("admin:evidence_release_change", args=[world.release.pk])
    )
    assert [place.icon for place in page.context["places"] if place.is_current] == ["release"]


def test_the_table_of_places_is_whole() -> None:
    assert NAVIGATION.keys() == ROLES.keys()
    assert {key for keys in NAVIGATION.values() for key in keys} == PLACES.keys()
    assert {place.icon for place in PLACES.values()} <= ICONS.keys()
    assert all(len(set(keys)) == 5 for keys in NAVIGATION.values())


def test_all_records_are_those_the_person_may_see(world: World) -> None:
    researcher = signed_in(world.people["researcher"]).get(reverse("admin:records")).content.decode()
    reviewer = signed_in(world.people["reviewer"]).get(reverse("admin:records")).content.decode()
    assert "/admin/interpret/finding/" in researcher
    assert "/admin/evidence/citation/" in reviewer
    assert "/admin/interpret/" not in reviewer


def test_nobody_signed_in_sees_no_places(client: Client) -> None:
    page = client.get(reverse("admin:login")).content.decode()
    assert "tb-rail" not in page


def test_each_verdict_has_words() -> None:
    assert TONES.keys() <= WORDS.keys()


def test_a_script_that_asks_for_a_page_is_refused_with_a_problem(world: World) -> None:
    client = signed_in(world.people["author"])
    response = client.get("/refusing/conflict/", headers={"Accept": "application/json"})
    assert (response.status_code, response.json()["code"]) == (409, "conflicting_content")
