"""The contracts: every message, enum and table of the domain. Imports nothing else of Sluice."""
