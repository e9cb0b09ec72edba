"""Eval files in, as the runner wrote them: parsers by format and version, and the aggregates we compute ourselves.

Django-free. A parser never decides what counts: it turns bytes into a `ParsedRun`, rejects what is malformed
sample by sample, and keeps unscored and errored samples apart from failed ones.
"""
