"""A variable of our name that no setting reads stops the start, and says which was meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from config import env


@pytest.mark.parametrize(
    ("name", "meant"),
    [("TRACEBINDER_OTLP_MAX_BODI", "TRACEBINDER_OTLP_MAX_BODY"), ("TRACEBINDER_HTTP", "TRACEBINDER_HTTPS"),
     ("TRACEBINDER_SECRETKEY_FILE", "TRACEBINDER_SECRET_KEY")],
)  # fmt: skip
def test_a_misspelt_variable_names_the_one_that_was_meant(
    monkeypatch: pytest.MonkeyPatch, name: str, meant: str
) -> None:
    monkeypatch.setenv(name, "1")
    with pytest.raises(env.ConfigurationError, match=f"{name}: did you mean {meant}"):
        env.refuse_unread()


@pytest.mark.parametrize(
    "name",
    ["TRACEBINDER_SECRET_KEY_FILE", "TRACEBINDER_URL", "TRACEBINDER_TOKEN", "TRACEBINDER_SERVICE_HOST",
     "TRACEBINDER_SERVICE_PORT", "TRACEBINDER_SERVICE_PORT_HTTP", "TRACEBINDER_PORT", "TRACEBINDER_WEB_PORT_8000_TCP",
     "TRACEBINDER_WEB_PORT_8000_TCP_ADDR", "OTHER_VARIABLE"],
)  # fmt: skip
def test_what_is_read_elsewhere_is_let_be(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "1")
    env.refuse_unread()


def test_a_value_given_both_ways_is_refused_because_one_would_be_ignored(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_text("from a file")
    monkeypatch.setenv("TRACEBINDER_SECRET_KEY_FILE", str(tmp_path / "secret"))
    assert env.env_str("TRACEBINDER_SECRET_KEY", "") == "from a file"
    monkeypatch.setenv("TRACEBINDER_SECRET_KEY", "from the environment")
    with pytest.raises(env.ConfigurationError, match="both set"):
        env.env_str("TRACEBINDER_SECRET_KEY", "")
