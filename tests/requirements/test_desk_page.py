"""The author's desk without scripts: what is refused stands beside its field, and what was written stays."""

from __future__ import annotations

import re
from html import unescape
from typing import Any
from urllib.parse import urlencode

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from evidence.access import principal_of_user
from evidence.models import Artefact
from requirements.models import Requirement, RequirementVersion, TraceLink
from requirements.selectors.requirements import state_of
from tests.factories import World, make_person, make_world
from tests.requirements.builders import APPROVER, make_criterion, move

pytestmark = pytest.mark.django_db

CRITERIA = """\
criteria:
  - key: limits
    check: answers.confidence_and_limits
    at_least: 0.7
    min_n: 11
"""
FIELDS = {
    "key": "states-limits",
    "statement.en": "Each answer must state its limits.",
    "statement.zh-Hans": "每个回答必须说明其局限。",
    "rationale": "",
    "external_id": "",
    "risk_tier": "high",
    "layer": "product",
    "owner": "product-owner",
    "review_every_days": "180",
    "rest": CRITERIA,
    "digest": "",
    "from_state": "",
}
NEW = "/admin/draft/"


class Desk:
    """Somebody before the desk."""

    def __init__(self, person: User, requirement: str = "") -> None:
        self.client = Client()
        self.client.force_login(person)
        self.requirement = requirement

    @property
    def address(self) -> str:
        """Return the page of the requirement, or of a new one."""
        if not self.requirement:
            return NEW
        return reverse("admin:edit_draft", args=[Requirement.objects.get(key=self.requirement).pk])

    def open(self) -> dict[str, str]:
        """Return what the fields say, as a browser sends them back."""
        return fields_in(self.client.get(self.address).content.decode())

    def press(self, act: str, **over: str) -> Any:
        """Send the form with some fields written anew."""
        over = {name.replace("__", "."): value for name, value in over.items()}
        return self.client.post(self.address, {**self.open(), **over, "act": act})

    def write(self, act: str, fields: dict[str, str]) -> Any:
        """Send these fields, whatever the page shows by now."""
        return self.client.post(self.address, {**fields, "act": act})


def fields_in(page: str) -> dict[str, str]:
    form = page.split("data-desk", 1)[1].split("</form>", 1)[0]
    found = {
        name: unescape(value)
        for name, value in re.findall(
            r'<textarea[^>]* name="([^"]+)"[^>]*>\n(.*?)</textarea>', form, re.DOTALL
        )
    }
    for tag in re.findall(r"<input[^>]*>", form):
        given = dict(re.findall(r' (\w+)="([^"]*)"', tag))
        if given.get("type") != "checkbox" and given["name"] != "csrfmiddlewaretoken":
            found[given["name"]] = unescape(given.get("value", ""))
    for name, options in re.findall(r'<select[^>]* name="([^"]+)"[^>]*>(.*?)</select>', form, re.DOTALL):
        chosen = re.search(r'value="([^"]*)" selected', options)
        found[name] = chosen[1] if chosen else ""
    return found


def said_beside(answer: Any, field: str) -> str:
    """Return what stands beside a field, without tags."""
    page = answer.content.decode()
    part = page.split(f'id="tb-{field.replace(".", "-")}-said"', 1)[1].split("</ul>", 1)[0]
    return " ".join(unescape(re.sub(r"<[^>]+>", "", part.split(">", 1)[1])).split())


@pytest.fixture
def author(world: World) -> Desk:
    return Desk(world.people["author"])


