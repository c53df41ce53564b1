"""The steps, each a pure function from tables to tables; `plan.py` has their order."""
