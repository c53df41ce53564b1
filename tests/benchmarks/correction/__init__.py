"""Correction beside the targets of its specification."""
