"""What an address of the admin asks for and its page does not have: named, and never left out."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from evidence.search_terms import MOST_WORDS
from tests.e2e.cases import make_task
from tests.evidence.test_admin import store_what_other_parts_store
from tests.factories import World

pytestmark = pytest.mark.django_db

NOT_NARROWED = "The address asked for a filter that this list does not have: all rows are shown."


@pytest.fixture
def client(world: World) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(world.people["auditor"])
    return client


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("evidence/reviewtask/?standing=overdu", "did you mean 'overdue'?"),
        ("evidence/reviewtask/?standing=", "'standing' is one of"),
        ("evidence/reviewtask/?standing=open&standing=closed", "'standing' is given more than once"),
        ("evidence/deployment/?live_on=2025-13-45", "'live_on' is a day, as 2026-11-30, not '2025-13-45'."),
        ("evidence/artefactversion/?registered=maybe", "'registered' is one of yes, no, approver"),
        ("requirements/requirementversion/?state=aproved", "did you mean 'approved'?"),
        ("evidence/system/?risk_tier__exact=bogus", "'risk_tier__exact' is one of"),
        ("evidence/system/?risk_tier=bogus", "'risk_tier' is one of"),
        ("evidence/system/?risk_tier__in=low,bogus", "not 'bogus'"),
        ("evidence/trace/?risk_tier__exact=", "'risk_tier__exact' is one of"),
        ("evidence/artefactversion/?artefact__kind__exact=modl", "did you mean 'model'?"),
        ("evidence/trace/?release__isnull=bogus", "'release__isnull' is True or False"),
        ("evidence/trace/?system__id__exact=bogus", "cannot be read as what its filter compares"),
        ("evidence/trace/?statsu=ok", "no filter 'statsu'; did you mean 'status'?"),
        ("evidence/trace/?_facets=True", "no filter '_facets'"),
        ("evidence/reviewtask/?o=99.bogus", "'o' is the number of a column that orders this list, not '99'"),
        ("evidence/reviewtask/?o=bogus", "not 'bogus'"),
        ("evidence/reviewtask/?o=0", "not '0'"),
        ("evidence/reviewtask/?o=1&o=2", "'o' is given more than once"),
        ("evidence/trace/?p=bogus", "'p' is the number of a page, not 'bogus'"),
        ("evidence/trace/?p=0", "'p' is the number of a page, not '0'"),
        ("evidence/trace/?all=bogus", "'all' is given without a value, not 'bogus'"),
        ("evidence/trace/?p=7", "This list has no page 7."),
        ("requirements/linkreview/?q=x", "This list cannot be searched"),
    ],
)  # fmt: skip
def test_a_list_that_is_asked_for_what_it_does_not_have_names_it(
    world: World, client: Client, address: str, said: str
) -> None:
    make_task(world)
    response = client.get(f"/admin/{address}", follow=True)
    page = unescape(response.content.decode())
    assert response.redirect_chain == [(f"/admin/{address.partition('?')[0]}?e=1", 302)]
    assert said in page
    assert NOT_NARROWED in page


@pytest.mark.parametrize(
    "address",
    [
        "evidence/reviewtask/?standing=all", "evidence/reviewtask/?standing=overdue&o=1.-5", "evidence/reviewtask/?o=",
        "evidence/deployment/?live_on=2025-12-31", "evidence/deployment/?live_on=",
        "evidence/system/?risk_tier__in=low,high", "evidence/trace/?release__isnull=True",
        "evidence/trace/?q=x&p=1&all=", "evidence/system/?risk_tier__exact=low&risk_tier__exact=high",
        "evidence/tracedocument/?cited__exact=1",
        "evidence/claim/?trace__id__exact={trace}",
    ],
)  # fmt: skip
def test_what_a_list_has_narrows_it(world: World, client: Client, address: str) -> None:
    trace = make_task(world).trace
    response = client.get(f"/admin/{address.format(trace=trace.pk)}")
    assert response.status_code == 200
    assert NOT_NARROWED not in response.content.decode()


def test_a_choice_that_is_no_row_one_may_see_is_refused(world: World, client: Client) -> None:
    """With one system to choose from Django shows no such filter, and would show every trace for any other."""
    trace = make_task(world).trace
    page = client.get(f"/admin/evidence/trace/?system__id__exact={world.system.pk}").content.decode()
    assert f"/admin/evidence/trace/{trace.pk}/change/" in page
    assert client.get("/admin/evidence/trace/?system__id__exact=999999").status_code == 400


def test_every_heading_that_is_a_link_orders_its_list(world: World, client: Client) -> None:
    """Django links the heading of any column whose name holds "__", and `__str__` does."""
    make_task(world)
    store_what_other_parts_store(world)
    followed = 0
    for model in admin.site._registry:
        path = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        page = client.get(path)
        if page.status_code == 200:
            for address in set(re.findall(r'href="(\?[^"]*o=[^"]*)"', page.content.decode())):
                assert client.get(path + unescape(address)).status_code == 200, path + address
                followed += 1
    assert followed > 60


def test_what_djangos_own_pages_send_empty_is_taken(world: World) -> None:
    """A picker whose text was cleared sends `term=`."""
    client = Client()
    assert client.get("/admin/login/?next=").status_code == 200
    client.force_login(world.people["operator"])
    picker = {"app_label": "evidence", "model_name": "membership", "field_name": "user", "term": ""}
    assert client.get("/admin/autocomplete/", picker).status_code == 200
    assert client.get("/admin/evidence/membership/add/?_changelist_filters=").status_code == 200
    history = reverse("admin:auth_user_history", args=[world.people["author"].pk])
    assert client.get(history, {"p": "1"}).status_code == 200
    assert client.get("/admin/password_change/?_popup=1").status_code == 422


def test_a_filter_is_not_asked_for_hundreds_of_values(client: Client) -> None:
    refused = client.get("/admin/evidence/trace/?" + "&".join(["system__id__exact=1"] * 21), follow=True)
    assert "is given 21 times: 20 are taken" in unescape(refused.content.decode())


def test_a_form_that_adds_a_record_names_what_it_does_not_read(world: World) -> None:
    """Whoever writes `?sistem=3`, or `?system=3` to a form that begins with no value, believes that it counts."""
    seen: dict[str, str] = {}
    for person in world.people.values():
        client = Client(headers={"accept": "application/json"})
        client.force_login(person)
        for model in admin.site._registry:
            page = f"/admin/{model._meta.app_label}/{model._meta.model_name}/add/"
            led = client.get(page, {"_changelist_filters": "system__id__exact=1"})
            if led.status_code not in {200, 302}:
                continue
            for field in ("bogus", "defeaters", *(each.name for each in model._meta.get_fields())):
                answer = client.get(page, {field: "1"})
                is_read = field in _begun_with(page, led)
                seen[f"{page} {field}"] = "read" if is_read else "refused"
                assert (answer.status_code != 422) is is_read, (page, field, answer.status_code)
                assert is_read or field in str(answer.json()["errors"]), (page, field)
    assert list(seen.values()).count("read") > 10
    assert len({each.partition(" ")[0] for each in seen}) > 12


def test_what_stands_beside_a_field_leads_somewhere(world: World) -> None:
    """A form that a service stores cannot stand in a window of Django's, and was offered there."""
    operator, followed = Client(), 0
    operator.force_login(world.people["operator"])
    for noun in ("membership", "reviewerskill", "queuepause"):
        page = unescape(operator.get(f"/admin/evidence/{noun}/add/").content.decode())
        for way in re.findall(r'id="add_id_[a-z]+"[^>]* href="([^"]+)"|href="([^"]+_popup=1)"', page):
            address = "".join(way[:1]) or way[1]
            assert operator.get(address).status_code == 200, (noun, address)
            followed += 1
    assert followed