def test_an_author_drafts_sees_the_doubt_beside_its_line_mends_and_proposes(
    world: World, author: Desk
) -> None:
    vague = author.press("check", **FIELDS | {"statement.en": "Answers must be helpful."})
    assert vague.status_code == 200
    assert 'Doubt "helpful"' in said_beside(vague, "statement.en")
    assert not RequirementVersion.objects.exists()
    saved = author.write("save", FIELDS)
    assert saved.status_code == 302
    author.requirement = "states-limits"
    assert saved["Location"] == author.address
    version = RequirementVersion.objects.get()
    assert (version.statement["zh-Hans"], state_of(version)) == (FIELDS["statement.zh-Hans"], "draft")
    assert author.press("propose").status_code == 302
    assert RequirementVersion.objects.count() == 1
    assert state_of(version) == "in_review"
    assert (
        "an approver who neither wrote it nor asked decides"
        in author.client.get(author.address).content.decode()
    )
    assert author.press("take_back", reason="a word is missing").status_code == 302
    assert state_of(version) == "draft"
    move(version, "in_review", version.proposed_by)
    move(version, "approved", APPROVER)
    assert (
        "Draft its next version"
        in author.client.get(
            reverse("admin:requirements_requirementversion_change", args=[version.pk])
        ).content.decode()
    )
    assert (
        author.press("save", statement__en="Each answer must state its limits and its date.").status_code
        == 302
    )
    newest = RequirementVersion.objects.latest("pk")
    assert (newest.number, state_of(newest), state_of(version)) == (2, "draft", "approved")


def test_a_doubt_about_a_criterion_stands_once_in_the_language_of_the_page(author: Desk) -> None:
    doubtful = FIELDS | {"rest": CRITERIA.replace("min_n: 11", "min_n: 2")}
    english = said_beside(author.press("check", **doubtful), "rest")
    assert (english.count("Doubt"), english.isascii()) == (4, True), english
    author.client.cookies["django_language"] = "zh-hans"
    chinese = said_beside(author.press("check", **doubtful), "rest")
    assert (chinese.count("疑问"), "observations" in chinese) == (4, False), chinese
    author.client.cookies["django_language"] = "en"
    assert (
        "linter doubts 4 things"
        in author.client.get(author.write("save", doubtful)["Location"]).content.decode()
    )


def test_two_authors_of_one_draft_do_not_write_over_each_other(world: World, author: Desk) -> None:
    author.write("save", FIELDS)
    first = Desk(world.people["author"], "states-limits")
    second = Desk(world.join("second-author", "author"), "states-limits")
    read_by_both = second.open()
    assert first.press("save", owner="risk-office").status_code == 302
    late = second.write(
        "save", read_by_both | {"statement.en": "Each answer must state its limits at its end."}
    )
    page = late.content.decode()
    assert late.status_code == 409
    assert "states-limits v2" in page
    assert "at its end" in fields_in(page)["statement.en"], "what the author wrote is lost"
    assert re.search(r"stands: </small>risk-office.*yours: </small>product-owner", page, re.DOTALL)
    assert RequirementVersion.objects.count() == 2
    again = second.write("save", fields_in(page))
    assert again.status_code == 302
    newest = RequirementVersion.objects.latest("pk")
    assert (newest.number, newest.owner, newest.proposed_by) == (3, "product-owner", second_actor(world))
    new = author.write("save", FIELDS | {"owner": "somebody-else"})
    assert new.status_code == 409
    assert "You wrote it as new, and it is there" in unescape(new.content.decode())


def second_actor(world: World) -> str:
    return principal_of_user(User.objects.get(username="second-author")).actor


def test_what_was_moved_on_meanwhile_is_not_written_over(world: World, author: Desk) -> None:
    author.write("save", FIELDS)
    author.requirement = "states-limits"
    read_before = author.open()
    version = RequirementVersion.objects.get()
    move(version, "in_review", version.proposed_by)
    late = author.write("save", read_before | {"owner": "risk-office"})
    assert late.status_code == 409
    assert "moved it to in_review" in late.content.decode()
    assert RequirementVersion.objects.count() == 1


def test_only_authors_have_a_desk(world: World, author: Desk) -> None:
    author.write("save", FIELDS)
    version = RequirementVersion.objects.get()
    requirement = version.requirement
    record = reverse("admin:requirements_requirementversion_change", args=[version.pk])
    listed = reverse("admin:requirements_requirementversion_changelist")
    desks = [NEW, reverse("admin:edit_draft", args=[requirement.pk])]
    assert all(author.client.get(address).status_code == 200 for address in desks)
    assert all("/admin/draft/" in author.client.get(page).content.decode() for page in (record, listed))
    for role in ("reviewer", "approver", "auditor", "researcher"):
        other = Desk(world.people[role])
        assert [other.client.get(address).status_code for address in desks] == [403, 403], role
        assert other.write("save", FIELDS).status_code == 403
        assert not any(
            "/admin/draft/" in other.client.get(page).content.decode() for page in (record, listed)
        )
    stranger = Desk(make_world("aml-copilot").people["author"])
    assert stranger.client.get(desks[1]).status_code == 404
    assert stranger.client.post(desks[1], FIELDS | {"act": "save"}).status_code == 404
    assert stranger.client.get(f"{NEW}?system={world.system.key}").status_code == 404
    assert stranger.write("check", FIELDS | {"system": world.system.key}).status_code == 404
    nobody = Desk(make_person("of-no-system", "author"))
    assert nobody.client.get(NEW).status_code == 404
    assert RequirementVersion.objects.count() == 1


