"""How lists find words whatever their case: by the letters A to Z alone where nothing else that is sought has a case.

PostgreSQL folds each value by the rules of every script before it compares, which is most of what a search through some
ten thousand statements takes; under the collation "C" it looks at bytes. What holds a letter such as é or Ж is folded
by the rules of every script, as before.
"""

from __future__ import annotations

from typing import Any

from django.db.models import Field, JSONField
from django.db.models.lookups import IContains


class _ContainsAnyCase(IContains):
    """`icontains`, which finds the same, but for rare letters that fold to some of the 26, as ı, ſ and ﬁ do."""

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        """Return the comparison and its parameters."""
        if not (self.rhs_is_direct_value() and _has_few_cases(str(self.rhs))):
            return super().as_sql(compiler, connection)
        column, of_column = compiler.compile(self.lhs)
        _placeholder, sought = self.process_rhs(compiler, connection)
        return f'UPPER({column}::text COLLATE "C") LIKE UPPER(%s COLLATE "C")', [*of_column, *sought]


def find_words_at_once() -> None:
    """Have every `icontains` compare so."""
    for kind in (Field, JSONField):  # the latter has one of its own, which differs on other databases alone
        kind.register_lookup(_ContainsAnyCase)


def _has_few_cases(sought: str) -> bool:
    """Whether only the letters A to Z of a text have a large and a small form."""
    return all(each.isascii() or each.upper() == each.lower() == each for each in sought)
