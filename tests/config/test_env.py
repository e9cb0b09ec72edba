"""A setting that is wrong stops the start with a sentence that names it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from config.env import ConfigurationError, env_bool, env_form, env_int, env_list, env_str
from tests.client.binders import WITNESS

REPOSITORY = Path(__file__).resolve().parents[2]
NAME = "TRACEBINDER_TRIED_HERE"


def test_what_is_not_set_has_its_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(NAME, raising=False)
    assert (env_str(NAME, "a"), env_int(NAME, 5), env_list(NAME, ["b"])) == ("a", 5, ["b"])
    assert env_bool(NAME, default=True)
    assert not env_bool(NAME, default=False)


def test_what_is_set_is_read_by_its_type(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(NAME, "17")
    assert env_int(NAME, 5) == 17
    monkeypatch.setenv(NAME, " a, ,b ")
    assert env_list(NAME, []) == ["a", "b"]
    for text, value in (
        ("1", True),
        ("Yes", True),
        ("on", True),
        ("0", False),
        ("FALSE", False),
        ("no", False),
    ):
        monkeypatch.setenv(NAME, text)
        assert env_bool(NAME, default=not value) is value


def test_a_number_or_truth_value_that_is_none_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(NAME, "ten")
    with pytest.raises(ConfigurationError, match=f"{NAME} must be a whole number, not 'ten'"):
        env_int(NAME, 5)
    with pytest.raises(ConfigurationError, match=f"{NAME} must be true or false, not 'ten'"):
        env_bool(NAME, default=False)


@pytest.mark.parametrize("text", ["cuda:", "gpu"])
def test_a_device_that_nobody_knows_is_named(text: str) -> None:
    environment = {**os.environ, "TRACEBINDER_PROBE_DEVICE": text}
    result = subprocess.run(
        [sys.executable, "-c", "import config.settings"],
        cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert f"TRACEBINDER_PROBE_DEVICE must be cpu, cuda or cuda:N, not {text!r}" in result.stderr


def test_a_text_of_a_form_is_read_whole_or_its_default_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    for text, value in (("", "a"), ("b2", "b2"), ("a", "a")):
        monkeypatch.setenv(NAME, text)
        assert env_form(NAME, "a", r"a|b\d", "a or bN") == value
    monkeypatch.setenv(NAME, "b2 ")
    with pytest.raises(ConfigurationError, match=f"{NAME} must be a or bN, not 'b2 '"):
        env_form(NAME, "a", r"a|b\d", "a or bN")


def test_a_secret_is_read_from_its_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("s3cret\n")
    monkeypatch.setenv(f"{NAME}_FILE", str(secret))
    assert env_str(NAME, "") == "s3cret"
    monkeypatch.setenv(f"{NAME}_FILE", str(tmp_path / "none"))
    with pytest.raises(ConfigurationError, match=rf"{NAME}_FILE=.*none cannot be read: No such file"):
        env_str(NAME, "")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (
            {"TRACEBINDER_PROCESS": "wbe"},
            "TRACEBINDER_PROCESS is one of web, worker, log, interpret, owner, not 'wbe'",
        ),
        (
            {"TRACEBINDER_PROCESS": "owner", "DATABASE_URL": "postgresql://h/d"},
            "The database is one of your own, so this owner process needs DATABASE_OWNER_URL",
        ),
        (
            {"TRACEBINDER_PROCESS": "web", "DATABASE_URL": "mysql://h/d"},
            "the database URL must begin with postgresql://, not mysql://",
        ),
        (
            {"TRACEBINDER_LOG_WITNESSES": "https://witness.example"},
            "takes the URL and the vkey of each witness, with a blank between them, not 'https://witness.example'",
        ),
        (
            {"TRACEBINDER_LOG_WITNESSES": "https://witness.example log.example+00000000+AAAA"},
            "'log.example+00000000+AAAA' is no witness's vkey",
        ),
        (
            {"TRACEBINDER_LOG_WITNESSES": f"file:///etc {WITNESS.vkey(4)}"},
            "'file:///etc' is no http or https address",
        ),
    ],
)
def test_settings_that_cannot_work_stop_the_process(
    tmp_path: Path, changes: dict[str, str], told: str
) -> None:
    ours = {name: value for name, value in os.environ.items() if not name.startswith("DATABASE_")}
    result = subprocess.run(
        [sys.executable, "-c", "import config.settings"],
        cwd=REPOSITORY,
        env={**ours, "TRACEBINDER_VAR": str(tmp_path), **changes},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode != 0
    assert told in result.stderr