def _begun_with(page: str, shown: Any) -> set[str]:
    """Return the fields that a form of Django's begins with values of; of ours none does, but for one."""
    if "adminform" in (shown.context or ()):
        return set(shown.context["adminform"].form.fields)
    return {"defeater"} if "defeateranswer" in page else set()


def test_no_search_is_asked_for_hundreds_of_words(world: World, client: Client) -> None:
    """Two thousand words took a list seconds."""
    words = " ".join(["w"] * (MOST_WORDS + 1))
    said = f"A search has at most {MOST_WORDS} words, and this one {MOST_WORDS + 1}"
    for model, of_list in admin.site._registry.items():
        path = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        if of_list.search_fields and client.get(path).status_code == 200:
            assert said in unescape(client.get(path, {"q": words}, follow=True).content.decode()), path
            assert client.get(path, {"q": "w " * 30}).status_code == 200
    assert said in unescape(client.get(reverse("admin:search"), {"q": words}).content.decode())
    operator = Client()
    operator.force_login(world.people["operator"])
    picker = {"app_label": "evidence", "model_name": "membership", "field_name": "user", "term": words}
    refused = operator.get("/admin/autocomplete/", picker, headers={"accept": "application/json"})
    assert (refused.status_code, said in refused.json()["detail"]) == (422, True)


