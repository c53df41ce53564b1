"""Finds records of the same company, picks one of each group and proposes what to do with every record."""
