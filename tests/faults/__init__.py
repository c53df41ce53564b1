"""Faults: everything that Sluice stands on is killed, frozen or cut off, and every run must come to the same."""
