"""The sections of a binder that `evidence` fills, in the order of the front page: counter evidence first."""

from __future__ import annotations

from collections.abc import Iterator

from evidence.binder.files import BinderFile
from evidence.selectors.binder.audit_slice import audit_files
from evidence.selectors.binder.citations import citation_files
from evidence.selectors.binder.defeaters import defeaters_file
from evidence.selectors.binder.evals import eval_files
from evidence.selectors.binder.gates import gate_files
from evidence.selectors.binder.items import counter_evidence, other_evidence
from evidence.selectors.binder.people import people_file
from evidence.selectors.binder.readings import reading_files
from evidence.selectors.binder.redactions import redactions_file
from evidence.selectors.binder.reviews import review_files
from evidence.selectors.binder.scope import BinderScope
from evidence.selectors.binder.trace_scope import TracePages
from evidence.selectors.binder.traces import trace_files
from evidence.selectors.binder.versions import version_files


def evidence_sections(scope: BinderScope) -> Iterator[BinderFile]:
    """Yield every file of `evidence` that belongs to the scope."""
    pages = TracePages(scope)
    yield counter_evidence(scope)
    yield defeaters_file(scope)
    yield other_evidence(scope)
    yield from version_files(scope)
    yield from reading_files(scope)
    yield from trace_files(scope, pages)
    yield from citation_files(pages)
    yield from eval_files(scope)
    yield from gate_files(scope)
    yield from review_files(scope, pages)
    yield people_file(scope)
    yield from audit_files(scope)
    yield redactions_file(scope)
