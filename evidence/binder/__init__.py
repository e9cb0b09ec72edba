"""The binder writer: a signed BagIt bag in one ZIP64, written as a stream. No Django in here.

What a binder holds and how it is verified is in `docs/reference/binder.md`. Callers hand in files and the
facts of a statement; the same files, facts and key give the same bytes.
"""
