"""A provider as settings and requests name it: `openai`, or `cascade:openai`."""

from dataclasses import dataclass

from shared.settings import CASCADE_PREFIX


@dataclass(frozen=True, slots=True)
class Choice:
    """`cascade`: the embedded model answers what it is sure of, `provider` the rest."""

    provider: str
    cascade: bool = False

    def __str__(self) -> str:
        return f"{CASCADE_PREFIX}{self.provider}" if self.cascade else self.provider


def parse_choice(text: str) -> Choice:
    """What `text` chooses. Whether there is such a provider, LlmSettings.check tells."""
    name = text.strip().lower()
    return Choice(name.removeprefix(CASCADE_PREFIX), cascade=name.startswith(CASCADE_PREFIX))
