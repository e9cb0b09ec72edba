"""OTLP in: admitted, decoded, stored item by item, recorded, answered. This is the only door to it."""

from evidence.services.ingest.admission import IngestBusy, IngestUnavailable
from evidence.services.ingest.partitions import PartitionReport, ensure_partitions
from evidence.services.ingest.requests import Receipt, ingest_logs, ingest_traces, read_limits

__all__ = [
    "IngestBusy",
    "IngestUnavailable",
    "PartitionReport",
    "Receipt",
    "ensure_partitions",
    "ingest_logs",
    "ingest_traces",
    "read_limits",
]
