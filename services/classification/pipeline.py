"""Classification, the whole flow in order.

indicators.ingest ─ normalize ─┬─ time ───────┬─ join ─ family ─ type ─ boolean-review ─┬──────────────────┬─ complete
                               ├─ scale ──────┤                                        └─ final-review ────┘
                               ├─ currency ───┤
                               └─ cumulative ─┘         whatever fails ─ dead-letter
"""

from schemas.classification import (
    CompletedIndicator,
    ContestedIndicator,
    Facet,
    IndicatorWithFamily,
    IndicatorWithType,
    JoinedIndicator,
    NormalizedIndicator,
    ReviewedIndicator,
)
from schemas.delivery import BatchCompleted
from schemas.indicator import Indicator
from services.classification.boolean_review import review
from services.classification.complete import announce_batches, close_rolling_batches, complete, keep_log_partitions
from services.classification.cumulative import detect_cumulative
from services.classification.currency import check_currencies
from services.classification.family import FAMILY as FAMILY_QUESTION
from services.classification.family import assign_family
from services.classification.final_review import settle
from services.classification.indicator_type import TYPE as TYPE_QUESTION
from services.classification.indicator_type import classify_type
from services.classification.join import FORGET_SECONDS, SWEEP_SECONDS, expire_incomplete, forget_joined, join_facets
from services.classification.normalize import normalize
from services.classification.scale import infer_scale
from services.classification.time_basis import infer_time_basis
from shared.runtime.declaration import EVIDENCE, GIVEN, LATEST, Pipeline
from shared.service.dead_letters import keep_dead_letters

CLASSIFICATION = Pipeline("classification", key="indicator_id")

INGEST = CLASSIFICATION.topic("indicators.ingest", Indicator, "Indicators to classify, as plain JSON", GIVEN)
NORMALIZED = CLASSIFICATION.topic("classification.normalized", NormalizedIndicator, "Cleaned, with the unit parsed")
FACETS = CLASSIFICATION.topic(
    "classification.facets", Facet, "One part of an item: itself or what one facet stage found"
)
JOINED = CLASSIFICATION.topic("classification.joined", JoinedIndicator, "All facts that rules can find")
FAMILY = CLASSIFICATION.topic("classification.family", IndicatorWithFamily, "With a family")
TYPE = CLASSIFICATION.topic("classification.type", IndicatorWithType, "With a type, an aggregation, an orientation")
CONTESTED = CLASSIFICATION.topic("classification.contested", ContestedIndicator, "The boolean review objects")
REVIEWED = CLASSIFICATION.topic("classification.reviewed", ReviewedIndicator, "Final values")
COMPLETED = CLASSIFICATION.topic(
    "classification.completed", CompletedIndicator, "Stored; for other systems to read", LATEST
)
BATCHES = CLASSIFICATION.topic(
    "classification.batch-completed", BatchCompleted, "Every item of a batch is final", EVIDENCE
)

CLASSIFICATION.stage("normalize", normalize, reads=INGEST, writes=[NORMALIZED, FACETS], edge=True, waits=True)
CLASSIFICATION.stage("time", infer_time_basis, reads=NORMALIZED, writes=[FACETS])
CLASSIFICATION.stage("scale", infer_scale, reads=NORMALIZED, writes=[FACETS])
CLASSIFICATION.stage("currency", check_currencies, reads=NORMALIZED, writes=[FACETS])
CLASSIFICATION.stage("cumulative", detect_cumulative, reads=NORMALIZED, writes=[FACETS])
CLASSIFICATION.stage(
    "join",
    join_facets,
    reads=FACETS,
    writes=[JOINED],
    waits=True,
    sweeps=[(SWEEP_SECONDS, expire_incomplete), (FORGET_SECONDS, forget_joined)],
)
CLASSIFICATION.stage("family", assign_family, reads=JOINED, writes=[FAMILY], prepare=FAMILY_QUESTION.load)
CLASSIFICATION.stage("type", classify_type, reads=FAMILY, writes=[TYPE], prepare=TYPE_QUESTION.load)
CLASSIFICATION.stage("boolean-review", review, reads=TYPE, writes=[REVIEWED, CONTESTED])
CLASSIFICATION.stage("final-review", settle, reads=CONTESTED, writes=[REVIEWED])
CLASSIFICATION.stage(
    "complete",
    complete,
    reads=REVIEWED,
    writes=[COMPLETED, BATCHES],
    waits=True,
    sweeps=[(1.0, announce_batches), (60.0, close_rolling_batches), (6 * 3600.0, keep_log_partitions)],
)
CLASSIFICATION.stage("dead-letter", keep_dead_letters, reads=CLASSIFICATION.dead_letters, waits=True)
