"""Data of the demo (see README.md beside this file)."""
