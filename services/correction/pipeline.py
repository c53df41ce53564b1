"""Correction of chat transcripts, the whole flow in order.

transcripts.ingest ─ discover ─ extract ─ clean ─ identify ─┬─ correct ─┬─ load
                                                            └───────────┘
                     what nobody has typed passes by the correction        whatever fails ─ dead-letter
"""

from schemas.correction import Cleaned, Corrected, Extracted, FileSlice, Identified, TranscriptSource
from schemas.delivery import BatchCompleted
from services.correction.clean import clean
from services.correction.correct import correct
from services.correction.discover import discover
from services.correction.extract import extract
from services.correction.identify import identify
from services.correction.load import announce_runs, load, load_warehouse
from services.correction.passages import CORRECTION as QUESTION
from shared.runtime.declaration import EVIDENCE, GIVEN, BatchLimits, Pipeline
from shared.service.dead_letters import keep_dead_letters

CORRECTION = Pipeline("correction", key="source_id")

INGEST = CORRECTION.topic("transcripts.ingest", TranscriptSource, "Folders and files with transcripts", GIVEN)
SLICES = CORRECTION.topic("correction.slices", FileSlice, "Ranges of files, a thousand records or less", key="slice_id")
EXTRACTED = CORRECTION.topic("correction.extracted", Extracted, "One block of one message", key="extraction_id")
CLEANED = CORRECTION.topic("correction.cleaned", Cleaned, "With clean text beside it, and times in UTC")
IDENTIFIED = CORRECTION.topic("correction.identified", Identified, "Typed by a person, with ids")
CORRECTED = CORRECTION.topic("correction.corrected", Corrected, "With a final status")
RUNS = CORRECTION.topic("correction.batch-completed", BatchCompleted, "Every row of a run is final", EVIDENCE)

CORRECTION.stage(
    "discover", discover, reads=INGEST, writes=[SLICES], batch=BatchLimits(records=1), edge=True, waits=True
)
CORRECTION.stage("extract", extract, reads=SLICES, writes=[EXTRACTED], batch=BatchLimits(records=4), waits=True)
CORRECTION.stage("clean", clean, reads=EXTRACTED, writes=[CLEANED])
CORRECTION.stage("identify", identify, reads=CLEANED, writes=[IDENTIFIED, CORRECTED])
CORRECTION.stage(
    "correct",
    correct,
    reads=IDENTIFIED,
    writes=[CORRECTED],
    batch=BatchLimits(fetch_bytes=1024 * 1024),  # texts take many times their size while they are compared
    prepare=QUESTION.load,
)
CORRECTION.stage(
    "load", load, reads=CORRECTED, writes=[RUNS], waits=True, sweeps=[(1.0, announce_runs), (5.0, load_warehouse)]
)
CORRECTION.stage("dead-letter", keep_dead_letters, reads=CORRECTION.dead_letters, waits=True)