def test_a_list_led_back_to_and_narrowed_wrongly_again_is_no_fault_of_ours(client: Client) -> None:
    response = client.get(
        "/admin/evidence/reviewtask/?e=1&standing=bogus", headers={"Accept": "application/json"}
    )
    assert response.status_code == 422
    assert response.json()["detail"].startswith("'standing' is one of")


def test_an_action_on_a_list_that_is_none_does_nothing(world: World) -> None:
    client = Client()
    client.force_login(world.people["operator"])
    sent = {"action": "delete_selected", "_selected_action": "1", "index": "0", "post": "yes"}
    response = client.post("/admin/evidence/membership/?o=99", sent)
    assert response["Location"] == "/admin/evidence/membership/?e=1"


@pytest.mark.parametrize(
    "address",
    ["", "records/", "evidence/", "login/", "password_change/", "jsi18n/", "evidence/system/1/", "auth/user/add/",
     "evidence/system/1/change/", "evidence/system/1/history/", "evidence/trace/1/review/", "autocomplete/"],
)  # fmt: skip
def test_a_page_that_is_no_list_names_a_parameter_it_does_not_read(
    world: World, client: Client, address: str
) -> None:
    client.force_login(world.people["operator" if address.startswith("auth") else "auditor"])
    response = client.get(f"/admin/{address}?zz_made_up=1", headers={"Accept": "application/json"})
    assert response.status_code == 422
    page = response.content.decode()
    assert "Unknown query parameter" in page
    assert "zz_made_up" in page


def test_a_page_of_the_frame_says_so_in_the_frame(client: Client) -> None:
    response = client.get("/admin/records/?zz_made_up=1", headers={"Accept": "text/html"})
    page = unescape(response.content.decode())
    assert '<nav class="tb-rail"' in page
    assert "Unknown query parameter 'zz_made_up'" in page


def test_a_record_is_opened_from_a_narrowed_list_and_led_back_to_it(world: World, client: Client) -> None:
    address = f"/admin/evidence/system/{world.system.pk}/change/"
    assert client.get(address, {"_changelist_filters": "o=1"}).status_code == 200


def test_nothing_is_said_of_a_lookup_that_reaches_the_internals(world: World) -> None:
    """Its choices and its names are the researcher's to read."""
    client = Client(raise_request_exception=False)
    client.force_login(world.people["author"])
    path = "/admin/evidence/system/"
    response = client.get(f"{path}?probe_specs__runs__state=bogus", headers={"Accept": "application/json"})
    assert response.status_code == 400
    assert "queued" not in response.content.decode()
    page = client.get(f"{path}?probe_spec=1", follow=True).content.decode()
    assert "did you mean" not in page
