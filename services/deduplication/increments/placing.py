"""New records, one after the other, to the groups of a run: where each falls, and why."""

import json
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from operator import itemgetter
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from services.deduplication.evaluation.calibration import probability
from services.deduplication.increments.lookup import Lookup
from services.deduplication.inputs.columns import map_columns
from services.deduplication.rules import Rules
from services.deduplication.runs.preparing import Source
from services.deduplication.steps.ingest import ingest
from services.deduplication.steps.normalize import normalize
from services.deduplication.work import Part

READ = ("names", "tokens", "neighbours", "directory", "survivors")
"""Artifacts of a run that placing needs."""

Step = Sequence[Any]
"""A name on a way, and the score of the step to the next; of the last the name alone."""


class Outcome(StrEnum):
    """What became of a new record."""

    ADDED = "added"
    KNOWN = "known"  # it is there already, as it is
    REJECTED = "rejected"


class NewRecord(NamedTuple):
    """A record as a run would read it."""

    account_id: str
    account_name: str
    spelling: str
    flaw: str | None = None
    """Why it can be in no group, if so."""


class Placement(NamedTuple):
    """Where a record falls. `path` leads from its name to the primary's, `edge` has the parts of its first score."""

    account_id: str
    account_name: str
    outcome: Outcome
    reason: str
    group_id: str | None = None
    is_new: bool = False
    score: int | None = None
    primary: str | None = None
    path: Sequence[Step] = ()
    edge: Mapping[str, Any] | None = None
    probability: float | None = None
    """That the first step is right, if the run has a calibration."""
    also: Sequence[str] = ()
    """Other groups that it would have joined: the next run may merge them."""


class Known(NamedTuple):
    """An account that is in a group."""

    spelling: str
    group_id: str


def read_records(source: Source, mapping: Mapping[str, str], rules: Rules) -> list[NewRecord]:
    """Records of a file, read as the first two steps of a run do, in order of their rows."""
    part = Part(0, 1, 1)
    columns = map_columns(source.table, source.name, mapping, required=("account_id", "account_name"))
    read = ingest({"input": source.table, "mapping": columns}, part, rules)
    records, refused = (pa.table(read[name]) for name in ("records", "refused"))
    spellings = pa.table(normalize({"records": records}, part, rules)["spellings"])
    noise = spellings["noise"].take(pc.index_in(records["spelling"], spellings["spelling"].combine_chunks()))
    good = [records[name].to_pylist() for name in ("row", "account_id", "name_raw", "spelling")]
    bad = [refused[name].to_pylist() for name in ("row", "account_id", "account_name", "account_name", "reason")]
    rows = [*zip(*good, noise.to_pylist(), strict=True), *zip(*bad, strict=True)]
    return [NewRecord(*one) for _, *one in sorted(rows, key=itemgetter(0))]


class Placing:
    """The groups of a run, and of what was added to it."""

    def __init__(self, tables: Mapping[str, pa.Table], rules: Rules, points: pa.Table | None = None) -> None:
        """`points`: of a calibration."""
        self._lookup, self._points, self._size = Lookup(tables, rules), points, tables["names"].num_rows
        survivors = tables["survivors"].combine_chunks()
        spelt = zip(*(survivors[name].to_pylist() for name in ("spelling", "group_id")), strict=True)
        self._accounts = dict(zip(survivors["account_id"].to_pylist(), map(Known._make, spelt), strict=True))
        first = survivors.filter(survivors["is_primary"])
        self._primaries = dict(zip(first["group_id"].to_pylist(), first["account_id"].to_pylist(), strict=True))
        self._names, self._paths = survivors["name"].combine_chunks(), survivors["join_path"]
        self._learnt: dict[int, Sequence[Step]] = {}

    def place(self, record: NewRecord) -> Placement:
        """Where a record falls. It is not there yet: `keep` makes it so."""
        where = record.account_id, record.account_name
        if record.flaw:
            return Placement(*where, Outcome.REJECTED, record.flaw)
        if known := self._accounts.get(record.account_id):
            return self._as_it_is(where, record, known)
        found = self._lookup.find(record.spelling, record.account_id)
        path = [[found.core]] if found.matched is None else self._way(found.core, found.score, found.matched)
        return Placement(
            *where,
            Outcome.ADDED,
            found.reason,
            found.group_id,
            found.is_new,
            found.score,
            self._primaries.get(found.group_id, record.account_id),
            path,
            found.edge,
            None if self._points is None else probability(self._points, found.score),
            found.also,
        )

    def _as_it_is(self, where: tuple[str, str], record: NewRecord, known: Known) -> Placement:
        if record.spelling != known.spelling:
            reason = f"the account is there as {known.spelling!r}; the next run reads what it is called now"
            return Placement(*where, Outcome.REJECTED, reason, known.group_id)
        primary = self._primaries.get(known.group_id)
        return Placement(*where, Outcome.KNOWN, "known_account", known.group_id, primary=primary)

    def _way(self, core: str, score: int | None, matched: int) -> Sequence[Step]:
        """Equal names are one step of the way."""
        way = self._learnt.get(matched) or self._way_of_run(matched)
        return way if way[0][0] == core else [[core, score], *way]

    def _way_of_run(self, number: int) -> Sequence[Step]:
        place = pc.index(self._names, pa.scalar(number, self._names.type)).as_py()
        path = self._paths[place].as_py()
        return json.loads(path) if path else [[self._lookup.name(number)]]

    def keep(self, account_id: str, spelling: str, group_id: str, path: Sequence[Step]) -> None:
        """Count a record as one of a group from now on."""
        number = self._lookup.learn(spelling, group_id)
        self._accounts[account_id] = Known(spelling, group_id)
        self._primaries.setdefault(group_id, account_id)
        if number >= self._size:
            self._learnt.setdefault(number, path)

    def place_all(self, records: Iterable[NewRecord]) -> list[Placement]:
        """Where records fall, each seeing those before it."""
        found = []
        for record in records:
            placed = self.place(record)
            found.append(placed)
            if placed.outcome is Outcome.ADDED and placed.group_id:
                self.keep(record.account_id, record.spelling, placed.group_id, placed.path)
        return found