@pytest.mark.parametrize(
    ("field", "text", "told"),
    [
        ("statement.en", "a\0b", "U+0000"),
        ("statement.zh-Hans", "每个\u202e回答", "U+202E"),
        ("owner", "team\u200b", "U+200B"),
        ("key", "需求-1", "external_id"),
        ("external_id", "x" * 201, "at most 200"),
        ("rationale", "x" * 1_000_000, "at most 20000"),
        ("statement.en", "x" * 1_000_000, "at most 5000"),
        ("statement.en", "  ", "is empty"),
        ("review_every_days", "90d", "write 90"),
        ("review_every_days", "9" * 5_000, "whole number"),
        ("risk_tier", "extreme", "is not one of low, medium, high"),
        ("rest", "criteria: [", "Fault line"),
        ("rest", "criteria:\n  - key: c\n    check: evals.metrik\n    at_least: 1\n    min_n: 1\n", "line 3"),
        ("rest", "criteria: []\nowner: me\n", ""),
        ("rest", "criterias: []", "did you mean 'criteria'?"),
        ("rest", "[]", "begin a line with one of criteria"),
        ("rest", "a: &x 1", "anchors are not read"),
        ("rest", "criteria: []\nderives: [nobody]\n", "no requirement 'nobody' is on record"),
        ("rest", "criteria: []\nderives: [states-limits]\n", "this closes a cycle"),
        ("rest", "\u202e", "U+202E"),
        ("rest", "#\n" * 300_000 + "criteria: []\n\0", "U+0000"),
    ],
)  # fmt: skip
def test_what_is_no_requirement_is_said_beside_its_field(
    author: Desk, field: str, text: str, told: str
) -> None:
    """None of it is stored, and none of it is an error of ours."""
    given = FIELDS | {
        "statement.en": "Each answer must state its limits.",
        "statement.zh-Hans": "",
        field: text,
    }
    for act in ("check", "save"):
        answer = author.client.post(NEW, given | {"act": act})
        assert answer.status_code == (200 if act == "check" else 422)
        beside = "owner" if not told else field
        assert told in said_beside(answer, beside)
        assert 'aria-invalid="true"' in answer.content.decode()
        kept = fields_in(answer.content.decode())[field].replace("\r\n", "\n")
        assert kept == text
    assert not Requirement.objects.exists()


def test_bytes_that_are_no_text_are_no_error_of_ours(author: Desk) -> None:
    body = urlencode(FIELDS | {"act": "save"}).replace("states-limits", "%ED%A0%80")
    answer = author.client.post(NEW, body, content_type="application/x-www-form-urlencoded")
    assert answer.status_code == 422
    assert author.client.post(NEW, FIELDS | {"act": "nonsense"}).status_code == 422
    assert not Requirement.objects.exists()


def test_what_a_file_owns_is_changed_in_the_file(world: World, author: Desk) -> None:
    version = make_criterion(world, approved=False).version
    author.requirement = "r"
    page = unescape(author.client.get(author.address).content.decode())
    assert "belongs to the file <strong>r.yaml:3</strong>" in page
    assert 'value="save"' not in page
    assert "  - key: r\n    statement: Each answer must do what this criterion measures." in page
    refused = author.press("save", owner="risk-office")
    assert refused.status_code == 409
    assert "r belongs to r.yaml:3: change it there" in refused.content.decode()
    assert RequirementVersion.objects.get() == version
    assert author.press("check", statement__en="Answers must be helpful.").status_code == 200


