"""The steps of deduplication in order, as data."""

from services.deduplication.steps.alias import match_aliases
from services.deduplication.steps.disposition import dispose
from services.deduplication.steps.export import export
from services.deduplication.steps.grouping import group
from services.deduplication.steps.index import index
from services.deduplication.steps.ingest import ingest
from services.deduplication.steps.keys import make_keys
from services.deduplication.steps.membership import assign
from services.deduplication.steps.normalize import normalize
from services.deduplication.steps.pairs import make_pairs
from services.deduplication.steps.similarity import score
from services.deduplication.steps.statistics import STATISTICS_OF, summarize
from services.deduplication.steps.survivorship import survive
from services.deduplication.work import Parts, Reads, Step

GIVEN = ("input", "mapping", "overrides", "blacklist", "previous")
"""What a run is given: slices of the file (a `row` number and the columns as text), the saved column mapping
(`canonical`, `actual`), manual overrides (`account_id`, `override`, `reason`, `timestamp`), blacklist terms (`term`),
earlier groups (`account_id`, `group_id`). All but the input may be empty; schemas are in `given.py`."""

_SAME, _ALL, _ROUTED = Reads.SAME, Reads.ALL, Reads.ROUTED

PLAN: tuple[Step, ...] = (
    Step(
        "ingest",
        ingest,
        Parts.PER_INPUT,
        {"input": _SAME, "mapping": _ALL},
        ("records", "ids", "refused", "date_flaws"),
    ),
    Step("normalize", normalize, Parts.PER_INPUT, {"records": _SAME}, ("spellings", "forms", "aliases", "origins")),
    Step(
        "index",
        index,
        Parts.SINGLE,
        {"forms": _ALL, "origins": _ALL, "ids": _ALL},
        ("names", "tokens", "neighbours", "repeats"),
    ),
    Step("keys", make_keys, Parts.PER_RUN, {"names": _ALL, "tokens": _ALL, "neighbours": _ALL}, ("keys",)),
    Step("pairs", make_pairs, Parts.PER_RUN, {"keys": _ROUTED, "names": _ALL}, ("pairs", "blocks")),
    Step("score", score, Parts.PER_RUN, {"pairs": _ROUTED, "names": _ALL, "tokens": _ALL}, ("edges", "scored")),
    Step("group", group, Parts.SINGLE, {"edges": _ALL, "names": _ALL}, ("grouping", "joins", "refusals")),
    Step(
        "membership",
        assign,
        Parts.PER_INPUT,
        dict.fromkeys(("repeats", "names", "grouping", "origins", "previous"), _ALL)
        | {"records": _SAME, "spellings": _SAME},
        ("members", "filtered", "inherited"),
    ),
    Step(
        "survivorship",
        survive,
        Parts.PER_RUN,
        {"members": _ROUTED, "joins": _ROUTED, "inherited": _ALL, "previous": _ALL},
        ("survivors", "directory", "changes"),
    ),
    Step(
        "alias",
        match_aliases,
        Parts.PER_RUN,
        {"aliases": _ALL, "names": _ALL, "directory": _ALL},
        ("alias_matches",),
    ),
    Step(
        "disposition",
        dispose,
        Parts.PER_RUN,
        {"survivors": _SAME, "alias_matches": _ALL, "overrides": _ALL, "blacklist": _ALL},
        ("decisions", "details"),
    ),
    Step(
        "statistics",
        summarize,
        Parts.SINGLE,
        dict.fromkeys(STATISTICS_OF, _ALL),
        ("group_stats", "group_details", "audit", "diagnostics", "review_meta", "perf_summary"),
    ),
    Step(
        "export",
        export,
        Parts.PER_INPUT,
        {"input": _SAME, "spellings": _SAME, "decisions": _ROUTED},
        ("review_ready",),
    ),
)
