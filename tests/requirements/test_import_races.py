"""Two people import at once, on connections of their own."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import Any

import pytest
from django.db import connection

from requirements.errors import KeyOfAnotherFile
from requirements.models import RequirementVersion
from requirements.services import drafting
from requirements.services.importing import applying
from requirements.services.requirements import import_requirements
from tests.factories import World, acting, make_world
from tests.requirements.builders import AUTHOR, requirement_file


def file_of(*keys: str, owner: str = "product-owner") -> bytes:
    """Return a file of these requirements, in this order."""
    head, _, _ = requirement_file().partition(b"  - key: ")
    return head + b"".join(requirement_file(key=key, owner=owner).removeprefix(head) for key in keys)


def import_at_once(
    world: World, monkeypatch: pytest.MonkeyPatch, *files: tuple[str, bytes]
) -> list[BaseException]:
    """Import files from as many connections, each of which has its plan before any has stored; return what failed."""
    problems: list[BaseException] = []
    both_have_one = threading.Barrier(len(files))
    store = drafting.store_drafts

    def wait_and_store(**asked: Any) -> Any:
        with suppress(
            threading.BrokenBarrierError
        ):  # the second does not come as long as it waits for our lock
            both_have_one.wait(timeout=2)
        return store(**asked)

    def work(name: str, source: bytes) -> None:
        try:
            import_requirements(system=world.system, source=source, file_name=name, principal=acting(AUTHOR))
        except BaseException as exc:  # noqa: BLE001  # handed to the test
            problems.append(exc)
        finally:
            connection.close()

    monkeypatch.setattr(applying, "store_drafts", wait_and_store)
    threads = [threading.Thread(target=work, args=file) for file in files]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return problems


def versions() -> list[tuple[str, int]]:
    return sorted(RequirementVersion.objects.values_list("requirement__key", "number"))


@pytest.mark.django_db(transaction=True)
def test_the_same_file_in_another_order_at_once_is_stored_once(monkeypatch: pytest.MonkeyPatch) -> None:
    world = make_world()
    problems = import_at_once(
        world, monkeypatch, ("r.yaml", file_of("a", "b")), ("r.yaml", file_of("b", "a"))
    )
    assert problems == []
    assert versions() == [("a", 1), ("b", 1)]


@pytest.mark.django_db(transaction=True)
def test_of_two_files_with_one_key_at_once_one_is_told_whose_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    world = make_world()
    problems = import_at_once(
        world, monkeypatch, ("a.yaml", file_of("k")), ("b.yaml", file_of("k", owner="somebody-else"))
    )
    assert [type(problem) for problem in problems] == [KeyOfAnotherFile]
    assert "k came from" in str(problems[0])
    assert versions() == [("k", 1)]
