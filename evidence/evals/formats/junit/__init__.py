"""JUnit XML, as pytest, Surefire, Gradle, Jest, Playwright, promptfoo and many others write it.

One test is one sample of the metric `passed`. What the suites' attributes declare is kept beside it and compared: that
may lie. A test that stands several times in one suite is one test, since a rerun leaves its failed attempt behind as
another test of its name, and nothing says which: the worst of their outcomes stands, and is flagged. A document type is
refused: entities are how a small file reads others, or becomes a large one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final
from xml.parsers import expat

from evidence.evals.contracts import CUT_SHORT, EvalFileError
from evidence.evals.foreign.notes import FormatNotes
from evidence.evals.formats.junit.report import OTHERS, SUITES, Report
from evidence.evals.measurements import Measurement, Said
from evidence.evals.sources import Source

_PIECE: Final = 64 * 1024  # bytes
_MOST_IN_ONE: Final = 4 * 2**20  # bytes without an element or a text: no test result is so long
NOTES: Final = FormatNotes(
    tried="pytest 9.2.0 with pytest-rerunfailures, promptfoo 0.121.20; Surefire, Gradle and others by their documents",
    post="the XML; a document type is refused, and so is another tool's XML",
    reads=(
        "a test is a sample of `passed`, and of `passed_first` without a failed attempt before it; the "
        "suite as a slice; `requirement`, `verifies` and `requirement_id` as what it verifies; `commit`, "
        "`release`, `ci_url`, `seed` and `dirty` of a suite's properties"
    ),
    poster="suite, evaluator, dataset; commit where no property says it; times where they have no zone",
    flags="skipped tests, reruns and names that stand twice, declared counts that are not there",
)


def sniff(head: bytes, name: str) -> bool:
    """Whether a file is XML whose first element is of test results; another tool's is refused by its name."""
    text = head[:4096].replace(b"\x00", b"")  # UTF-16 reads so, too
    begins = text.lstrip(b"\xef\xbb\xbf\xff\xfe \r\n\t").startswith(b"<")
    roots = (*SUITES, *OTHERS)
    return (begins and any(f"<{root}".encode() in text for root in roots)) or (
        begins and name.endswith(".junit.xml")
    )


def open_measurements(source: Source, poster: Said) -> Iterator[Measurement]:
    """Yield the one measurement of a file.

    Raises:
        EvalFileError: it is no XML that can be read, has a document type, or is another tool's; says what to send.
    """
    del poster
    report = Report()
    _parse(source, report)
    if not report.is_junit:
        raise EvalFileError(["no testsuites and no testsuite: post the JUnit XML of the test runner"])
    yield report.measurement()


class _DocumentType(Exception):
    """The file declares one."""


def _parse(source: Source, report: Report) -> None:
    parser = expat.ParserCreate()
    parser.buffer_text, parser.buffer_size = True, _PIECE
    parser.StartDoctypeDeclHandler = _refuse_document_type
    parser.StartElementHandler, parser.EndElementHandler = report.start, report.end
    parser.CharacterDataHandler = report.data
    try:
        _feed(parser, source, report)
    except _DocumentType as exc:
        raise EvalFileError(
            [
                "<!DOCTYPE: a document type, and the entities it declares, are not read: write the file without it"
            ]
        ) from exc
    except expat.ExpatError as exc:
        where, what = f"line {exc.lineno}, column {exc.offset}", expat.ErrorString(exc.code)
        raise EvalFileError([f"{where}: not readable as XML: {what}; {CUT_SHORT}"]) from exc
    except (UnicodeError, LookupError, OverflowError) as exc:
        raise EvalFileError([f"not readable as XML: {exc}; write it as UTF-8"]) from exc
    except ValueError as exc:
        if isinstance(exc, EvalFileError):
            raise
        raise EvalFileError([f"not readable as XML: {exc}; write it as UTF-8"]) from exc


def _feed(parser: expat.XMLParserType, source: Source, report: Report) -> None:
    stream, idle = source.open(), 0
    while piece := stream.read(_PIECE):
        seen = report.n_events
        parser.Parse(piece, False)  # noqa: FBT003  # expat takes it by its place
        idle = 0 if report.n_events > seen else idle + len(piece)
        if idle > _MOST_IN_ONE:
            raise EvalFileError([f"an attribute or a mark has more than {_MOST_IN_ONE:,} bytes"])
    parser.Parse(b"", True)  # noqa: FBT003  # likewise


def _refuse_document_type(*_: object) -> None:
    raise _DocumentType
