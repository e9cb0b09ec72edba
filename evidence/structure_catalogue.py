"""What PostgreSQL's catalogue says of the columns, constraints and indexes of a schema. Reading it takes no lock.

Left out are indexes that only make reading faster: one that is unique is a rule, and one over an expression or a part
of the rows has PostgreSQL call something for each row that is written.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Final, NamedTuple

from django.db.backends.utils import CursorWrapper

# A partition is to say what its table says, so it is read under that name. Its identity column counts on its own only
# in some versions of PostgreSQL.
_COLUMNS: Final = """
SELECT 'column', root.relname, one.attname, concat_ws(' ', format_type(one.atttypid, one.atttypmod),
    'COLLATE ' || nullif(sorted.collname, 'default'), CASE WHEN one.attnotnull THEN 'NOT NULL' END,
    'IDENTITY ' || nullif(own.attidentity::text, ''), 'GENERATED ' || nullif(one.attgenerated::text, ''),
    'DEFAULT ' || pg_get_expr(given.adbin, given.adrelid))
FROM pg_class AS class JOIN pg_class AS root ON root.oid = coalesce(pg_partition_root(class.oid), class.oid)
JOIN pg_attribute AS one ON one.attrelid = class.oid AND one.attnum > 0 AND NOT one.attisdropped
LEFT JOIN pg_attribute AS own ON own.attrelid = root.oid AND own.attname = one.attname AND NOT own.attisdropped
LEFT JOIN pg_collation AS sorted ON sorted.oid = one.attcollation
LEFT JOIN pg_attrdef AS given ON given.adrelid = class.oid AND given.adnum = one.attnum
WHERE class.relnamespace = %(schema)s AND class.relkind IN ('r', 'p', 'f')
"""

# That a value must be there stands with its column. A unique constraint is its index.
_CONSTRAINTS: Final = """
SELECT 'constraint', root.relname, one.conname, pg_get_constraintdef(one.oid)
FROM pg_constraint AS one JOIN pg_class AS class ON class.oid = one.conrelid
JOIN pg_class AS root ON root.oid = coalesce(pg_partition_root(class.oid), class.oid)
WHERE class.relnamespace = %(schema)s AND one.contype NOT IN ('u', 't') AND (one.contype <> 'n' OR NOT one.convalidated)
AND (NOT class.relispartition OR one.contype IN ('c', 'x'))
"""

_INDEXES: Final = r"""
SELECT 'index', class.relname, name.relname,
    regexp_replace(pg_get_indexdef(one.indexrelid), ' ON (ONLY )?(pg_temp|public)\.', ' ON ')
    || CASE WHEN one.indisvalid AND one.indisready AND one.indislive THEN '' ELSE ' (not whole)' END
    || CASE WHEN one.indimmediate THEN '' ELSE ' (deferred)' END
FROM pg_index AS one JOIN pg_class AS class ON class.oid = one.indrelid
JOIN pg_class AS name ON name.oid = one.indexrelid
WHERE class.relnamespace = %(schema)s AND class.relkind <> 't'
AND (one.indisunique OR one.indexprs IS NOT NULL OR one.indpred IS NOT NULL)
AND NOT EXISTS (SELECT FROM pg_inherits WHERE inhrelid = one.indexrelid)  -- of a partition, from that of its table
"""


class Part(NamedTuple):
    """A part of a table."""

    kind: str  # column, constraint, index
    table: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name} of {self.table}"


def read_structure(cursor: CursorWrapper, schema: int) -> dict[Part, set[str]]:
    """Return how each part of a schema's tables reads; a partition that says another makes it several.

    Args:
        schema: its number (oid). The search path has it first, so that what is in it is written without its name.
    """
    found: dict[Part, set[str]] = defaultdict(set)
    cursor.execute(" UNION ALL ".join((_COLUMNS, _CONSTRAINTS, _INDEXES)), {"schema": schema})
    for kind, table, name, reads in cursor.fetchall():
        found[Part(kind, table, name)].add(reads)
    return found
