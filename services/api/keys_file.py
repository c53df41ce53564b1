"""The file of API keys, read again whenever it changes: keys come and go without a restart."""

from collections.abc import Sequence
from pathlib import Path

import structlog

from services.api.keys import ApiKey, parse_keys
from shared.errors import UsageError

log = structlog.get_logger()


def read_keys(path: Path) -> list[ApiKey]:
    """The keys of the file at `path`. Raises UsageError if it cannot be read or is wrong."""
    try:
        return parse_keys(path.read_bytes())
    except OSError as error:
        remedy = "Set SLUICE_API_KEYS_FILE to a file of keys; `sluice api-keys new NAME --file FILE` begins one."
        raise UsageError(f"{path} cannot be read: {error.strerror}", remedy=remedy) from None
    except UsageError as error:
        raise UsageError(f"{path}: {error.args[0]}", remedy=error.remedy) from None


class KeysFile:
    """The keys of a file as it is now; while it is broken or gone, those it had last.

    It may be changed in place, replaced by renaming, or be reached through links that are swapped, as Kubernetes does.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._version = _version(path)
        self._keys: Sequence[ApiKey] = read_keys(path)
        self._trouble = ""

    @property
    def keys(self) -> Sequence[ApiKey]:
        """The keys. Whether the file has changed costs a microsecond to see, so a revoked key is refused at once."""
        version = _version(self._path)  # looked at first: a change while it is read shows next time
        if version != self._version:
            self._renew(version)
        return self._keys

    def _renew(self, version: object) -> None:
        try:
            self._keys, self._version, self._trouble = read_keys(self._path), version, ""
        except UsageError as error:
            if str(error) != self._trouble:  # once, not with every request
                self._trouble = str(error)
                log.error("API keys not read; those read last stay", reason=str(error.args[0]))
        else:
            log.info("API keys read", path=str(self._path), count=len(self._keys))


def _version(path: Path) -> object:
    """What changes whenever the file does; None if there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns
