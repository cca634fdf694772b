"""Artifacts and records: identity, whole-or-nothing writing, digests. Knows no study."""
