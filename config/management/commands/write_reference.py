"""`manage.py write_reference`: write the reference pages that come from the code."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from config.reference import PAGES, path_of
from evidence.row_schemas import write_todays_schemas


class Command(BaseCommand):
    """Write into docs/reference what `config.reference` renders."""

    help = "Write the reference pages that come from the code."

    def handle(self, *args: Any, **options: Any) -> None:
        del args, options
        for page, render in PAGES.items():
            path_of(page).write_text(render(), encoding="utf-8")
            self.stdout.write(f"wrote {path_of(page)}")
        write_todays_schemas()
