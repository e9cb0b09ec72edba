"""Numbering transactions on, where a dump was restored into a database that numbers them anew.

PostgreSQL's numbers never go back in one cluster, and `pg_upgrade` and a physical backup keep them. A dump does not:
rows written after the restore would carry lower numbers than those before it, and old moments would know them. So what
rows and moments carry is PostgreSQL's number plus an offset, which stands in a function of the database, is part of the
dump, and grows where the rows are found to be ahead.
"""

from __future__ import annotations

from typing import Any, Final

from django.apps import AppConfig, apps
from django.db import connections
from django.db.models import Max

from evidence.models import AuditEvent, Moment
from evidence.models.base import AppendOnlyModel

_OFFSET_SQL: Final = """
CREATE OR REPLACE FUNCTION tracebinder_xact_offset() RETURNS bigint LANGUAGE sql STABLE AS $$SELECT {}::bigint$$
"""
OFFSET: Final = "tracebinder_xact_offset()"  # what it says differs by database, in this form alone
OFFSET_BODY: Final = r"\s*SELECT (\d+)::bigint\s*"


def offset_sql(offset: int) -> str:
    """Return the statement that has transactions numbered from here on by this much above PostgreSQL's own numbers.

    The function is STABLE although it always says the same: an IMMUTABLE one is computed when a statement is planned,
    and a session that keeps the plan, as those of functions are kept, would go on with the offset of before. A STABLE
    one is inlined, and then the plan goes when the function is replaced.
    """
    return _OFFSET_SQL.format(int(offset))


# What `tracebinder_snapshot` returns, for who does not take the word of a function that its owner may replace.
SNAPSHOT: Final = """    SELECT greatest(xmax, own + 1) + tracebinder_xact_offset(),
        ARRAY(
            SELECT xact + tracebinder_xact_offset() FROM (
                SELECT listed::text::bigint AS xact FROM pg_snapshot_xip(snapshot) AS listed
                UNION ALL SELECT generate_series(xmax, own - 1)
            ) AS unended WHERE xact IS DISTINCT FROM own ORDER BY 1
        )
    FROM (
        SELECT pg_current_snapshot() AS snapshot, pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS xmax,
            pg_current_xact_id_if_assigned()::text::bigint AS own
    ) AS now
"""

# All three are inlined where they are called. One's own transaction counts as ended, because what it has written is
# committed with what it now decides. Those between the snapshot and one's own number had not ended, and the snapshot,
# which ends before them, does not list them.
CLOCK_FUNCTIONS: Final = {
    OFFSET: offset_sql(0),
    "tracebinder_xact_id()": """
CREATE OR REPLACE FUNCTION tracebinder_xact_id() RETURNS bigint LANGUAGE sql VOLATILE AS $$
    SELECT pg_current_xact_id()::text::bigint + tracebinder_xact_offset()
$$
""",
    "tracebinder_snapshot()": f"""
CREATE OR REPLACE FUNCTION tracebinder_snapshot(OUT before bigint, OUT running bigint[]) LANGUAGE sql STABLE AS $$
{SNAPSHOT}$$
""",
}


def number_on(sender: AppConfig, using: str, **_: Any) -> None:
    """After a migration of the last app, see that the next transaction has a higher number than any row."""
    if sender.label != "interpret":
        return
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT to_regclass('evidence_moment') IS NULL")
        if cursor.fetchone() == (True,):  # `migrate` was asked for a state before rows carried numbers
            return
        cursor.execute("SELECT tracebinder_xact_id(), tracebinder_xact_offset()")
        current, offset = cursor.fetchone() or (0, 0)
        if _last_number(using) < current:
            return
        offset += _highest_number(using) - current + 1
        cursor.execute(offset_sql(offset))


def _last_number(using: str) -> int:
    """Return the highest number of the last event and the last moment: one of them is in every database in use."""
    event = AuditEvent.objects.using(using).order_by("-pk").values_list("xact_id", flat=True).first()
    moment = Moment.objects.using(using).order_by("-at").values_list("before", flat=True).first()
    return max(event or 0, moment or 0)


def _highest_number(using: str) -> int:
    """Return the highest number that any row or moment carries. Reads every table, once after a restore."""
    tables = [model for model in apps.get_models() if issubclass(model, AppendOnlyModel)]
    numbers = [model._default_manager.using(using).aggregate(n=Max("xact_id"))["n"] for model in tables]
    return max(_last_number(using), *(number or 0 for number in numbers))
