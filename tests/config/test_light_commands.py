"""A command that calls services starts without the pages of the web, and what looks at pages loads them first."""

from __future__ import annotations

import subprocess
import sys

from tests.invariants.walk import REPOSITORY

# As a command starts, and then as `manage.py check` does.
STARTS = """
import sys
import django
django.setup()
from django.core.management import get_commands, load_command_class
command = load_command_class(get_commands()["create_system"], "create_system")
command.create_parser("manage.py", "create_system")
pages = [name for name in sys.modules if name.startswith(("evidence.admin", "evidence.api", "evidence.pages"))]
assert not pages, pages
assert not command.requires_system_checks  # which load them

from django.contrib import admin
from django.core.checks import Tags, run_checks
assert not admin.site._registry
assert run_checks(tags=[Tags.admin]) == []
assert len(admin.site._registry) > 100
print("light")
"""


def test_a_command_loads_no_page_and_the_checks_of_pages_load_all() -> None:
    done = subprocess.run(
        [sys.executable, "-c", STARTS], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    assert done.stdout == "light\n", done.stderr
