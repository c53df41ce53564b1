"""The command line: feeding indicators in, showing progress, writing results."""