def test_a_criterion_comes_with_what_has_to_be_filled_in(author: Desk) -> None:
    added = author.client.post(NEW, FIELDS | {"act": "criterion", "check": "evals.metric"})
    rest = fields_in(added.content.decode())["rest"]
    assert rest.startswith(CRITERIA)
    assert "    check: evals.metric" in rest
    checked = author.client.post(NEW, FIELDS | {"act": "check", "rest": rest})
    empty = said_beside(checked, "rest")
    assert "criteria[1].parameters.suite.key: is empty" in empty
    assert "criteria[1].min_n: must be a whole number" in empty
    filled = (
        rest.replace("{key: }", "{key: behaviour}").replace("metric:  #", "metric: exact #")
        .replace("- key:  #", "- key: exact #").replace("at_least:  #", "at_least: 0.8 #")
        .replace("min_n:  #", "min_n: 30 #")
    )  # fmt: skip
    assert author.write("save", FIELDS | {"rest": filled}).status_code == 302
    assert list(RequirementVersion.objects.get().criteria.values_list("check_name", flat=True)) == [
        "answers.confidence_and_limits", "evals.metric",
    ]  # fmt: skip
    assert author.client.post(NEW, FIELDS | {"act": "criterion", "check": ""}).status_code == 422


def test_links_are_named_and_come_back(world: World, author: Desk) -> None:
    author.write("save", FIELDS | {"key": "parent"})
    rest = CRITERIA + "derives: [parent]\nsatisfies: [{prompt: credit-answer}]\n"
    prompt = Artefact.objects.get(system=world.system, kind="prompt")
    rest = rest.replace("credit-answer", prompt.key)
    assert author.write("save", FIELDS | {"rest": rest}).status_code == 302
    author.requirement = "states-limits"
    again = author.open()["rest"]
    assert 'derives: ["parent"]' in again
    assert f'satisfies: [{{"prompt": "{prompt.key}"}}]' in again
    assert author.press("save", owner="risk-office").status_code == 302
    assert TraceLink.objects.count() == 2


def test_a_language_that_nobody_added_is_refused_by_name(author: Desk) -> None:
    refused = author.client.post(
        NEW, FIELDS | {"act": "save", "statement.fr": "Chaque réponse doit suffire."}
    )
    assert refused.status_code == 422
    assert "statement.fr" in refused.content.decode()
    added = author.client.post(NEW, FIELDS | {"act": "language", "language": "fr"})
    assert 'name="languages" value="fr"' in added.content.decode()
    sent = FIELDS | {"act": "check", "languages": "fr", "statement.fr": "Chaque réponse doit suffire."}
    assert author.client.post(NEW, sent).status_code == 200


def test_a_language_too_many_is_not_added_in_silence(author: Desk) -> None:
    many = [f"fr-{chr(65 + n)}X" for n in range(18)]
    sent = FIELDS | {"act": "language", "language": "nb", "languages": " ".join(many)}
    told = author.client.post(NEW, sent | {f"statement.{name}": "x" for name in many})
    assert told.status_code == 422
    assert "20 languages at most here: nb was not added" in told.content.decode()


def test_languages_are_added_and_told_in_theirs(author: Desk) -> None:
    added = author.client.post(NEW, FIELDS | {"act": "language", "language": "zh-Hant"})
    assert "statement.zh-Hant" in fields_in(added.content.decode())
    given = FIELDS | {
        "statement.zh-Hant": "回答應盡量有幫助。",
        "languages": "zh-Hant nb",
        "statement.nb": "Hvert svar skal si sine grenser.",
    }
    checked = author.client.post(NEW, given | {"act": "check"})
    assert 'lang="zh-Hant"><strong>' in checked.content.decode()
    assert "no rules for this language" in said_beside(checked, "statement.nb")
    author.client.cookies["django_language"] = "zh-hans"
    assert "存为草稿" in author.client.get(NEW).content.decode()


@pytest.mark.parametrize("act", ["check", "save", "propose", "criterion", "language"])
def test_a_field_that_the_desk_does_not_have_is_refused_and_what_was_written_stays(
    world: World, act: str
) -> None:
    desk = Desk(world.people["author"])
    answer = desk.write(act, {**FIELDS, "rationele": "Customers decide by it."})
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "rationele" in page
    assert "Each answer must state its limits." in page
    assert not Requirement.objects.exists()
    assert desk.write("save", FIELDS).status_code == 302
    assert Requirement.objects.get().key == "states-limits"
