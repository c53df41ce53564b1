"""Benchmarks: commands that print ratios against peers measured in the same run. Never part of the tests."""
