"""What deduplication needs beside Sluice's own dependencies."""

from importlib.util import find_spec

from shared.errors import UsageError

NEEDED = ("rapidfuzz", "fsspec")


def require_packages() -> None:
    """Raise UsageError unless all of them are installed."""
    if not all(map(find_spec, NEEDED)):
        raise UsageError("the packages for deduplication are not installed", remedy="Install the extra `dedupe`.")
