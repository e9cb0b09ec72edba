"""`tracebinder requirements plan|import FILE...`: what requirement files would change, and the import of them.

A plan stores nothing. It says of each requirement whether it is added, changed (word by word), moved from another file,
dropped by its file, or back, with its line; which links become suspect by it, are new, or are named no longer; and
which criteria have to be assessed anew. All files of one call are one plan, which is applied whole or not at all. A
requirement belongs to the file that brought it, by the name given here: run from the same folder, or say --base.
Exit codes: 0 planned or imported, 1 something stands in the way: a file has faults, or a requirement is another file's,
2 imported or planned, and something asks for a decision (its file dropped a requirement or a link), 3 wrong usage or
refused, 4 the server could not be reached.
"""

from __future__ import annotations

import argparse
import base64
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tracebinder.answers import Json, objects, part, texts
from tracebinder.cli.command import Commands, add_to
from tracebinder.cli.hidden_signs import json_text
from tracebinder.cli.server import add_server_options, read_file, server_of
from tracebinder.cli.table import MOST, print_marked, print_rest, print_table
from tracebinder.documents import document, problem_document
from tracebinder.errors import TracebinderError
from tracebinder.http import RequestRefused

IN_THE_WAY: Final = 1
ASKS: Final = 2
_FAULTS: Final = frozenset(
    {"requirement_file_invalid", "key_of_another_file", "import_plan_moved", "conflicting_baseline"}
)
_PATH: Final = "/api/v1/requirements/import-files"
_ENDINGS: Final = (".yaml", ".yml")
_MARKS: Final = {"removed": ("[-", "-]"), "added": ("{+", "+}")}


def add_command(commands: Commands) -> None:
    """Add the subcommand and its options."""
    parser = add_to(
        commands,
        "requirements",
        purpose="plan and import requirement files",
        description=__doc__,
        run=run,
        error_code=3,
    )
    parser.add_argument("act", choices=["plan", "import"], help="say what would be done, or do it")
    parser.add_argument(
        "files", nargs="+", type=Path, metavar="FILE", help="requirement files, or folders of .yaml files"
    )
    parser.add_argument("--system", required=True, help="key of the system")
    parser.add_argument(
        "--base", type=Path, help="folder from which files are named; default: they are named as given"
    )
    parser.add_argument(
        "--move",
        action="append",
        default=[],
        metavar="KEY",
        help="a requirement that may leave the file that owns it",
    )
    parser.add_argument(
        "--move-from",
        action="append",
        default=[],
        metavar="NAME",
        help="a file that all may leave: one that was renamed",
    )
    parser.add_argument(
        "--plan-digest", metavar="DIGEST", help="of the plan that was read; refused if it is another by now"
    )
    parser.add_argument("--all", action="store_true", help="print all of a long list")
    parser.add_argument("--json", action="store_true", help="print the server's answer as JSON")
    add_server_options(parser)


def run(arguments: argparse.Namespace) -> int:
    """Plan or import, and print what becomes of each requirement."""
    plans = arguments.act == "plan"
    asked: dict[str, object] = {
        "system": arguments.system,
        "files": [_told(path, arguments.base) for path in _chosen(arguments.files)],
        "moves": arguments.move,
        "moves_from": arguments.move_from,
        "plan": plans,
    }
    if arguments.plan_digest and not plans:
        asked["plan_digest"] = arguments.plan_digest
    try:
        _, answer = server_of(arguments).post(_PATH, json.dumps(asked).encode())
    except RequestRefused as exc:
        if exc.code not in _FAULTS:
            raise
        _print_refusal(exc, arguments)
        return IN_THE_WAY
    code = _exit_code(answer)
    if arguments.json:
        print(json_text(document("requirements", {"act": arguments.act, **answer}, exit_code=code)))
    elif plans:
        _print_plan(answer, all_of_it=arguments.all)
    else:
        _print_import(answer)
    return code


def _chosen(paths: Sequence[Path]) -> list[Path]:
    """Return the files, those of a folder in the order of their names."""
    found = []
    for path in paths:
        if path.is_dir():
            inside = sorted(each for each in path.rglob("*") if each.suffix in _ENDINGS and each.is_file())
            if not inside:
                raise TracebinderError(f"{path} holds no {' or '.join(_ENDINGS)} file")
            found += inside
        else:
            found.append(path)
    return found


def _told(path: Path, base: Path | None) -> dict[str, str]:
    source = read_file(path)
    try:
        name = path.resolve().relative_to(base.resolve()) if base else path
    except ValueError as exc:
        raise TracebinderError(f"{path} is not in {base}, from which files are named") from exc
    text = _text_of(source)
    if text is None:
        return {"name": name.as_posix(), "bytes_base64": base64.b64encode(source).decode()}
    return {"name": name.as_posix(), "text": text}


def _text_of(source: bytes) -> str | None:
    """Return the bytes as a text that JSON carries; None where they are none: the server says what is wrong."""
    try:
        text = source.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return None if "\0" in text else text


