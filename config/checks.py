"""`make check`: everything that can be known without running a test. All of it runs; the failures are counted."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from rich.console import Console

REPOSITORY: Final = Path(__file__).resolve().parent.parent
SCHEMA: Final = REPOSITORY / "docs" / "reference" / "openapi.yaml"
TYPED: Final = [
    "config",
    "evidence",
    "requirements",
    "interpret",
    "client/tracebinder",
    "examples",
    "bench",
    "tests",
]


# What docker-compose.yml sets, for `manage.py check --deploy`: nothing is connected to.
PRODUCTION: Final = {
    "DATABASE_URL": "postgresql://web:password@postgres/tracebinder",
    "REDIS_URL": "redis://web:password@redis:6379/0",
    "TRACEBINDER_PROCESS": "web",
    "TRACEBINDER_DEBUG": "false",
    "TRACEBINDER_SECRET_KEY": secrets.token_urlsafe(64),
    "TRACEBINDER_ALLOWED_HOSTS": "tracebinder.example.com",
    "TRACEBINDER_HTTPS": "true",
}


@dataclass(frozen=True, slots=True)
class Check:
    """One command that must exit with 0."""

    name: str
    command: list[str]
    environment: dict[str, str] = field(default_factory=dict)


def main() -> int:
    """Run every check and return how many failed."""
    console = Console()
    failed = []
    with tempfile.TemporaryDirectory() as folder:
        schema = Path(folder) / "openapi.yaml"
        for check in _checks(schema):
            console.print(f"[bold]{check.name}[/]")
            environment = {**os.environ, **check.environment}
            result = subprocess.run(  # noqa: S603  # our own commands
                check.command, cwd=REPOSITORY, env=environment, check=False
            )
            if result.returncode != 0:
                failed.append(check.name)
        if schema.exists() and (not SCHEMA.exists() or schema.read_text() != SCHEMA.read_text()):
            failed.append("schema drift: run `make schema` and commit docs/reference/openapi.yaml")
    if failed:
        console.print(f"[bold red]{len(failed)} failed:[/] {'; '.join(failed)}")
    else:
        console.print("[bold green]all checks passed[/]")
    return len(failed)


def _checks(schema: Path) -> list[Check]:
    python = sys.executable
    tools = Path(python).parent
    manage = [python, "manage.py"]
    return [
        Check("ruff", [str(tools / "ruff"), "check", "."]),
        Check("format", [str(tools / "ruff"), "format", "--check", "--quiet", "."]),
        Check("types", [python, "-m", "mypy", *TYPED]),
        Check("imports", [str(tools / "lint-imports")]),
        Check("migrations", [*manage, "makemigrations", "--check", "--dry-run"]),
        Check("deploy", [*manage, "check", "--deploy", "--fail-level", "WARNING"], PRODUCTION),
        Check("schema", [*manage, "spectacular", "--validate", "--fail-on-warn", "--file", str(schema)]),
    ]


if __name__ == "__main__":
    sys.exit(main())
