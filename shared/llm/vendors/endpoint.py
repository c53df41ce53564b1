"""Where a model is, and how it is asked."""

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from pydantic import SecretStr


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One model at one address."""

    provider: str
    model: str
    base_url: str = field(repr=False)
    """It may hold a password."""
    key: SecretStr
    temperature: float = 0.2
    concurrency: int = 32

    @property
    def place(self) -> str:
        """Host and port, for people."""
        url = urlsplit(self.base_url)
        return f"{url.hostname}:{url.port}" if url.port else str(url.hostname)
