"""`manage.py write_translations`: catalogues brought up to the texts marked in code and templates, and compiled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand

from config import translations

if TYPE_CHECKING:
    from polib import POFile


class Command(BaseCommand):
    """Write each `django.po` and `django.mo`, and say what still has no translation."""

    help = "Write the catalogues of the interface's words and compile them; needs no GNU gettext."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        del args, options
        messages = translations.marked_messages()
        for language in translations.languages():
            catalogue: POFile = translations.update_catalogue(language, messages)
            path = translations.catalogue_path(language)
            path.parent.mkdir(parents=True, exist_ok=True)
            catalogue.save(str(path))
            catalogue.save_as_mofile(str(path.with_suffix(".mo")))
            for message in translations.untranslated(catalogue):
                self.stdout.write(f"{path}: no translation of {message.text!r}")
            self.stdout.write(f"{language}: {len(catalogue)} texts in {path}")
