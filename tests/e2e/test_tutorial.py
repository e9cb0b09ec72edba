"""The tutorial: every command in a shell, every click in a browser, on a server of its own.

`make soak` begins in an empty folder, as a newcomer does. At each change the database is there and migrated, which
`test_failed_migration.py` makes of nothing each time: it is a fifth of what this takes.
"""

from __future__ import annotations

import os
import queue
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from bench.server import REPOSITORY, find_free_port
from config import embedded
from tests.e2e.browser import WAIT, see
from tests.e2e.tutorial import Click, Commands, missing_line, read_tutorial
from tests.kept_database import lay_down_migrated

PATIENCE = 180  # seconds for one block; reached only when the test is about to fail
# What Python compiled stays: a dozen processes would do that again, beside each other.
LEFT_OUT = shutil.ignore_patterns(".git", ".venv*", "var", ".*_cache", ".hypothesis", "*.egg-info", "build")


@pytest.fixture
def clone(tmp_path: Path) -> Iterator[Path]:
    """A copy of the repository that has nothing but an installed environment, this one; nothing runs afterwards."""
    folder = tmp_path / "clone"
    shutil.copytree(REPOSITORY, folder, ignore=LEFT_OUT)
    (folder / ".venv").mkdir()
    for part in ("bin", "lib", "include", "pyvenv.cfg"):
        (folder / ".venv" / part).symlink_to(Path(sys.prefix) / part)
    (folder / ".venv" / ".installed").touch()
    yield folder
    embedded.stop_valkey(folder / "var")
    embedded.stop_postgres(folder / "var")


class Shell:
    """One bash that lives as long as the reader's second terminal does, and stops at the first failure."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self._folder = folder
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._bash = subprocess.Popen(
            ["bash", "-eu"], cwd=folder, env=environment, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        threading.Thread(target=self._read, daemon=True).start()

    def run(self, script: str) -> str:
        """Run commands in the shell as it is now, and return what they printed."""
        block = self._folder.parent / "block.sh"
        block.write_text(script)
        assert self._bash.stdin is not None
        self._bash.stdin.write(f". {block} </dev/null\necho; echo {block}\n")
        self._bash.stdin.flush()
        printed: list[str] = []
        while (line := self._lines.get(timeout=PATIENCE)) != str(block):
            assert line is not None, f"the shell ended in\n{script}\nafter printing\n" + "\n".join(printed)
            printed.append(line)
        return "\n".join(printed)

    def close(self) -> None:
        with self._bash:  # closes the pipes and waits
            self._bash.kill()

    def _read(self) -> None:
        for line in self._bash.stdout or ():
            self._lines.put(line.rstrip("\n"))
        self._lines.put(None)


def environment_of_a_newcomer(clone: Path) -> dict[str, str]:
    """Return what a fresh shell has; and where our code is, because the linked environment names another folder."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "USER") if name in os.environ}
    return {**kept, "PYTHONPATH": f"{clone}:{clone / 'client'}", "PYTHONWARNINGS": "ignore"}


@contextmanager
def first_terminal(script: str, clone: Path, environment: dict[str, str]) -> Iterator[None]:
    """Have the server's terminal open inside the block, and press Ctrl-C in it afterwards."""
    log = clone.parent / "first-terminal.log"
    with log.open("wb") as output:
        server = subprocess.Popen(
            ["bash", "-euc", script], cwd=clone, env=environment, stdin=subprocess.DEVNULL,
            stdout=output, stderr=output, start_new_session=True,
        )  # fmt: skip
        try:
            yield
        finally:
            with suppress(ProcessLookupError):  # it has ended by itself; its words say why
                os.killpg(server.pid, signal.SIGINT)
            server.wait(PATIENCE)
            print(log.read_text(errors="replace"))  # noqa: T201  # shown where the test fails


class Reader:
    """Does in the browser what the page says."""

    def __init__(self, browser: Any, address: str, passwords: dict[str, str]) -> None:
        self._browser, self._address, self._passwords = browser, address, passwords
        self._typed = ""

    def do(self, click: Click) -> None:
        getattr(self, f"_{click.kind}")(click.what)

    def _sign_in(self, who: str) -> None:
        self._browser.get(self._address)
        self._browser.delete_all_cookies()
        self._browser.get(self._address)
        self._browser.find_element("name", "username").send_keys(who)
        self._browser.find_element("name", "password").send_keys(self._passwords[who])
        self._browser.find_element("css selector", "input[type=submit]").click()
        see(self._browser, "Your work")

    def _use(self, words: str) -> None:
        """Click the link, button, label or option of these words; type into it what was to be typed."""
        from selenium.webdriver.support.ui import WebDriverWait

        found = WebDriverWait(self._browser, WAIT).until(
            lambda _: self._shown(words), f"the page shows nothing called {words!r}"
        )
        if self._typed:
            field = self._browser.find_element("id", found.get_attribute("for"))
            field.send_keys(self._typed)
            self._typed = ""
        else:
            self._browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", found)
            found.click()

    def _shown(self, words: str) -> Any:
        """Return the first element of these words, or else the first link that holds them among others."""
        exactly = " | ".join(
            f"//{tag}[normalize-space(.)='{words}']" for tag in ("a", "button", "label", "option")
        )
        for wanted in (exactly, f"//a[contains(normalize-space(.), '{words}')]"):
            for element in self._browser.find_elements("xpath", wanted):
                if element.is_displayed():
                    return element
        return None

    def _type(self, words: str) -> None:
        self._typed = words

    def _see(self, words: str) -> None:
        see(self._browser, words)


@pytest.mark.soak
def test_a_newcomer_gets_from_an_empty_folder_to_a_verified_binder(clone: Path, chromium: Any) -> None:
    follow_the_tutorial(clone, chromium)


def test_a_newcomer_gets_to_a_verified_binder(clone: Path, chromium: Any) -> None:
    lay_down_migrated(clone / "var")
    follow_the_tutorial(clone, chromium)


def follow_the_tutorial(clone: Path, chromium: Any) -> None:
    """Do all that the page says, in order, and see what it shows."""
    port = find_free_port()
    environment = environment_of_a_newcomer(clone)
    start, *steps = read_tutorial("tutorial.md", port)
    assert isinstance(start, Commands)
    shell = Shell(clone, environment)
    passwords: dict[str, str] = {}
    reader = Reader(chromium, f"http://127.0.0.1:{port}/admin/", passwords)
    try:
        with first_terminal(start.script, clone, environment):
            for step in steps:
                if isinstance(step, Click):
                    reader.do(step)
                else:
                    printed = shell.run(step.script)
                    missing = missing_line(step.shown, printed)
                    assert missing is None, f"{step.script}\nshows no line {missing!r} but\n{printed}"
                    passwords.update(re.findall(r"Password of (\w+), shown once: (\S+)", printed))
    finally:
        shell.close()
    assert len([step for step in steps if isinstance(step, Commands)]) >= 10, "the tutorial was not read"
    assert len([step for step in steps if isinstance(step, Click)]) >= 10, "its clicks were not read"


def test_a_page_that_shows_something_else_is_noticed() -> None:
    printed = "ana: author\nverdict   insufficient  20 needed\nexit code 2\n"
    assert missing_line("ana: …\nverdict insufficient … 20 …\nexit code 2", printed) is None
    assert missing_line("verdict met", printed) == "verdict met"
    assert missing_line("exit code 2\nana: author", printed) == "ana: author"
    assert missing_line("exit code 20", printed) == "exit code 20"
