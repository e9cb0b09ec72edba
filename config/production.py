"""What must be given before an installation serves anybody: a start that is not safe ends with every reason at once.

Django-free, because the settings ask while they are read. What only the database can say, which role a process is
there, is in `config.database_role`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from config.env import ConfigurationError

SHORTEST_SECRET: Final = 50  # characters
FEWEST_SIGNS: Final = 5  # different characters of a secret
SHORTEST_MONITOR_TOKEN: Final = 32  # characters
# A worker that runs probes loads other people's models: what would let it act as somebody else is kept from it.
KEPT_FROM_PROBES: Final = (
    "DATABASE_URL", "DATABASE_LOG_URL", "DATABASE_OWNER_URL", "TRACEBINDER_SECRET_KEY", "TRACEBINDER_KMS_TOKEN",
    "TRACEBINDER_OIDC_CLIENT_SECRET",
)  # fmt: skip
KEPT_FROM_WEB: Final = ("TRACEBINDER_KMS_TOKEN",)


@dataclass(frozen=True, slots=True)
class Start:
    """What a process was given."""

    process: str  # web, worker, log, interpret or owner
    secret_key: str
    monitor_token: str
    is_debugged: bool
    is_behind_tls: bool
    holds_keys: bool
    hosts: Sequence[str]
    broker_url: str
    environment: Mapping[str, str] = field(default_factory=dict)


def refuse_unsafe(start: Start) -> None:
    """End a start in production that would serve people, or hold secrets, in a way that is not safe.

    Raises:
        ConfigurationError: with a sentence for each fault, which says what to set.
    """
    faults = list(find_faults(start))
    if faults:
        raise ConfigurationError(
            "This installation is a production one (it has a database of its own, or TRACEBINDER_PRODUCTION is true) "
            "and does not start like this: " + " ".join(f"({n}) {text}" for n, text in enumerate(faults, 1))
        )


def find_faults(start: Start) -> Iterator[str]:
    """Yield what is not safe about a start, each with what to do."""
    if start.is_debugged:
        yield "TRACEBINDER_DEBUG shows settings and sources to strangers: unset it."
    if start.process == "web":
        yield from _faults_of_web(start)
    if start.process == "interpret":
        yield from _faults_of_probes(start)
    broker = urlsplit(start.broker_url)
    if broker.scheme in {"redis", "rediss"} and not broker.password:
        yield "REDIS_URL has no password, so anybody in the network gives workers their work: redis://name:password@host."


def _faults_of_web(start: Start) -> Iterator[str]:
    if fault := _fault_of_secret(start.secret_key):
        yield f"TRACEBINDER_SECRET_KEY {fault}: make one with `openssl rand -base64 48`."
    if start.monitor_token and len(start.monitor_token) < SHORTEST_MONITOR_TOKEN:
        yield (
            f"TRACEBINDER_MONITOR_TOKEN is shorter than {SHORTEST_MONITOR_TOKEN} characters: make one with "
            "`openssl rand -hex 32`."
        )
    if not start.is_behind_tls:
        yield "TRACEBINDER_HTTPS is false, so passwords and cookies travel in the clear: put a proxy with TLS in front."
    if given := _given(start, KEPT_FROM_WEB):
        yield f"A web process must not be given {', '.join(given)}: unset these for it."
    if start.holds_keys:
        yield "TRACEBINDER_HOLDS_KEYS is true, but a web process never signs: unset it, the workers hold the keys."
    if any("*" in host for host in start.hosts):
        yield "TRACEBINDER_ALLOWED_HOSTS holds *, so anybody chooses the address in our links: name the hosts."


def _faults_of_probes(start: Start) -> Iterator[str]:
    if given := _given(start, KEPT_FROM_PROBES):
        yield f"A worker that runs probes must not be given {', '.join(given)}: unset these for it."
    if start.holds_keys:
        yield "TRACEBINDER_HOLDS_KEYS is true, but a worker that runs probes never signs: unset it."


def _given(start: Start, names: Iterable[str]) -> list[str]:
    return [name for name in names if {name, f"{name}_FILE"} & start.environment.keys()]


def _fault_of_secret(secret: str) -> str:
    if not secret:
        return "is not set"
    if len(secret) < SHORTEST_SECRET:
        return f"has {len(secret)} characters, and {SHORTEST_SECRET} are the least"
    if len(set(secret)) < FEWEST_SIGNS:
        return f"has fewer than {FEWEST_SIGNS} different characters"
    return ""
