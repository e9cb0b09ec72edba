"""The append-only log as mathematics and text: Merkle tree, tiles, signed notes, proofs. Django-free.

Nothing here reads a database, a clock or a key file, so the offline verifier's tests and the server's own
second look at the log rest on the same few hundred lines. Tables and sequencer: `evidence.services.log`.
"""
