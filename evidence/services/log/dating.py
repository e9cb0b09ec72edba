"""Transactions that were put in as of the past: their place in the log says when they came.

An event gets its place after it is committed, and nobody puts one between others that were signed. So an event that
binds rows comes behind what was committed before it, but for what was on its way at the same time. Whoever writes a
whole transaction under a number that wrote nothing gets a place at the end, behind later numbers and times, and behind
moments (`evidence.clock`) that say that this transaction had ended, and had bound nothing.
"""

# ruff: noqa: S608  # SQL composed of constants of this project; nobody's input is in it

from __future__ import annotations

from typing import Final

from django.db import connection

from evidence.binding_rules import BOUND_VERB
from evidence.services.log.ended import Faults

_NAMED: Final = 100  # transactions that one rule names; times are texts: whoever owns the tables writes any
# No transaction of ours is open for so long, and no clock is set back by so much.
_AT_MOST: Final = "interval '1 day'"
# What has no place yet comes after all that has.
_BOUND: Final = f"""
SELECT event.event_uuid, event.xact_id, event.occurred_at, coalesce(leaf.seq, {2**62}) AS place, event.id
FROM evidence_auditevent AS event LEFT JOIN evidence_leaf AS leaf ON leaf.event_id = event.id
WHERE event.verb = '{BOUND_VERB}' AND event.xact_id IS NOT NULL
"""
_TIMES: Final = f"""
SELECT event_uuid, xact_id, occurred_at::text, latest::text FROM (
    SELECT *, max(occurred_at) OVER (ORDER BY place, id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS latest
    FROM ({_BOUND}) AS bound) AS placed
WHERE occurred_at < latest - {_AT_MOST} ORDER BY place, id LIMIT {_NAMED}
"""
# One that was dated back counts from when it came.
_NUMBERS: Final = f"""
SELECT event_uuid, xact_id, came_at::text, later FROM (
    SELECT *, max(xact_id) OVER (ORDER BY came_at RANGE BETWEEN UNBOUNDED PRECEDING AND {_AT_MOST} PRECEDING) AS later
    FROM (SELECT *, max(occurred_at) OVER (ORDER BY place, id) AS came_at FROM ({_BOUND}) AS bound) AS placed) AS dated
WHERE xact_id < later ORDER BY place, id LIMIT {_NAMED}
"""
# Few transactions were at work at some moment: of those alone it is asked at which.
_MOMENTS: Final = f"""
WITH bound AS MATERIALIZED ({_BOUND}), moment AS MATERIALIZED (
    SELECT one.at, one.before, one.running, bound.place, bound.id
    FROM evidence_moment AS one JOIN bound ON bound.xact_id = one.xact_id
), placed AS (
    SELECT event_uuid, xact_id, place, id, max(before) OVER (ORDER BY place, id) AS highest FROM (
        SELECT event_uuid, xact_id, place, id, NULL::bigint AS before FROM bound
        UNION ALL SELECT NULL, NULL, place, id, before FROM moment) AS either
)
SELECT event_uuid, xact_id, (
    SELECT min(moment.at)::text FROM moment WHERE (moment.place, moment.id) < (placed.place, placed.id)
    AND moment.before > placed.xact_id AND placed.xact_id <> ALL(moment.running)) AS ended
FROM placed WHERE xact_id < highest
"""


def check_dates(faults: Faults) -> None:
    """Find transactions whose place in the log is not one of their number or their time."""
    with connection.cursor() as cursor:
        cursor.execute(_TIMES)
        for event, number, time, latest in cursor.fetchall():
            faults.add(
                f"Event {event} binds the rows of transaction {number} as of {time} and has its "
                f"place behind one of {latest}: it was dated back, or the database's clock was set "
                "back."
            )
        cursor.execute(_NUMBERS)
        for event, number, time, later in cursor.fetchall():
            faults.add(
                f"Event {event} binds the rows of transaction {number} as of {time}, more than a day "
                f"after transaction {later} did: it was given a number of the past."
            )
        cursor.execute(f"SELECT * FROM ({_MOMENTS}) AS found WHERE ended IS NOT NULL LIMIT {_NAMED}")
        for event, number, ended in cursor.fetchall():
            faults.add(
                f"Event {event} binds the rows of transaction {number}, which had ended by the moment "
                f"{ended}, and has its place behind it: it was put in afterwards."
            )
