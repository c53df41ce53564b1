"""Clusters of all records of a run by their scores alone, whatever keeps groups apart."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import pyarrow as pa

from services.deduplication.steps.clusters import SMALLEST, Edge, Policy, clusters

READ = ("survivors", "edges")


class Similar(NamedTuple):
    """A record of a run. `cluster` None: it is like no other."""

    cluster: int | None
    account_id: str
    account_name: str
    group_id: str


def similar(run: Mapping[str, pa.Table], threshold: float, policy: Policy) -> list[Similar]:
    """Records by cluster, the biggest first. Those of one name are alike; one with a placeholder is like no other."""
    owners, firsts = defaultdict[str, list[Similar]](list), dict[int, str]()
    survivors = run["survivors"].sort_by("account_id")
    columns = ("name", "placeholder", "account_id", "name_raw", "group_id")
    for name, placeholder, *record in zip(*(survivors[column].to_pylist() for column in columns), strict=True):
        owner = record[0] if placeholder else firsts.setdefault(name, record[0])
        owners[owner].append(Similar(None, *record))
    found = clusters(owners, _edges(run["edges"], firsts), threshold, policy)
    parts = [
        [record for one in ids for record in owners[one]]
        for ids in (*found.clusters, *([one] for one in found.outliers))
    ]
    together = sorted(
        (part for part in parts if len(part) >= SMALLEST), key=lambda part: (-len(part), part[0].account_id)
    )
    numbered = [record._replace(cluster=number) for number, part in enumerate(together, 1) for record in part]
    return [*numbered, *(record for part in parts if len(part) < SMALLEST for record in part)]


def _edges(edges: pa.Table, firsts: Mapping[int, str]) -> Iterator[Edge]:
    """Scores of names as those of the first records that have them."""
    for one, other, score in zip(*(edges[column].to_pylist() for column in ("a", "b", "score")), strict=True):
        if one in firsts and other in firsts:
            yield firsts[one], firsts[other], score
