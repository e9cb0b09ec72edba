"""No guide sends its reader to an operator for a token that no operator issues: such a one is made on the machine."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

from evidence.models import Scope
from evidence.roles import OPERATOR, token_scopes_of
from tests.docs.references import DOCS

GUIDES: Final = sorted((DOCS / "guides").glob("*.md"))
KEPT: Final = sorted(set(Scope.values) - token_scopes_of([OPERATOR]))
_TOKEN: Final = re.compile(r"\btokens?\b|令牌")
_ISSUER: Final = re.compile(r"\boperators?\b|operator\.md|运维人员|\bone token\b")
_KEPT_SCOPE: Final = re.compile("|".join(f"`{scope}`" for scope in KEPT))
_PAGE: Final = re.compile(r"\*Issue a token\*|\*\*签发令牌\*\*")


def told_wrongly(text: str) -> list[str]:
    """Return the paragraphs that tell of a token an operator does not issue, or of the page, without the command."""
    return [
        paragraph
        for paragraph in re.split(r"\n\s*\n", text)
        if _TOKEN.search(paragraph)
        and (_PAGE.search(paragraph) or (_ISSUER.search(paragraph) and _KEPT_SCOPE.search(paragraph)))
        and "issue_token" not in paragraph
    ]


@pytest.mark.parametrize("page", GUIDES, ids=lambda page: page.name)
def test_a_token_that_no_operator_issues_is_said_to_be_made_on_the_machine(page: Path) -> None:
    assert told_wrongly(page.read_text(encoding="utf-8")) == []


def test_what_is_told_wrongly_is_found() -> None:
    assert {"import", "read"} <= set(KEPT)
    assert told_wrongly("Ask an operator for a token with the scope `read`.")
    assert told_wrongly("请运维人员签发带 `import` 范围的令牌。")
    assert not told_wrongly("An operator issues a token with the scope `ingest`.")
    assert not told_wrongly(
        "A token with the scope `read` is made on the machine, by `manage.py issue_token`, by an operator."
    )
