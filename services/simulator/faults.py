"""What goes wrong and how often, each by a rate of its own between 0 and 1."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

DAMAGES = ("missing", "repeated", "reordered", "invented", "cut_json", "truncated", "wrong_enum")
"""What `damaged` picks from."""


@dataclass(frozen=True, slots=True)
class Faults:
    """Share of calls that a fault strikes. The first six leave a call without an answer."""

    rate_limited: float = 0.0
    """429 although the limit is not reached."""
    server_error: float = 0.0
    hang: float = 0.0
    """No answer until the client leaves."""
    cut_connection: float = 0.0
    """The connection breaks in the middle of the answer."""
    out_of_quota: float = 0.0
    """The account has no money left."""
    refusal: float = 0.0
    """The model will not answer."""
    damaged: float = 0.0
    """One of missing, repeated, reordered, invented, cut_json, truncated and wrong_enum."""
    missing: float = 0.0
    """An item is left out."""
    repeated: float = 0.0
    """An item is answered twice; half of the time with a wrong value, which may come first or last. At times the
    repetition stands in the place of another item."""
    reordered: float = 0.0
    invented: float = 0.0
    """An answer for an id that was not asked for, in addition or in the place of another."""
    cut_json: float = 0.0
    """The text ends in the middle, and the vendor says that it is complete."""
    truncated: float = 0.0
    """The text ends in the middle, and the vendor says so."""
    wrong_enum: float = 0.0
    """A value that is not among those allowed."""
    prose: float = 0.0
    """Words around the JSON."""
    overconfident: float = 0.0
    """A confidence on the scale of 0 to 100."""
    obeyed: float = 0.0
    """Instructions in an item's text are obeyed, if there are any: see `damage.obey`."""
    answered: float = 0.0
    """Where a text is to be given back, its question is answered instead."""
    translated: float = 0.0
    """The text comes back in another language."""
    shortened: float = 0.0
    """Its end is missing."""
    embellished: float = 0.0
    """It says more than was written."""

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """Every fault."""
        return _NAMES

    def changed(self, rates: Mapping[str, float]) -> "Faults":
        """With other rates for some faults. Raises ValueError for an unknown name, or a rate that is none."""
        for name, rate in rates.items():
            if name not in self.names():
                raise ValueError(f"there is no fault {name!r}; faults: {', '.join(self.names())}")
            if isinstance(rate, bool) or not isinstance(rate, int | float) or not 0 <= rate <= 1:
                raise ValueError(f"the rate of {name} is a number from 0 to 1, not {rate!r}")
        return replace(self, **rates)

    def strike(self, chance: random.Random) -> frozenset[str]:
        """The faults that this call meets. Each has a draw of its own, so no rate changes what the others strike."""
        struck = {name for name in _NAMES if chance.random() < getattr(self, name)}
        pick = chance.choice(DAMAGES)
        return frozenset(struck - {"damaged"} | ({pick} if "damaged" in struck else set()))


_NAMES = tuple(part.name for part in fields(Faults))
