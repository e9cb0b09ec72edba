"""A folder of services whose `__init__` names what others may call is entered there and nowhere else."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tests.invariants.walk import OUR_APPS, REPOSITORY


def doors() -> list[str]:
    """Return the folders of services, as dotted names, whose `__init__` names what others may call."""
    return [
        ".".join(init.parent.relative_to(REPOSITORY).parts)
        for app in OUR_APPS
        for init in (REPOSITORY / app / "services").rglob("__init__.py")
        if "__all__" in init.read_text(encoding="utf-8")
    ]


def imports_of(source: str) -> Iterator[str]:
    """Yield the dotted name of each module or member that a source imports from."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def is_window(door: str, module: str, name: str) -> bool:
    """Whether a module outside a folder imports one of the modules in it, or from one."""
    inside, inner = name.startswith(f"{door}."), name.removeprefix(f"{door}.").partition(".")[0]
    return (
        inside
        and not module.startswith(f"{door}.")
        and (REPOSITORY / door.replace(".", "/") / f"{inner}.py").is_file()
    )


def test_nobody_climbs_in_by_a_window() -> None:
    """Tests may: they look at the parts."""
    entered, found, read = doors(), [], 0
    for app in (*OUR_APPS, "config", "examples", "bench"):
        for path in (REPOSITORY / app).rglob("*.py"):
            module = ".".join(path.relative_to(REPOSITORY).with_suffix("").parts)
            source = path.read_text(encoding="utf-8")
            # Whoever goes in has to name the folder; most do not, and are not parsed.
            for name in imports_of(source) if any(door in source for door in entered) else ():
                read += 1
                found += [f"{module}: {name}" for door in entered if is_window(door, module, name)]
    assert read > 1000
    assert len(entered) >= 6
    assert found == []
