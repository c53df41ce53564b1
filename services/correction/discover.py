"""The edge: look through a source, decide whether to go on, and cut it into slices."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import structlog

from schemas.correction import FileSlice, TranscriptSource
from schemas.delivery import RejectCode
from services.correction.manifest import Decision, Discovery, manifest
from services.correction.scanning import scanned, transcript_files
from services.correction.store import open_run
from services.correction.transcripts.formats import FORMATS
from shared.database import Database
from shared.llm.gateway import Gateway
from shared.runtime.clock import Clock
from shared.runtime.envelope import Envelope, Envelopes
from shared.runtime.outcome import Outcome, Reject, emit
from shared.settings import CorrectionSettings

MOST_FILES_LOGGED: Final = 100
log = structlog.get_logger()


async def discover(
    sources: Sequence[TranscriptSource],
    envelopes: Envelopes,
    database: Database,
    gateway: Gateway,
    settings: CorrectionSettings,
    clock: Clock,
) -> list[Outcome]:
    """The slices of each source, unless its manifest says NO-GO. Sources are read one after the other."""
    now, outcomes = datetime.fromtimestamp(clock.now(), UTC).isoformat(), list[Outcome]()
    for source, envelope in zip(sources, envelopes, strict=True):
        if refused := gateway.hindrance(envelope.provider) or hindrance(source, settings.folders):
            outcomes.append(Reject(RejectCode.INVALID_VALUE, refused))
        else:
            outcomes.append(await _discovered(source, envelope, database, now))
    return outcomes


async def _discovered(source: TranscriptSource, envelope: Envelope, database: Database, now: str) -> Outcome:
    try:
        found, slices = await asyncio.to_thread(look_through, source)
    except OSError as error:
        return Reject(RejectCode.INVALID_VALUE, f"{source.path} cannot be read: {error.strerror}")
    document = manifest(found, path=source.path, run_id=envelope.batch_id, assessed_at=now)
    if found.failing_files:
        paths = [facts.file for facts in found.files if facts.errors][:MOST_FILES_LOGGED]
        log.warning(
            "lines cannot be read", run=envelope.batch_id, lines=found.invalid, files=found.failing_files, paths=paths
        )
    going = slices if source.force or found.decision is not Decision.NO_GO else []
    await open_run(database, envelope.batch_id, source, document, going)
    return emit(*going)


def hindrance(source: TranscriptSource, folders: Sequence[Path]) -> str:
    """Why a source cannot be looked through; empty if it can."""
    if source.format and source.format not in FORMATS:
        return f"there is no format {source.format!r}; formats: {', '.join(FORMATS)}"
    path = Path(source.path)
    if not path.is_absolute():
        return "the path is not absolute: the stages have another working directory"
    if folders and not any(path.resolve().is_relative_to(folder.resolve()) for folder in folders):
        return f"{source.path} lies in none of the folders of SLUICE_CORRECTION_FOLDERS"
    return "" if path.exists() else f"{source.path} does not exist where the stages run"


def look_through(source: TranscriptSource) -> tuple[Discovery, list[FileSlice]]:
    """What is in the source, and its slices. Raises OSError."""
    found = Discovery()
    return found, [one for slices in scanned(source, transcript_files(source), found) for one in slices]
