"""Each role's guide says the words that the pages say; and it is there in Chinese: its sections, commands and pages."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import polib
import pytest

from tests.docs.commands import addresses_of, commands_of
from tests.docs.references import DOCS, REPOSITORY

ROLES: Final = ("approver", "auditor", "author", "operator", "researcher", "reviewer")
CATALOGUE: Final = REPOSITORY / "config" / "locale" / "zh_Hans" / "LC_MESSAGES" / "django.po"
# Set in bold for what they say, and no word of a page.
STRESSED: Final = {"不", "您", "界", "全部", "十秒后", "可疑", "要么全部生效，要么全不生效", "不用命令行"}
# Whose guides set names of pages and lists in italics, and nothing else.
OF_NAMES_IN_ITALICS: Final = frozenset({"approver", "operator"})
# Likewise in English, where a lead that ends as a sentence does is none either.
LEADS: Final = {
    "A filter that you keep", "A link is suspect once an end of it moved", "A person on one page",
    "A requirement belongs to the file that brought it", "Afterwards you are told", "Ask before you change something",
    "Ask for a percentile of times and costs", "By API", "Cannot be reached", "From a page", "Is left without it",
    "Long conversations that go wrong more often", "New facts are assessed unasked", "Nobody picks",
    "Not the newest", "Of a direction",
    "Scores anywhere between 0 and 1", "Verdict and freshness are two things", "What a reviewer is given",
    "What you say of one counts nowhere else", "Without a shell", "bounds", "covered", "dossier", "each", "every",
    "for you", "leads to", "not", "plan", "take what you said there", "ten seconds later", "the chain",
    "verify it here", "whole or not at all", "! no citation", "Disagreements",
}  # fmt: skip


def halves(role: str, folder: Path) -> tuple[Path, Path]:
    """Return a guide's English half and its Chinese one, each as a page of its own."""
    text = (DOCS / "guides" / f"{role}.md").read_text(encoding="utf-8")
    english, line, chinese = text.partition("\n---\n")
    assert line, f"{role}.md has no Chinese half"
    assert re.match(r"\s*# .*[\u4e00-\u9fff]", chinese)
    pages = folder / "en.md", folder / "zh.md"
    for page, half in zip(pages, (english, chinese), strict=True):
        page.write_text(half, encoding="utf-8")
    return pages


def sections(page: Path) -> list[str]:
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    return re.findall(r"^## (.+)$", text, re.MULTILINE)


@pytest.mark.parametrize("role", ROLES)
def test_each_section_stands_in_chinese_too(role: str, tmp_path: Path) -> None:
    english, chinese = map(sections, halves(role, tmp_path))
    assert len(english) == len(chinese), list(zip(english, chinese, strict=False))
    assert all(re.search(r"[\u4e00-\u9fff]", heading) for heading in chinese)


@pytest.mark.parametrize("role", ROLES)
def test_each_command_and_page_stands_in_chinese_too(role: str, tmp_path: Path) -> None:
    english, chinese = halves(role, tmp_path)
    typed = {str(each) for each in commands_of(english) if each.whole}
    assert typed - {str(each) for each in commands_of(chinese)} == set()
    opened = {each.path for each in addresses_of(english) if each.path.startswith("/admin/")}
    assert opened - {each.path for each in addresses_of(chinese)} == set()


def test_words_of_pages_are_those_that_the_pages_say(tmp_path: Path) -> None:
    said = {entry.msgstr for entry in polib.pofile(str(CATALOGUE))}
    wrong = []
    for role in ROLES:
        text = halves(role, tmp_path)[1].read_text(encoding="utf-8")
        bold = set(re.findall(r"\*\*([^*]+)\*\*", text)) - STRESSED
        wrong += [f"{role}: {word}" for word in sorted(bold - said)]
    assert wrong == []


def is_said(word: str, said: set[str]) -> bool:
    """Whether a button, a link or a page is called so, or its name begins so: "Erase names: what was done stays"."""
    name = word[0].upper() + word[1:]
    return bool({word, name, word.lower()} & said) or any(
        each.startswith((f"{name}:", f"{name} %(")) for each in said
    )


def test_words_of_pages_are_in_english_too_what_the_pages_say(tmp_path: Path) -> None:
    said = {text for entry in polib.pofile(str(CATALOGUE)) for text in (entry.msgid, entry.msgid_plural)}
    wrong = []
    for role in ROLES:
        page = halves(role, tmp_path)[0].read_text(encoding="utf-8")
        text = re.sub(r"^```.*?^```|`[^`]*`", "", page, flags=re.MULTILINE | re.DOTALL)
        named = set(re.findall(r"\*\*([^*\n]+)\*\*", text))
        if role in OF_NAMES_IN_ITALICS:
            named |= set(re.findall(r"(?<![*\w])\*([^*\n]+)\*(?!\*)", re.sub(r"\*\*[^*]+\*\*", "", text)))
        leads = {each for each in named if each.endswith(".")} | LEADS
        wrong += [f"{role}: {word}" for word in sorted(named - leads) if not is_said(word, said)]
    assert wrong == []
