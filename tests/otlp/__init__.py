"""Spans as a collector receives them, for tests and for the figure in docs/tracing.md."""
