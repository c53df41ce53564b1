"""Why two records are in one group, or why they are not."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from services.deduplication.evaluation.calibration import probability
from services.deduplication.inputs.account_ids import is_id, long_id
from services.deduplication.names.name import NO_SUFFIX
from services.deduplication.rules import Rules
from services.deduplication.steps.index import number_names
from services.deduplication.steps.keys import FAMILIES, name_keys
from services.deduplication.steps.pairs import Possible
from services.deduplication.steps.similarity import Scorer

Row = dict[str, Any]


@dataclass(frozen=True)
class Explanation:
    """The verdict in one sentence, and the facts behind it."""

    together: bool
    verdict: str
    records: tuple[Row, ...]
    shared_keys: list[str] = field(default_factory=list)
    edge: Row | None = None

    def with_probability(self, points: pa.Table) -> "Explanation":
        """The same, with what a calibration makes of the score, if there is one."""
        found = probability(points, self.edge["score"]) if self.edge else None
        return self if found is None else replace(self, edge={**(self.edge or {}), "probability": found})

    def as_dict(self) -> Row:
        """Plain values."""
        return asdict(self)


_SHOWN = ("account_id", "name_raw", "name_core", "suffix_class", "group_id", "group_join_reason", "join_path")


def explain(run: Mapping[str, pa.Table], id_a: str, id_b: str, rules: Rules) -> Explanation:
    """Explain two accounts, by ids of either length, from the artifacts survivors, audit, names, tokens, neighbours."""
    ids = [long_id(one) if is_id(one) else one for one in (id_a, id_b)]  # what is none may be in the audit
    a, b = (_row(run["survivors"], "account_id", account_id) for account_id in ids)
    if a is None or b is None:
        return _absent(run["audit"], ids, [a, b])
    shown = tuple({column: row[column] for column in _SHOWN} for row in (a, b))
    together = a["group_id"] == b["group_id"]
    if nobody := next((row["name_raw"] for row in (a, b) if row["placeholder"]), None):
        return Explanation(False, f"apart: {nobody!r} names no company, and such a record stays alone", shown)
    if a["name"] == b["name"] and not together:
        return Explanation(False, "apart: their list has this name more than once, and only its first is linked", shown)
    if a["name"] == b["name"]:
        how = "are spelt alike" if a["spelling"] == b["spelling"] else "have the same words and legal form"
        return Explanation(together, f"one group: the names {how}", shown)
    names = run["names"].take(pa.array([a["name"], b["name"]]))
    keys, edge = _shared_keys(names, run, rules), _edge(names, run, rules)
    return Explanation(together, _verdict(together, names, keys, edge, rules), shown, keys, edge)


def _row(table: pa.Table, column: str, value: str) -> Row | None:
    found = table.filter(pc.equal(table[column], value)).slice(0, 1).to_pylist()
    return found[0] if found else None


def _absent(audit: pa.Table, ids: list[str], rows: list[Row | None]) -> Explanation:
    facts = []
    for account_id, row in zip(ids, rows, strict=True):
        why = _row(audit, "account_id", account_id) or {"reason": "not in the input"}
        facts.append({"account_id": account_id, **(why if row is None else {"group_id": row["group_id"]})})
    missing = "; ".join(f"{fact['account_id']} is in no group: {fact['reason']}" for fact in facts if "reason" in fact)
    return Explanation(False, missing, tuple(facts))


def _shared_keys(names: pa.Table, run: Mapping[str, pa.Table], rules: Rules) -> list[str]:
    """The families of keys under which the two names meet."""
    keys = name_keys(names, run["tokens"], run["neighbours"], rules)
    hashes, owners = np.asarray(keys["key"]), np.asarray(keys["name"])
    common = np.isin(hashes, np.intersect1d(hashes[owners == 0], hashes[owners == 1]))
    return [FAMILIES[number] for number in np.unique(np.asarray(keys["family"])[common])]


def _edge(names: pa.Table, run: Mapping[str, pa.Table], rules: Rules) -> Row:
    return dict(scored_among(names, run, rules).to_pylist()[0])


def scored_among(names: pa.Table, run: Mapping[str, pa.Table], rules: Rules) -> pa.Table:
    """Every two of some names of a run, `a` and `b` being their places here, as the run would score them.

    `run` has the artifacts names and tokens.
    """
    few, tokens = number_names(names.select(["key", "name_core", "joined", "numbers"]))
    place = pc.index_in(tokens["token"], run["tokens"]["token"].combine_chunks())
    tokens = tokens.set_column(1, "frequency", run["tokens"]["frequency"].take(place))
    return Scorer(few, tokens, rules, run["names"].num_rows).scored(*np.triu_indices(names.num_rows, 1))


def _verdict(together: bool, names: pa.Table, keys: list[str], edge: Row, rules: Rules) -> str:
    score = edge["score"]
    if together:
        direct = (
            "the names are similar" if score >= rules.medium else "other names of the group lead from one to the other"
        )
        return f"one group: {direct} (score {score}); see the paths to the primary"
    one, other = names["suffix_class"].to_pylist()
    if rules.suffix_constraint and not edge["suffix_match"] and NO_SUFFIX not in (one, other):
        return f"apart: {one} and {other} are two legal forms, and a group holds one"
    if score < rules.medium:
        return f"apart: score {score} is below {rules.medium}"
    if not keys or not Possible(names, rules)(np.array([0]), np.array([1]))[0]:
        return f"apart: never compared, for they share no key, though their score would be {score}"
    return (
        f"apart: score {score} would do, but their groups may not merge: other legal forms, one source, or their size"
    )
