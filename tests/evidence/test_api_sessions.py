"""The API as the browser of somebody who signed in reaches it, with the check against requests of other sites on."""

from __future__ import annotations

import pytest

from requirements.models import RequirementVersion
from tests.attack.wire import Answer, in_process, session_of
from tests.factories import World
from tests.requirements.builders import requirement_file

pytestmark = pytest.mark.django_db


def import_as_author(world: World, content_type: str, *, with_token: bool = True) -> Answer:
    headers = session_of(world.people["author"]) | {"Content-Type": content_type}
    if not with_token:
        del headers["X-CSRFToken"]
    return in_process()(
        "POST", f"/api/v1/requirements/import?system={world.system.key}", headers, requirement_file()
    )


def test_somebody_who_signed_in_sends_a_body_that_only_its_view_can_read(world: World) -> None:
    answer = import_as_author(world, "application/yaml")
    assert answer.status == 201, answer.content
    assert RequirementVersion.objects.count() == 1


def test_another_site_sends_none(world: World) -> None:
    answer = import_as_author(world, "application/yaml", with_token=False)
    assert (answer.status, answer.code) == (403, "permission_denied")
    assert b"CSRF" in answer.content
    assert not RequirementVersion.objects.exists()


@pytest.mark.parametrize("form", ["application/x-www-form-urlencoded", "multipart/form-data; boundary=b"])
def test_a_form_is_refused_and_not_half_read(world: World, form: str) -> None:
    answer = import_as_author(world, form)
    assert (answer.status, answer.code) == (415, "unsupported_media_type")