def _exit_code(answer: Json) -> int:
    if answer.get("applicable") is False:
        return IN_THE_WAY
    asks = (
        answer.get("dropped")
        or objects(answer, "links_dropped")
        or any(each.get("change") == "dropped" for each in objects(answer, "requirements"))
    )
    return ASKS if asks else 0


def _print_refusal(refusal: RequestRefused, arguments: argparse.Namespace) -> None:
    if arguments.json:
        print(json_text(problem_document(refusal, exit_code=IN_THE_WAY)))
        return
    faults = refusal.faults()
    for fault in faults if arguments.all else faults[: MOST * 5]:
        print_marked(_at(fault))
    if not arguments.all:
        print_rest(len(faults) - MOST * 5, of="faults")
    if not faults:
        print_marked(str(refusal))
    else:
        print_marked("nothing was stored")


def _at(fault: Json) -> str:
    place = ":".join(str(fault.get(name)) for name in ("file", "line", "column"))
    return f"{place}: {fault.get('path')}: {fault.get('message')}"


def _print_plan(answer: Json, *, all_of_it: bool) -> None:
    for each in objects(answer, "requirements"):
        if each.get("change") == "unchanged" and not (all_of_it or each.get("ask")):
            continue
        place = f"{each.get('file')}:{each.get('line')}" if each.get("line") else f"{each.get('file')}"
        came = f" (from {each.get('came_from')})" if each.get("change") == "moved" else ""
        print_marked(f"{each.get('change')} {each.get('key')} {place}{came}")
        for change in objects(each, "changes"):
            print_marked(f"  {_change(change)}")
        if each.get("ask"):
            print_marked(f"  {each.get('ask')}")
    _print_rest_of(answer)
    _print_links(answer, None if all_of_it else MOST)
    for conflict in objects(answer, "conflicts"):
        print_marked(f"in the way: {_at(conflict)}")
    print_marked(f"plan {answer.get('plan_digest')}; nothing was stored")


def _print_links(answer: Json, most: int | None) -> None:
    """Print what the plan leads to: links that become suspect, are new or named no longer, criteria to assess anew."""
    print_marked(str(answer.get("summary")))
    suspect = [
        (
            _text(each, "name"),
            _text(each, "suspicion"),
            _text(each, "after"),
            "; ".join(texts(each, "because")),
        )
        for each in objects(answer, "links_suspect")
    ]
    added = [
        (_text(each, "name"), _text(each, "kind"), f"{each.get('file')}:{each.get('line')}")
        for each in objects(answer, "links_added")
    ]
    criteria = [
        (
            _text(each, "name"),
            _text(each, "change"),
            _text(each, "suite") or "-",
            _text(each, "verdict") or "-",
        )
        for each in objects(answer, "criteria")
    ]
    for of, heads, rows in (
        ("links", ("becomes suspect", "how", "after", "because"), suspect),
        ("links", ("new link", "kind", "named in"), added),
        ("criteria", ("to assess anew", "is", "suite", "now"), criteria),
    ):
        print_table(heads, rows[:most])
        print_rest(len(rows) - len(rows[:most]), of=of)
    _print_dropped_links(answer)


def _print_dropped_links(answer: Json) -> None:
    for each in objects(answer, "links_dropped"):
        print_marked(f"dropped link {each.get('name')} ({each.get('kind')}): {each.get('ask')}")


def _text(told: Json, name: str) -> str:
    return str(told.get(name) or "")


def _change(change: Json) -> str:
    words = objects(change, "words")
    if not words:
        return f"{change.get('path')}: {_value(change.get('before'))} -> {_value(change.get('after'))}"
    told = ""
    for each in words:
        before, after = _MARKS.get(str(each.get("op")), ("", ""))
        text = str(each.get("text"))
        blank = text[: len(text) - len(text.lstrip())]
        told += f"{blank}{before}{text.lstrip()}{after}"
    return f"{change.get('path')}: {told}"


def _value(value: object) -> str:
    return "nothing" if value is None else json.dumps(value, ensure_ascii=False)


def _print_import(answer: Json) -> None:
    for each in objects(answer, "requirements"):
        if each.get("change") != "unchanged":
            print_marked(
                f"{each.get('change')} {each.get('key')} v{each.get('number')} {each.get('file')}:{each.get('line')}"
            )
    for key in texts(answer, "dropped"):
        print_marked(
            f"dropped {key}: retire? Its file holds it no longer: have an approver retire it, or put it back"
        )
    _print_dropped_links(answer)
    _print_rest_of(answer)
    print_marked(f"{answer.get('created')} versions drafted, {answer.get('unchanged')} as they were")


def _print_rest_of(answer: Json) -> None:
    counts = part(answer, "counts")
    if counts:
        print_marked(", ".join(f"{n} {act}" for act, n in counts.items()))
    for warning in objects(answer, "warnings"):
        print_marked(f"warning: {_at(warning)}")
