"""The closing tables of the demo."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Column, Table

from examples.demo.governance import APPROVER, GATES
from examples.demo.grounds import say_found, say_why

if TYPE_CHECKING:
    from examples.demo.change import Changed
    from examples.demo.command_line import Told
    from examples.demo.story import Story

VERDICTS = ("met", "not_met", "insufficient", "stale", "not_assessed")
CITATIONS = ("verbatim", "normalised", "fuzzy", "misattributed", "not_found", "unresolvable")
COLOURS = {"met": "green", "pass": "green", "not_met": "red", "fail": "red", "insufficient": "yellow"}


def print_story(story: Story, roles: list[tuple[str, str, str]], password: str, console: Console) -> None:
    """Print what happened, and how to go and look at it."""
    console.rule("[bold]What happened")
    console.print(_systems(story))
    console.print(_requirements(story))
    console.print(_criteria(story))
    console.print(_gates(story))
    console.print(_findings(story.findings))
    roles_of = sorted({item["role"] for item in story.attached})
    same = "[green]the same" if story.gates_unchanged else "[red]changed"
    console.print(
        f"Findings attached as {', '.join(roles_of)} evidence of layer mechanistic: {len(story.attached)}. "
        f"Gate verdicts and reasons before and after: {same}[/]."
    )
    if story.binder is not None:
        _print_binder(story, console)
    console.print(_seconds(story.seconds))
    console.rule("[bold]Look at it")
    console.print(
        f"[bold]make up[/], then http://127.0.0.1:8000/admin/ — each with the password [bold]{password}[/]:"
    )
    table = _whole("user", "role", "may")
    for name, role, purpose in roles:
        table.add_row(name, role, purpose)
    table.add_row("admin", "superuser", "everything the admin shows")
    console.print(table)


def print_impact(told: Told, console: Console) -> None:
    """Print what a change would do, before it is made: `tracebinder impact`."""
    impact = told.answer
    console.print(f"Before it goes live, `tracebinder impact` (exit code {told.code}): {impact['summary']}.")
    table = _whole("link", "kind", "becomes suspect because", title="What the change would make suspect")
    for link in impact["links"]:
        table.add_row(link["name"], link["kind"], "; ".join(link["because"]))
    console.print(table)


def print_cleared(release: str, changed: Changed, console: Console) -> None:
    """Print which links are suspect once the change is live, and which of them a person cleared, in which words."""
    title = f"{release} is live: {len(changed.suspect)} links are suspect"
    table = _whole("link", "reviewed at", "counts now", title=title)
    for link in changed.suspect:
        table.add_row(link["name"], ", ".join(link["reviewed_at"]), ", ".join(link["now"]))
    console.print(table)
    cleared = changed.cleared
    console.print(
        f"[green]Cleared[/] by {APPROVER} ({cleared['reviewed_by']}): {cleared['name']}. “{cleared['reason']}” "
        f"Left for somebody to look at: {len(changed.left)}."
    )


def _systems(story: Story) -> Table:
    table = _whole(
        "system",
        "traces",
        "claims",
        "citations",
        "reviews",
        title="Traces, citations, reviews",
    )
    for key, traces in story.traces.items():
        verdicts = {verdict: story.verdicts[key][verdict] for verdict in CITATIONS}
        table.add_row(
            key,
            str(traces),
            str(story.claims[key]),
            _counts(verdicts),
            _counts(story.reviews[key]),
        )
    return table


def _whole(*headers: str, **looks: Any) -> Table:
    """Return a table that breaks a long name over lines, and cuts none."""
    return Table(*(Column(header, overflow="fold") for header in headers), **looks)


def _counts(counted: Mapping[str, int]) -> str:
    return "\n".join(f"{count} {what}" for what, count in counted.items() if count) or "none"


def _requirements(story: Story) -> Table:
    """Count what the criteria of each system came to."""
    table = _whole("system", "criteria", *VERDICTS, title="What was met, and what was not")
    for key, rows in story.assessments.items():
        counted = Counter(row["verdict"] for row in rows)
        table.add_row(key, str(len(rows)), *(str(counted[verdict]) for verdict in VERDICTS))
    return table


def _criteria(story: Story) -> Table:
    table = _whole(
        "system",
        "requirement/criterion",
        "verdict",
        "n",
        "found",
        title="Acceptance criteria",
        caption="Met and not met are decided by the bounds, each at 95 % confidence, and not by the value.",
    )
    for key, rows in story.assessments.items():
        for row in sorted(rows, key=lambda row: (VERDICTS.index(row["verdict"]), row["criterion"])):
            verdict, name = row["verdict"], row["criterion"]
            coloured = f"[{COLOURS.get(verdict, 'white')}]{verdict}[/]"
            found = say_found(row, story.thresholds[key][name])
            table.add_row(key, name, coloured, str(row["n"]), found)
        table.add_section()
    return table


def _gates(story: Story) -> Table:
    drafts = ", ".join(f"{count} of {story.traces[key]} in {key}" for key, count in story.drafts.items())
    table = _whole(
        "system",
        "gate",
        "verdict",
        "why",
        title="Gates, and why each decided so",
        caption=(
            "release-gate asks every criterion; recording-gate only what is recorded of each answer, not what the"
            f" answer is worth. Answers made with a draft prompt count as failures in both; in this run: {drafts}."
        ),
    )
    for key, gate in sorted(story.gates, key=lambda asked: GATES.index(asked[1])):
        told = story.gates[key, gate]
        verdict = told.answer["verdict"]
        assessed = {row["criterion"]: row for row in story.assessments[key]}
        why = say_why(told.answer["reasons"], assessed, story.thresholds[key])
        table.add_row(key, gate, f"[{COLOURS.get(verdict, 'white')}]{verdict}[/], exit code {told.code}", why)
    return table


def _findings(findings: list[dict[str, Any]]) -> Table:
    table = _whole(
        "finding",
        "effect",
        "95 % interval",
        "null",
        "status",
        title="What the inside suggests (supporting only)",
    )
    for row in findings:
        null = row["null"]["estimate"]["value"]
        table.add_row(
            " ".join([row["title"], *(f"({language})" for language in row["holds_for"]["languages"])]),
            f"{row['value']:.3f} {row['unit']}",
            f"{row['low']:.3f} … {row['high']:.3f} (n={row['n']})",
            f"{null:.3f}",
            row["status"],
        )
    return table


def _print_binder(story: Story, console: Console) -> None:
    made = story.binder
    if made is None:
        return
    accepted = "[green]accepted" if made.accepted else "[red]refused"
    refused = "[green]refused" if made.tampered_refused else "[red]accepted"
    console.print(
        f"Binder {made.path} ({made.size / 1e6:.1f} MB, {made.files} files): {accepted}[/] by `tracebinder verify`."
    )
    console.print(f"The same with one byte of {made.tampered_member.split('/', 1)[1]} changed: {refused}[/].")


def _seconds(seconds: dict[str, float]) -> Table:
    table = _whole("step", "seconds", title="Where the time went")
    for step, spent in seconds.items():
        table.add_row(step, f"{spent:.0f}")
    return table
