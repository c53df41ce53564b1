"""Vendors of language models, each behind the same protocol."""

from shared.llm.vendors.making import make_vendor

__all__ = ["make_vendor"]
