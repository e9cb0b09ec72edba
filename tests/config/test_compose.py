"""What docker-compose.yml gives to whom: a secret to those who need it alone, and nobody from outside but the proxy."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
import redis
from celery import current_app
from django.conf import settings
from kombu import Connection
from ruamel.yaml import YAML

from tests.invariants.walk import REPOSITORY

COMPOSE: dict[str, Any] = YAML(typ="safe").load((REPOSITORY / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
PUBLIC = "/data/public-keys"


def given(service: str) -> set[str]:
    """Return the secrets that a service can read."""
    return set(SERVICES[service].get("secrets", []))


def who_has(secret: str) -> set[str]:
    return {name for name in SERVICES if secret in given(name)}


def test_each_secret_reaches_only_who_needs_it() -> None:
    workers = {"worker", "worker-export", "beat"}
    assert {secret: who_has(secret) for secret in COMPOSE["secrets"]} == {
        "postgres_password": {"postgres"},
        "database_url": {"web", *workers},
        "database_owner_url": {"migrate"},
        "database_log_url": {"worker-log"},
        "database_interpret_url": {"worker-interpret"},
        "redis_url": {"migrate", "web", "worker-log", *workers},
        "redis_interpret_url": {"worker-interpret"},
        "valkey_acl": {"redis"},
        "secret_key": {"web"},
        "monitor_token": {"web"},
    }


def test_a_service_is_told_of_no_secret_that_it_cannot_read() -> None:
    for name, service in SERVICES.items():
        named = re.findall(r"/run/secrets/(\w+)", str(service.get("environment", "")))
        assert set(named) <= given(name), name


def mounts(service: str) -> dict[str, tuple[str, bool]]:
    """Return what a service mounts: by volume where, and whether it may write there."""
    found = (text.split(":") for text in SERVICES[service].get("volumes", []))
    return {name: (place, mode != ["ro"]) for name, place, *mode in found}


def who_mounts(volume: str) -> set[str]:
    return {name for name in SERVICES if volume in mounts(name)}


def test_each_signing_key_is_readable_by_the_one_process_that_signs_with_it() -> None:
    places = {(name, place): volume for name in SERVICES for volume, (place, _) in mounts(name).items()}
    assert {key: volume for key, volume in places.items() if "key" in volume and key[1] != PUBLIC} == {
        ("worker-log", "/keys"): "log-key",
        ("worker-export", "/keys"): "binder-key",
    }
    for name, process in (("worker-log", "log"), ("worker-export", "worker")):
        environment = SERVICES[name]["environment"]
        assert (environment["TRACEBINDER_PROCESS"], environment["TRACEBINDER_KEYS"]) == (process, "/keys")
    for name in ("worker", "beat", "migrate"):
        assert SERVICES[name]["environment"]["TRACEBINDER_HOLDS_KEYS"] == "false"


def test_public_halves_are_written_by_who_signs_and_read_by_the_others() -> None:
    written = {name for name in who_mounts("public-keys") if mounts(name)["public-keys"][1]}
    assert written == {"worker-log", "worker-export"}
    assert who_mounts("public-keys") - written == {"web", "worker"}
    assert mounts("worker-log")["log-head"] == ("/head", True)
    assert mounts("worker-export")["log-head"] == ("/head", False)


def test_a_worker_that_runs_probes_shares_nothing_that_it_could_change() -> None:
    assert mounts("worker-interpret") == {
        "blobs": ("/data/blobs", False),
        "models": ("/data/models", False),
    }


def test_each_volume_is_declared_and_each_place_is_the_users_in_the_image() -> None:
    mounted = {volume for name in SERVICES for volume in mounts(name)}
    assert mounted == set(COMPOSE["volumes"])
    made = re.search(r"mkdir -p (.*?) \\", (REPOSITORY / "Dockerfile").read_text())
    assert made is not None
    ours = {place for name, each in SERVICES.items() if "build" in each for place, _ in mounts(name).values()}
    assert ours <= set(made[1].split()), "a volume takes its owner from there"


def test_nothing_but_the_proxy_is_reached_from_outside() -> None:
    assert {name for name, service in SERVICES.items() if "ports" in service} == {"proxy"}
    for name, service in SERVICES.items():
        networks = set(service["networks"])
        assert ("outside" in networks) == (name == "proxy"), name
    assert COMPOSE["networks"]["inside"] == COMPOSE["networks"]["front"] == {"internal": True}
    assert not {"inside"} & set(SERVICES["proxy"]["networks"])


def test_no_image_is_named_by_a_tag_alone() -> None:
    """Whoever sets it up names it with its digest; where nothing is named, nothing starts."""
    for name, service in SERVICES.items():
        image = service.get("image") or service["build"]["args"]["PYTHON_IMAGE"]
        assert re.fullmatch(r"\$\{\w+_IMAGE:\?name it with its digest\}", image), name
    dockerfile = (REPOSITORY / "Dockerfile").read_text()
    assert re.findall(r"^FROM (\S+)", dockerfile, re.MULTILINE) == ["${PYTHON_IMAGE}", "base", "base"]
    assert re.search(r"^ARG PYTHON_IMAGE$", dockerfile, re.MULTILINE), "it has no default"


@pytest.mark.parametrize("image", ["web", "interpret"])
def test_an_image_installs_files_by_their_hash_and_no_others(image: str) -> None:
    dockerfile = (REPOSITORY / "Dockerfile").read_text()
    installs = re.findall(r"pip install (.*)", dockerfile)
    assert f"--require-hashes --no-deps --only-binary :all: -r hashes-{image}.txt" in installs
    assert len(installs) == 2
    pinned = set((REPOSITORY / "constraints.txt").read_text().lower().replace("_", "-").split())
    pinned.add("setuptools==84.2.1")  # torch asks for it, and `pip freeze` leaves it out
    lines = (REPOSITORY / f"hashes-{image}.txt").read_text().splitlines()[1:]
    for line in lines:
        version, _, digest = line.partition(" --hash=sha256:")
        assert re.fullmatch(r"[0-9a-f]{64}", digest), line
        assert version.lower().replace("_", "-").partition("+")[0] in pinned, (
            f"{version} is not what is tested"
        )


@pytest.mark.parametrize("image", ["web", "interpret"])
def test_what_is_declared_is_installed(image: str) -> None:
    import tomllib

    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    extras = ["interpret", "dictionaries"] if image == "interpret" else []
    further = [text for extra in extras for text in project["optional-dependencies"][extra]]
    asked = {name_of(text) for text in [*project["dependencies"], *further]}
    there = {name_of(line) for line in (REPOSITORY / f"hashes-{image}.txt").read_text().splitlines()[1:]}
    assert asked <= there, "run .ci/hash-requirements"
    assert ("torch" in there) == ("sae-lens" in there) == (image == "interpret")


def name_of(requirement: str) -> str:
    found = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert found
    return found[0].lower().replace("_", "-")


# Who may do what in the broker.


@pytest.fixture
def users() -> Iterator[dict[str, str]]:
    """The users of deploy/valkey.acl in the broker of these tests; yields the URL of each."""
    admin: Any = redis.Redis.from_url(settings.REDIS_URL)
    urls = {}
    for line in (REPOSITORY / "deploy" / "valkey.acl").read_text().splitlines():
        _, name, *rules = line.split()
        if name == "default":
            assert rules == ["off"]
            continue
        admin.execute_command("ACL", "SETUSER", name, "reset", *rules)
        password = next(rule[1:] for rule in rules if rule.startswith(">"))
        urls[name] = re.sub(r"//:[^@]*@", f"//{name}:{password}@", settings.REDIS_URL)
    yield urls
    for name in urls:
        admin.execute_command("ACL", "DELUSER", name)


def send(url: str, queue: str) -> None:
    with Connection(url) as connection:
        current_app.send_task("nobody.serves.this", queue=queue, connection=connection)


def receive(url: str, queue: str) -> None:
    with Connection(url) as connection, connection.SimpleQueue(queue) as waiting:
        waiting.get(timeout=5).ack()


def test_the_application_does_its_work_in_the_broker(users: dict[str, str]) -> None:
    send(users["app"], "interpret")
    receive(users["app"], "interpret")


def test_a_worker_that_runs_probes_takes_its_own_messages_and_gives_nobody_work(
    users: dict[str, str],
) -> None:
    send(users["app"], "interpret")
    receive(users["probe"], "interpret")
    for queue in ("log", "export", "default"):
        with pytest.raises(redis.exceptions.NoPermissionError):
            redis.Redis.from_url(users["probe"]).lpush(queue, b"forged")


@pytest.mark.parametrize("user", ["app", "probe"])
@pytest.mark.parametrize(
    "command",
    ["FLUSHALL", "CONFIG SET maxmemory 1", "KEYS *", "ACL LIST", "SHUTDOWN", "SAVE"],
)
def test_nobody_who_works_there_rules_there(users: dict[str, str], user: str, command: str) -> None:
    broker: Any = redis.Redis.from_url(users[user])
    with pytest.raises(redis.exceptions.NoPermissionError):
        broker.execute_command(*command.split())
