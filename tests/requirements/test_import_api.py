"""Requirement files through the API and the command line: plan, import, and the file given back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.urls import reverse
from jsonschema import Draft202012Validator
from rest_framework.test import APIClient

from evidence.models import Scope
from requirements.models import Requirement, RequirementVersion
from requirements.services.requirements import save_requirement
from requirements.yaml_import import parse_requirement_file
from tests.factories import World, acting
from tests.requirements.builders import AUTHOR, requirement_file
from tracebinder.cli import requirements as command
from tracebinder.cli.main import main
from tracebinder.documents import read_schema
from tracebinder.http import RequestRefused

DATA = Path(__file__).parent / "data"
IMPORT, FILES = "/api/v1/requirements/import", "/api/v1/requirements/import-files"
EXPORT = "/api/v1/requirements/export"
SYSTEM = "credit-assistant"


def post(api: APIClient, world: World, source: bytes, **query: str) -> Any:
    address = f"{IMPORT}?" + "&".join(
        f"{name}={value}" for name, value in {"system": SYSTEM, **query}.items()
    )
    return api.post(address, source, content_type="application/yaml", **world.headers(Scope.IMPORT))


def export(api: APIClient, world: World, file: str) -> Any:
    return api.get(EXPORT, {"system": SYSTEM, "file": file}, **world.headers(Scope.READ))


def test_a_plan_shows_the_words_that_differ_and_stores_nothing(world: World, api: APIClient) -> None:
    bank = (DATA / "bank.yaml").read_bytes()
    assert post(api, world, bank, file="bank.yaml").json()["created"] == 14
    changed = bank.replace(b"cite the tariff sheet in which", b"cite the fee schedule in which").replace(
        "引用能查到其原文的费率表".encode(), "引用能查到其原文的收费表".encode()
    ).replace(b"larkfield-1", b"larkfield-2")  # fmt: skip
    answer = post(api, world, changed, file="bank.yaml", plan="true")
    assert answer.status_code == 200
    told = answer.json()
    assert (told["counts"]["changed"], told["counts"]["unchanged"]) == (1, 13)
    (one,) = [each for each in told["requirements"] if each["change"] == "changed"]
    words = {
        change["path"]: [
            (each["op"], each["text"].strip()) for each in change["words"] if each["op"] != "same"
        ]
        for change in one["changes"]
    }
    assert words == {
        "statement.en": [("removed", "tariff sheet"), ("added", "fee schedule")],
        "statement.zh-Hans": [("added", "收"), ("removed", "率")],
    }
    assert RequirementVersion.objects.count() == 14
    stored = post(api, world, changed, file="bank.yaml", plan_digest=told["plan_digest"])
    assert (stored.status_code, stored.json()["created"]) == (201, 1)
    late = post(api, world, bank, file="bank.yaml", plan_digest=told["plan_digest"])
    assert (late.status_code, late.json()["code"]) == (409, "import_plan_moved")
    assert [each["key"] for each in late.json()["plan"]["requirements"] if each["changes"]] == ["RM-001"]


def test_a_baseline_of_the_same_name_over_another_set_is_refused(world: World, api: APIClient) -> None:
    cases = (DATA / "yaml_mistakes" / "cases.jsonl").read_text(encoding="utf-8").splitlines()
    case = next(each for each in map(json.loads, cases) if each["id"] == "baseline_same_name_diff_set")
    text = case["text"].replace("baseline: bank-1", "baseline: larkfield-1")
    post(api, world, (DATA / "bank.yaml").read_bytes(), file="bank.yaml")
    answer = post(api, world, text.encode(), file="bank.yaml")
    assert answer.status_code == 409
    assert RequirementVersion.objects.count() == 14


def test_a_key_of_another_file_is_a_409_that_names_the_line(world: World, api: APIClient) -> None:
    post(api, world, requirement_file(key="TWO"), file="A.yaml")
    other = requirement_file(key="TWO", owner="somebody-else")
    answer = post(api, world, other, file="B.yaml")
    assert (answer.status_code, answer.json()["code"]) == (409, "key_of_another_file")
    (error,) = answer.json()["errors"]
    assert error["message"].startswith("TWO came from A.yaml:3")
    planned = post(api, world, other, file="B.yaml", plan="true").json()
    assert (planned["applicable"], len(planned["conflicts"])) == (False, 1)
    assert post(api, world, other, file="B.yaml", moves="TWO").status_code == 201


def test_files_are_one_plan_and_bytes_of_any_kind_are_answered(world: World, api: APIClient) -> None:
    def files(*told: dict[str, str]) -> Any:
        body = {"system": SYSTEM, "files": list(told)}
        return api.post(FILES, body, format="json", **world.headers(Scope.IMPORT))

    good = {"name": "a.yaml", "text": requirement_file(key="a").decode()}
    bad = files(good, {"name": "b.yaml", "bytes_base64": "w7+49rvYtPA="})
    assert (bad.status_code, bad.json()["errors"][0]["file"]) == (422, "b.yaml")
    assert not Requirement.objects.exists()
    assert files(good, {"name": "b.yaml"}).status_code == 422
    assert files(good, {"name": "a.yaml", "text": ""}).status_code == 422
    both = files(good, {"name": "b.yaml", "text": requirement_file(key="b").decode()})
    assert (both.status_code, both.json()["created"]) == (201, 2)


def test_more_bytes_than_are_taken_are_refused(world: World, api: APIClient, settings: Any) -> None:
    settings.REQUIREMENTS_MAX_BODY = 100
    assert post(api, world, requirement_file()).status_code == 413


def test_a_key_may_have_dots_and_is_moved_on_by_it(world: World, api: APIClient) -> None:
    post(api, world, requirement_file(key="REQ.1.2"))
    address = reverse("requirement-transitions", kwargs={"key": "REQ.1.2", "number": 1})
    body = {"system": SYSTEM, "to_state": "in_review"}
    assert api.post(address, body, format="json", **world.headers(Scope.IMPORT)).status_code == 201
    listed = api.get("/api/v1/requirements?key=REQ.1.2", **world.headers(Scope.READ)).json()["results"]
    assert [each["state"] for each in listed] == ["in_review"]


@pytest.mark.parametrize("change", [lambda text: text, lambda text: "\ufeff" + text.replace("\n", "\r\n")])
def test_a_file_comes_back_as_it_was_imported(world: World, api: APIClient, change: Any) -> None:
    source = change("# ours\n" + requirement_file(key="a").decode() + "\n# the end\n").encode()
    post(api, world, source, file="a.yaml")
    answer = export(api, world, "a.yaml")
    assert (answer.content, answer.headers["X-Tracebinder-As-Imported"]) == (source, "true")
    assert export(api, world, "b.yaml").status_code == 404


def test_what_was_changed_elsewhere_comes_in_its_place_and_comments_stay(
    world: World, api: APIClient
) -> None:
    first, middle, last = (requirement_file(key=key).decode() for key in "abc")
    head, mark = first.split("  - key")[0], "  - key"
    source = (
        f"# ours\n{head}  # of a\n{mark}{first.split(mark, 1)[1]}  # of b\n{mark}{middle.split(mark, 1)[1]}"
    )
    source = source.replace("    owner: product-owner\n", "    # Amy asked\n    owner: product-owner\n")
    source += f"  # of c\n{mark}{last.split(mark, 1)[1]}# the end\n"
    post(api, world, source.encode(), file="a.yaml")
    (draft,) = parse_requirement_file(
        requirement_file(key="b", owner='"审查组: 甲"', threshold=0.9), "x"
    ).requirements
    save_requirement(principal=acting(AUTHOR), system=world.system, draft=draft)
    post(api, world, requirement_file(key="c", threshold=0.8), file="b.yaml", moves="c")
    exported = export(api, world, "a.yaml")
    text = exported.content.decode()
    assert exported.headers["X-Tracebinder-As-Imported"] == "false"
    assert text.startswith(source.split("  # of b")[0])
    assert all(comment in text for comment in ("# of b", "# of c", "# the end", "# Amy asked"))
    parsed = parse_requirement_file(exported.content, "a.yaml")
    assert [one.key for one in parsed.requirements] == ["a", "b"]
    assert parsed.requirements[1].digest == draft.digest


def test_the_command_plans_and_imports(
    world: World, api: APIClient, monkeypatch: pytest.MonkeyPatch, capsys: Any, tmp_path: Path
) -> None:
    class Server:
        def post(self, path: str, body: bytes, **_: Any) -> tuple[int, dict[str, Any]]:
            answer = api.post(path, body, content_type="application/json", **world.headers(Scope.IMPORT))
            if answer.status_code >= 400:
                raise RequestRefused(status=answer.status_code, problem=answer.json())
            return answer.status_code, answer.json()

    monkeypatch.setattr(command, "server_of", lambda _: Server())
    folder = tmp_path / "req"
    folder.mkdir()
    for key in "ab":
        (folder / f"{key}.yaml").write_bytes(requirement_file(key=key))

    def run(*words: str) -> tuple[int, str]:
        code = main(["requirements", *words, str(folder), "--system", SYSTEM, "--base", str(tmp_path)])
        return code, capsys.readouterr().out

    code, told = run("plan")
    assert (code, "added a req/a.yaml:3" in told, "nothing was stored" in told) == (0, True, True)
    assert not Requirement.objects.exists()
    code, told = run("import", "--json")
    Draft202012Validator(json.loads(read_schema("requirements"))).validate(json.loads(told))
    assert (code, json.loads(told)["created"]) == (0, 2)
    (folder / "a.yaml").write_bytes(requirement_file(key="c", min_n=12))
    code, told = run("plan", "--json")
    Draft202012Validator(json.loads(read_schema("requirements"))).validate(json.loads(told))
    assert (code, json.loads(told)["counts"]["dropped"]) == (2, 1)
    (folder / "a.yaml").write_bytes(requirement_file(key="x", check="no"))
    code, told = run("import")
    assert (code, "req/a.yaml:11" in told) == (1, True), told
