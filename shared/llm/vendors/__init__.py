"""Vendors of language models, each behind the same protocol."""
