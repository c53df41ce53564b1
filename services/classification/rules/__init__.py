"""Deterministic domain rules of indicator classification: pure, synchronous, no I/O."""
