"""Two people import at once, on connections of their own."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import Any

import pytest
from django.db import connection

from requirements.models import RequirementVersion
from requirements.services import requirements as service
from requirements.services.requirements import import_requirements
from tests.factories import acting, make_world
from tests.requirements.builders import AUTHOR, requirement_file


def file_of(*keys: str) -> bytes:
    """Return a file of these requirements, in this order."""
    head, _, _ = requirement_file().partition(b"  - key: ")
    return head + b"".join(requirement_file(key=key).removeprefix(head) for key in keys)


@pytest.mark.django_db(transaction=True)
def test_two_files_with_the_same_requirements_in_another_order_are_both_stored(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world, problems = make_world(), []
    both_have_one = threading.Barrier(2)
    save = service.save_requirement

    def save_and_wait(**asked: Any) -> Any:
        saved = save(**asked)
        with suppress(
            threading.BrokenBarrierError
        ):  # the second does not come as long as it waits for our locks
            both_have_one.wait(timeout=2)
        return saved

    def work(*keys: str) -> None:
        try:
            import_requirements(
                system=world.system, source=file_of(*keys), file_name="r.yaml", principal=acting(AUTHOR)
            )
        except BaseException as exc:  # noqa: BLE001  # handed to the test
            problems.append(exc)
        finally:
            connection.close()

    monkeypatch.setattr(service, "save_requirement", save_and_wait)
    threads = [threading.Thread(target=work, args=keys) for keys in (("a", "b"), ("b", "a"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert sorted(RequirementVersion.objects.values_list("requirement__key", "number")) == [
        ("a", 1),
        ("b", 1),
    ]
