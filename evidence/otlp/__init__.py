"""OTLP/HTTP bodies in, rows ready for the database out. Django-free, and raises only `OtlpError`."""
