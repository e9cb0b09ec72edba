"""What the CI that runs us says of a run: its commit and its address, each with the variable it was read from.

Sources, read in November 2026: docs.github.com "Variables reference", docs.gitlab.com "Predefined CI/CD variables",
jenkins.io "Using environment variables", learn.microsoft.com "Predefined variables", circleci.com "Project values and
variables", buildkite.com "Environment variables".
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

Environment = Mapping[str, str]
_SHA: Final = re.compile(r"[0-9a-f]{7,64}")


@dataclass(frozen=True, slots=True)
class Taken:
    """A value that nobody typed, and where it was read."""

    value: str
    source: str


@dataclass(frozen=True, slots=True)
class _Provider:
    """A CI: the variable that only it sets, and where it says what.

    Attributes:
        commit: variables, the first that is set counts.
        url: texts with the variables they are made of, likewise.
    """

    name: str
    mark: str
    commit: tuple[str, ...]
    url: tuple[str, ...]


_PROVIDERS: Final = (
    _Provider(
        "GitHub Actions",
        "GITHUB_ACTIONS",
        ("GITHUB_SHA",),
        (
            "{GITHUB_SERVER_URL}/{GITHUB_REPOSITORY}/actions/runs/{GITHUB_RUN_ID}/attempts/{GITHUB_RUN_ATTEMPT}",
            "{GITHUB_SERVER_URL}/{GITHUB_REPOSITORY}/actions/runs/{GITHUB_RUN_ID}",
        ),
    ),
    _Provider(
        "GitLab CI",
        "GITLAB_CI",
        ("CI_COMMIT_SHA",),
        ("{CI_JOB_URL}", "{CI_PIPELINE_URL}"),
    ),
    _Provider("Jenkins", "JENKINS_URL", ("GIT_COMMIT",), ("{BUILD_URL}",)),
    _Provider(
        "Azure Pipelines",
        "TF_BUILD",
        ("BUILD_SOURCEVERSION",),
        ("{SYSTEM_TEAMFOUNDATIONCOLLECTIONURI}{SYSTEM_TEAMPROJECT}/_build/results?buildId={BUILD_BUILDID}",),
    ),
    _Provider("CircleCI", "CIRCLECI", ("CIRCLE_SHA1",), ("{CIRCLE_BUILD_URL}",)),
    _Provider(
        "Buildkite",
        "BUILDKITE",
        ("BUILDKITE_COMMIT",),
        ("{BUILDKITE_BUILD_URL}#{BUILDKITE_JOB_ID}", "{BUILDKITE_BUILD_URL}"),
    ),
)


def read_ci(environment: Environment) -> dict[str, Taken]:
    """Return what the CI says, by the name of our option: `commit`, `ci_url`; nothing outside a CI.

    A commit that is none (Buildkite says HEAD until it has looked) is left out.
    """
    provider = next((each for each in _PROVIDERS if environment.get(each.mark)), None)
    if provider is None:
        return {}
    found = {
        "commit": _first(provider.commit, environment),
        "ci_url": next((taken for url in provider.url if (taken := _filled(url, environment))), None),
    }
    if found["commit"] and not _SHA.fullmatch(found["commit"].value):
        found["commit"] = None
    return {
        name: Taken(taken.value, f"{taken.source}, {provider.name}") for name, taken in found.items() if taken
    }


def read_dirty(commit: str, ask: Callable[..., str | None] | None = None) -> Taken | None:
    """Return whether tracked files differ from the commit, as git says; None where it cannot, or has another one."""
    ask = ask or _ask_git
    head = ask("rev-parse", "HEAD")
    if head is None or head.strip() != commit:
        return None
    status = ask("status", "--porcelain", "--untracked-files=no")
    return None if status is None else Taken("true" if status.strip() else "false", "git status")


def _ask_git(*arguments: str) -> str | None:
    try:
        told = subprocess.run(  # noqa: S603  # a fixed command; which git is the machine's choice
            ["git", *arguments],  # noqa: S607  # as above
            capture_output=True,
            text=True,
            errors="replace",
            timeout=20,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return told.stdout if told.returncode == 0 else None


def _first(names: tuple[str, ...], environment: Environment) -> Taken | None:
    return next((Taken(environment[name], name) for name in names if environment.get(name)), None)


def _filled(text: str, environment: Environment) -> Taken | None:
    """Return a text with its variables filled in; None where one is not set."""
    names = re.findall(r"\{(\w+)\}", text)
    if not all(environment.get(name) for name in names):
        return None
    value = re.sub(r"\{(\w+)\}", lambda found: environment[found[1]], text)
    return Taken(value.replace(" ", "%20"), names[-1])
