"""What the XML parser tells of a JUnit file, element by element, and what comes of it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from evidence.evals.contracts import EvalFileError
from evidence.evals.foreign.collected import Collected, Item, Told
from evidence.evals.foreign.texts import count_in, fingerprint, moment_in, shown, text_in
from evidence.evals.formats.junit.cases import PASSED, PASSED_FIRST, Case, Suite, explain_several, scores_of
from evidence.evals.measurements import Measurement, RemarkCode, Said
from evidence.evals.slices import REQUIREMENT_PROPERTIES, read_slice, slice_of_requirements

_MAX_DEPTH: Final = 60
_MAX_CASES: Final = 1_000_000  # of one suite, since they are held until it ends
_MAX_TEXT: Final = 20_000  # characters of a failure that are kept
SUITES: Final = frozenset({"testsuites", "testsuite"})
_CASE: Final = "testcase"
_NOT_RUN: Final = frozenset({"notrun", "not_run", "disabled", "inactive", "inconclusive"})
_FAILED_STATUS: Final = frozenset({"fail", "failed", "failure", "broken"})
_SKIPPED_STATUS: Final = frozenset({"skipped", "ignored", "pending"})
_FIRST_FAILED: Final = frozenset({"flakyFailure", "flakyError"})  # it failed first, and passed in the end
OTHERS: Final = {
    "test-run": "NUnit 3",
    "test-results": "NUnit 2",
    "assemblies": "xUnit.net",
    "TestRun": "Visual Studio's TRX",
    "testExecutions": "SonarQube's",
    "testng-results": "TestNG",
}
_COMMITS: Final = frozenset(
    {"commit", "commit.id", "commit_id", "commit_sha", "git.commit", "git.commit.id", "git_commit", "git.sha",
     "git_sha", "git.commit.sha", "scm.revision", "vcs.revision", "revision", "build.vcs.number",
     "ci_commit_sha", "github_sha"}
)  # fmt: skip
_RELEASES: Final = frozenset({"release"})
_DIRTY: Final = frozenset({"dirty", "git.dirty", "git_dirty", "commit.dirty"})
_URLS: Final = frozenset({"ci_url", "ci.url", "build_url", "ci_job_url", "ci_pipeline_url"})
_SEEDS: Final = frozenset({"seed", "random_seed", "random.seed", "randomly_seed"})

_DECLARED: Final = ("tests", "failures", "errors", "skipped", "disabled", "ignored")
_OF_RUN: Final = {"commit": _COMMITS, "release": _RELEASES, "dirty": _DIRTY, "ci_url": _URLS, "seed": _SEEDS}


class Report:
    """What the XML parser tells of the file, element by element."""

    def __init__(self) -> None:
        self.n_events = 0
        self.is_junit = False
        self.collected = Collected("", "junit")
        self.collected.declare(PASSED, proportion=True)
        self.collected.declare(PASSED_FIRST, proportion=True)
        self._path: list[str] = []
        self._suites: list[Suite] = []
        self._case: Case | None = None
        self._property: str | None = None
        self._text: list[str] = []
        self._length = 0
        self._said: dict[str, set[str]] = {}  # of the run, by what it is
        self._declared: dict[str, int] = {}
        self._counts = dict.fromkeys(
            ("tests", "elements", "passed", "failed", "error", "skipped", "not run"), 0
        )
        self._times: list[datetime] = []

    # --- What the parser calls -----------------------------------------------------------------------------------
    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """An element begins."""
        self.n_events += 1
        name = tag.rpartition(":")[2]
        if not self._path:
            self._check_root(name)
        if len(self._path) >= _MAX_DEPTH:
            raise EvalFileError(
                [f"<{name[:50]}>: nested more than {_MAX_DEPTH} elements deep: post what the runner wrote"]
            )
        self._path.append(name)
        self._text, self._length = [], 0
        if name in SUITES:
            self._begin_suite(name, attributes)
        elif name == _CASE and self._case is None:
            self._begin_case(attributes)
        elif name == "property":
            self._property = attributes.get("name", "").strip()
            if "value" in attributes:
                self._take_property(self._property, attributes["value"])
                self._property = None
        elif self._case is not None:
            self._begin_outcome(name, attributes)

    def data(self, text: str) -> None:
        """A piece of text, of which a bounded length is kept."""
        self.n_events += 1
        if self._length < _MAX_TEXT:
            self._text.append(text)
        self._length += len(text)

    def end(self, _: str) -> None:
        """An element ends."""
        self.n_events += 1
        name = self._path.pop()
        text = shown("".join(self._text), _MAX_TEXT).strip()
        if name in SUITES:
            self._end_suite()
        elif name == _CASE and self._case is not None and _CASE not in self._path:
            self._end_case(self._case)
        elif name == "property" and self._property is not None:
            self._take_property(self._property, text)
            self._property = None
        elif (
            self._case is not None
            and text
            and name in {"failure", "error", "skipped", "rerunFailure", "rerunError"}
        ):
            self._case.texts.append(text)
        self._text, self._length = [], 0

    # --- Suites --------------------------------------------------------------------------------------------------
    def _check_root(self, name: str) -> None:
        if name in OTHERS:
            raise EvalFileError(
                [f"<{name}> is {OTHERS[name]} format: let the runner write JUnit XML, and post that"]
            )
        if name not in SUITES and name != _CASE:
            raise EvalFileError(
                [f"<{name[:50]}>: no test results; post JUnit XML, which is <testsuites> or <testsuite>"]
            )
        self.is_junit = True

    def _begin_suite(self, name: str, attributes: dict[str, str]) -> None:
        around = self._suites[-1] if self._suites else Suite("", states=False)
        counts = {key: count_in(_as_number(attributes[key])) for key in _DECLARED if key in attributes}
        stated = {key: count for key, count in counts.items() if count is not None}
        if not around.states:  # of the outermost: what is within it is counted in it
            for key, count in stated.items():
                self._declared[key] = self._declared.get(key, 0) + count
        own = attributes.get("name", "") if name == "testsuite" else ""
        self._suites.append(Suite(own, around.states or bool(stated), list(around.links)))
        begun = moment_in(attributes.get("timestamp"))
        if begun:
            took = _as_number(attributes.get("time", "")) or 0.0
            self._times += [begun, begun + timedelta(seconds=took if 0 <= took < 1e8 else 0.0)]

    def _end_suite(self) -> None:
        suite = self._suites.pop()
        for case in suite.cases.values():
            self._add(case, suite)

    # --- Tests ---------------------------------------------------------------------------------------------------
    def _begin_case(self, attributes: dict[str, str]) -> None:
        case = Case(
            attributes.get("classname", "").strip(),
            attributes.get("name", "").strip(),
            self._counts["elements"],
        )
        self._counts["elements"] += 1
        status = attributes.get("status", attributes.get("result", "")).strip().lower()
        if status in _NOT_RUN:
            case.not_run = f"status {status}"
        elif status in _SKIPPED_STATUS:
            case.skipped = f"status {status}"
        elif status in _FAILED_STATUS:
            case.failed = case.status = f"status {status}"
        self._case = case

    def _begin_outcome(self, name: str, attributes: dict[str, str]) -> None:
        case = self._case
        if case is None:
            return
        said = ": ".join(part for part in (attributes.get("type", ""), attributes.get("message", "")) if part)
        if name == "failure":
            case.failed = said or "failed" if case.failed in {None, case.status} else case.failed
        elif name == "error":
            case.error = case.error or said or "error"
        elif name in {"skipped", "disabled"}:
            case.skipped = case.skipped or said or "no reason"
        elif name in _FIRST_FAILED:
            case.flaky.append(said or name)

    def _end_case(self, case: Case) -> None:
        self._case = None
        if not case.title:
            self.collected.reject(
                case.index, "no_name", f"test {case.index}: has neither a name nor a classname"
            )
            return
        if not self._suites:
            self._add(case, Suite("", states=False))
            return
        suite = self._suites[-1]
        case.links += suite.links
        first = suite.cases.setdefault((case.classname, case.name), case)
        if first is not case:
            first.join(case)
        elif len(suite.cases) > _MAX_CASES:
            raise EvalFileError([f"a suite of more than {_MAX_CASES:,} tests: post its parts one by one"])

    def _take_property(self, name: str, value: str) -> None:
        key = name.lower()
        if key in REQUIREMENT_PROPERTIES:
            if self._case is not None:
                self._case.links.append(value)
            elif self._suites:
                self._suites[-1].links.append(value)
        elif self._case is None:
            for what, names in _OF_RUN.items():
                if key in names and value.strip() and len(self._said.setdefault(what, set())) < 10:
                    self._said[what].add(shown(value.strip(), 200))

    def _add(self, case: Case, suite: Suite) -> None:
        path = [one.name for one in (*self._suites, suite) if one.name]
        outcome = case.outcome
        self._counts["tests"] += 1
        self._counts[outcome] += 1
        told = Told(
            slice=read_slice({"suite": suite.name}) | slice_of_requirements(case.links),
            output=shown("\n".join(case.texts), _MAX_TEXT),
        )
        place = self.collected.add(Item(case.title, fingerprint(path)), told, scores_of(case, outcome))
        if outcome == "skipped":
            self.collected.remark(RemarkCode.SKIPPED, f"{case.title}: {case.skipped}", place)
        if case.flaky:
            self.collected.remark(RemarkCode.FLAKY, f"{case.title}: failed first: {case.flaky[0]}", place)
        if case.times > 1:
            self.collected.remark(RemarkCode.FLAKY, explain_several(case), place)

    # --- The whole -----------------------------------------------------------------------------------------------
    def measurement(self) -> Measurement:
        """Return what was found."""
        self._state_totals()
        commit, release = self._only("commit"), self._only("release")
        dirty = {text.lower() for text in self._said.get("dirty", ())}
        is_dirty = True if dirty & {"true", "1", "yes", "dirty"} else False if dirty else None
        seed = self._only("seed")
        return self.collected.measurement(
            Said(
                release=release,
                commit=commit,
                dirty=is_dirty,
                ci_url=self._only("ci_url"),
                observed_from=min(self._times, default=None),
                observed_to=max(self._times, default=None),
                seeds={"seed": seed} if seed else {},
            )
        )

    def _only(self, what: str) -> str | None:
        """Return what the file says once; two commits in one file are none."""
        said = self._said.get(what, set())
        if len(said) > 1:
            self.collected.remark(
                RemarkCode.AMBIGUOUS, f"{what}: the file says several: {', '.join(sorted(said))}"
            )
        return text_in(next(iter(said))) if len(said) == 1 else None

    def _state_totals(self) -> None:
        counts, kept = self._counts, self.collected
        for name, ours in (("failures", counts["failed"]), ("errors", counts["error"])):
            kept.state_count(PASSED, name, self._declared.get(name), ours)
        skipped = [
            self._declared[name] for name in ("skipped", "disabled", "ignored") if name in self._declared
        ]
        if skipped:
            kept.state_count(PASSED, "skipped", sum(skipped), counts["skipped"])
        declared = self._declared.get("tests")
        ours = counts["elements"] if declared == counts["elements"] else counts["tests"]
        kept.state_count(PASSED, "tests", declared, ours)


def _as_number(text: str) -> float | None:
    try:
        return float(text.replace(",", ""))
    except ValueError:
        return None
