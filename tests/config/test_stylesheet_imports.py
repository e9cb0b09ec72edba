"""Each stylesheet that a page names is served, and what it takes in with it is, too."""

from __future__ import annotations

import re
from urllib.parse import urljoin

import pytest
from django.test import Client

from tests.factories import World

pytestmark = pytest.mark.django_db
PAGES = ("/admin/", "/admin/auth/user/add/", "/admin/erasures/plan/", "/admin/evidence/accesstoken/add/")


def test_what_stylesheets_import_is_served(client: Client, world: World) -> None:
    """A checker of pages that asks for an import by the address of the page finds nothing; a browser does."""
    client.force_login(world.people["operator"])
    waiting = {
        urljoin(page, href)
        for page in PAGES
        for href in re.findall(r'<link rel="stylesheet" href="([^"]+)"', client.get(page).content.decode())
    }
    seen: set[str] = set()
    while waiting:
        address = waiting.pop()
        seen.add(address)
        answer = client.get(address)
        assert answer.status_code == 200, address
        text = answer.getvalue().decode()
        imports = re.findall(r"@import\s+(?:url\()?['\"]?([^'\")\s;]+)", text)
        waiting |= {urljoin(address, each) for each in imports} - seen
    assert "/static/admin/css/widgets.css" in seen
