"""Ids that are the same whenever the same is read, and fingerprints by which a message is known again.

A fingerprint holds the whole body and what makes a message this one: its own id or, where it has none, session and
time. So a copy in another file is found, an edited message is another one, and somebody may say "yes" twice. Which of
several equal ones is the first is settled when they are stored, for only there all are known.
"""

from collections.abc import Sequence
from hashlib import sha256

from schemas.correction import Cleaned, Corrected, CorrectionStatus, Identified
from shared.runtime.outcome import Outcome, emit

ENTITY, EXTRACTION = "msg:", "ext:"


async def identify(items: Sequence[Cleaned]) -> list[Outcome]:
    """What nobody has typed needs no correction: it goes on to be stored."""
    return [emit(one if one.typed else _passed(one)) for one in map(identified, items)]


def identified(item: Cleaned) -> Identified:
    """With its ids. Ids of a session sort by their index, whatever its length."""
    entity_id = ENTITY + item.extraction_id.removeprefix(EXTRACTION)
    return Identified(**item.__dict__, entity_id=entity_id, fingerprint=fingerprint(item))


def fingerprint(item: Cleaned) -> str:
    """64 hexadecimal digits."""
    scope = item.uuid or f"{item.session_id}\x1f{item.timestamp}"
    parts = (scope, str(item.block), item.message_type, item.role, item.content_hash)
    return sha256("\x1e".join(parts).encode(errors="replace")).hexdigest()


def _passed(item: Identified) -> Corrected:
    return Corrected(**item.__dict__, status=CorrectionStatus.PASSED, reason=item.not_typed)
