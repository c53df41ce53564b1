"""Benchmarks of the LLM gateway against a simulated vendor: every line of its target table, beside its target."""
