"""The door to one model of a vendor, shared by all replicas: limits, breaker, budgets, ledger, switch, in Postgres."""

from shared.llm.admission.door import PostgresAdmission, Status
from shared.llm.admission.terms import BreakerPolicy, Budgets, Limits

__all__ = ["BreakerPolicy", "Budgets", "Limits", "PostgresAdmission", "Status"]
