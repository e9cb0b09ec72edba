"""How content leaves the store, and what may not: retention, erasure, legal holds, removed blobs."""
