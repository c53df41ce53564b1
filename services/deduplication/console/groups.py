"""Groups of a run: filtered and sorted as a whole, then a page of them, or all of them as CSV."""

from collections.abc import Iterator, Sequence
from functools import reduce
from typing import Annotated, Any, Literal, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from schemas.deduplication import RunId
from services.deduplication.runs.results import csv_parts

BUCKETS = (100, 95, 92, 90)
ANY = 0
"""A threshold that every group reaches."""
PAGE_ROWS = (50, 100, 200, 500)
CSV_ROWS = 20_000
MEMBERS = (
    *("group_id", "account_id", "name_raw", "suffix_class", "created_date", "relationship", "disposition"),
    *("disposition_reason", "is_primary", "group_join_reason", "weakest_edge_to_primary", "join_path", "name"),
    *("survivorship_reason", "alias_cross_refs"),
)
RECORDS_SAVED = MEMBERS[: MEMBERS.index("join_path")]
SORTED_BY = {"size": "group_size", "score": "max_score", "name": "lower_name"}
_LAST = 2**31 - 1


def _threshold(value: int) -> int:
    if value != ANY and not min(BUCKETS) <= value <= max(BUCKETS):
        raise ValueError(f"a threshold lies between {min(BUCKETS)} and {max(BUCKETS)}")
    return value


def _rows(value: int) -> int:
    if value not in PAGE_ROWS:
        raise ValueError(f"a page has one of {PAGE_ROWS} rows")
    return value


Threshold = Annotated[int, BeforeValidator(lambda value: value or ANY), AfterValidator(_threshold)]


class Asked(BaseModel):
    """Which groups of a run somebody wants to see, and how."""

    model_config = ConfigDict(frozen=True)

    run: RunId
    threshold: Threshold = 100
    disposition: Literal["", "Keep", "Update", "Verify", "Delete"] = ""
    min_size: Annotated[int, Field(ge=1, le=_LAST)] = 2
    mismatch: bool = False
    aliases: bool = False
    text: Annotated[str, Field(max_length=200)] = ""
    sort: Literal["size", "score", "name"] = "size"
    order: Literal["descending", "ascending"] = "descending"
    rows: Annotated[int, AfterValidator(_rows)] = PAGE_ROWS[0]
    page: Annotated[int, Field(ge=1, le=_LAST)] = 1

    def but(self, **changes: Any) -> dict[str, Any]:
        """The fields of an address for the same groups, but for some changes; what is usual is left out."""
        return self.model_copy(update={"page": 1, **changes}).model_dump(exclude_defaults=True)


class Found(NamedTuple):
    """The groups that fit, sorted, and how many would at other thresholds."""

    groups: pa.Table
    buckets: dict[int, int]

    def page(self, asked: Asked) -> list[dict[str, Any]]:
        """Some of them."""
        rows: list[dict[str, Any]] = self.groups.slice((asked.page - 1) * asked.rows, asked.rows).to_pylist()
        return rows


def in_order(members: pa.Table) -> pa.Table:
    """Records by group, the primary first."""
    keys = [("group_id", "ascending"), ("is_primary", "descending"), ("account_id", "ascending")]
    return members.sort_by(keys).combine_chunks()


def groups_of(stats: pa.Table, members: pa.Table) -> pa.Table:
    """Groups with what they are filtered by: how many legal `forms` they have, none being one, and records with
    `aliases`."""
    counted = members.group_by("group_id", use_threads=False).aggregate(
        [("suffix_class", "count_distinct"), ("alias_cross_refs", "count")]
    )
    place = pc.index_in(stats["group_id"], counted["group_id"].combine_chunks())
    return (
        stats.append_column("forms", counted["suffix_class_count_distinct"].take(place))
        .append_column("aliases", counted["alias_cross_refs_count"].take(place))
        .append_column("lower_name", pc.utf8_lower(stats["primary_name"]))
        .combine_chunks()
    )


def find_groups(groups: pa.Table, members: pa.Table, asked: Asked) -> Found:
    """The groups that fit, all of them, in the order that was asked for."""
    fitting = groups.filter(reduce(pc.and_, _conditions(groups, members, asked)))
    buckets = {bucket: int(np.sum(np.asarray(_reaches(fitting, bucket)))) for bucket in (*BUCKETS, ANY)}
    chosen = fitting.filter(_reaches(fitting, asked.threshold))
    return Found(chosen.sort_by([(SORTED_BY[asked.sort], asked.order), ("group_id", "ascending")]), buckets)


def _conditions(groups: pa.Table, members: pa.Table, asked: Asked) -> Iterator[Any]:
    yield pc.greater_equal(groups["group_size"], asked.min_size)
    if asked.disposition:
        yield pc.equal(groups["disposition"], asked.disposition)
    if asked.mismatch:
        yield pc.greater(groups["forms"], 1)
    if asked.aliases:
        yield pc.greater(groups["aliases"], 0)
    if asked.text:
        named = pc.match_substring(members["name_raw"], asked.text, ignore_case=True)
        yield pc.is_in(groups["group_id"], members["group_id"].filter(named).combine_chunks())


def _reaches(groups: pa.Table, threshold: int) -> Any:
    """Whether the best pair does; a record alone is no pair that could fail to."""
    return pc.or_(pc.greater_equal(groups["max_score"], threshold), pc.equal(groups["group_size"], 1))


def groups_csv(found: Found) -> Iterator[bytes]:
    """All of them as CSV."""
    return csv_parts(_parts(found.groups.drop_columns("lower_name")))


def records_csv(found: Found, members: pa.Table) -> Iterator[bytes]:
    """The records of all of them as CSV, in the order of their groups."""
    place = pc.index_in(members["group_id"], found.groups["group_id"].combine_chunks())
    order = np.argsort(np.asarray(pc.fill_null(place, -1)), kind="stable")
    chosen = order[place.null_count :]
    return csv_parts(_parts(members.select(RECORDS_SAVED).take(pa.array(chosen))))


def _parts(table: pa.Table) -> Sequence[pa.Table]:
    return [table.slice(start, CSV_ROWS) for start in range(0, max(table.num_rows, 1), CSV_ROWS)]
