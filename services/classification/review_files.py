"""Human decisions in files: many at once from a CSV or JSON-lines file, and as labels to train the model with."""

import csv
import json
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from schemas.enums import ReviewField
from services.classification.deciding import Made, Wish, checked_value, decide
from services.classification.human_reviews import Decision, Values, values_from
from services.classification.store import queries
from shared.database import Database, Executor, Record
from shared.errors import UsageError

PAGE = 500
LABELLED_FIELDS = (
    ReviewField.FAMILY,
    ReviewField.INDICATOR_TYPE,
    ReviewField.TEMPORAL_AGGREGATION,
    ReviewField.TIME_BASIS,
    ReviewField.HEAT_MAP_ORIENTATION,
    ReviewField.IS_CURRENCY_DENOMINATED,
)
"""What a label holds."""
_NOTHING = "null"
_FLAGS = {"true": True, "yes": True, "false": False, "no": False}


class Line(NamedTuple):
    """A row of a file of decisions: its number, and its columns."""

    number: int
    columns: Mapping[str, Any]


class Imported(NamedTuple):
    """What became of a file of decisions. `refused`: line number → why."""

    made: list[Made]
    refused: dict[int, str]


def from_text(field: ReviewField, text: str) -> object:
    """A value as written on a command line or in a CSV cell. What it means is checked later."""
    if field is ReviewField.IS_CURRENCY_DENOMINATED:
        return _FLAGS.get(text.lower(), text)
    if field is ReviewField.DETECTED_CURRENCY and text.lower() == _NOTHING:
        return None
    return text


def field_named(name: str) -> ReviewField:
    """The field of that name. Raises UsageError that lists them."""
    try:
        return ReviewField(name)
    except ValueError:
        raise UsageError(f"{name!r} is no field of a review", remedy=f"fields: {', '.join(ReviewField)}") from None


MAX_CELL = 131_072
"""Characters of a cell. A reason is a sentence; a longer cell is a quote that nobody closed."""


async def import_decisions(database: Database, path: Path, reviewer: str, *, force: bool) -> Imported:
    """Make the decisions of a file, each on its own: one that is refused keeps no other from being made."""
    done = Imported([], {})
    for line in _lines(path):
        try:
            done.made.append(await decide(database, _wish(line.columns, reviewer, force)))
        except UsageError as error:
            done.refused[line.number] = str(error).replace("\n", "; ")
    return done


def _lines(path: Path) -> Iterator[Line]:
    try:
        if path.suffix == ".csv":
            yield from _csv_lines(path)
        elif path.suffix == ".jsonl":
            yield from _json_lines(path)
        else:
            raise UsageError(f"{path} is neither .csv nor .jsonl", remedy="name the file after its format")
    except UnicodeDecodeError:
        raise UsageError(f"{path} is not UTF-8", remedy="save it as UTF-8") from None
    except csv.Error as error:
        raise UsageError(f"{path}: its cells cannot be told apart ({error})", remedy="close every quote") from None


def _csv_lines(path: Path) -> Iterator[Line]:
    csv.field_size_limit(MAX_CELL)  # process-wide, so whoever read a file before may have left another one
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        for row in reader:
            yield Line(reader.line_num, {name: cell for name, cell in row.items() if name and cell})


def _json_lines(path: Path) -> Iterator[Line]:
    with path.open(encoding="utf-8-sig") as file:
        for number, text in enumerate(file, start=1):
            if not text.strip():
                continue
            try:
                columns = json.loads(text)
            except ValueError as error:
                columns = {"broken": f"not JSON: {error}"}
            except RecursionError:
                columns = {"broken": "not JSON that can be read: nested too deeply"}
            yield Line(number, columns if isinstance(columns, dict) else {"broken": "not a JSON object"})


def _wish(columns: Mapping[str, Any], reviewer: str, force: bool) -> Wish:
    """A decision as a line words it: fields in `fields` or a `label`, else in columns of their own."""
    if "broken" in columns:
        raise UsageError(str(columns["broken"]))
    given = columns.get("fields", columns.get("label"))
    fields = _given_fields(given) if given is not None else _own_columns(columns)
    wanted = columns.get("decision") or (Decision.CORRECT if fields else Decision.ACCEPT)
    if wanted not in list(Decision):  # which may hold anything, even what has no hash
        raise UsageError(f"the decision cannot be {wanted!r}", remedy=f"give one of: {', '.join(Decision)}")
    if (wanted == Decision.CORRECT) != bool(fields):
        raise UsageError("a correction needs fields, and accepting needs none")
    if not columns.get("indicator_id"):
        raise UsageError("the line has no indicator_id")
    return Wish(
        indicator_id=_storable("indicator_id", columns["indicator_id"]),
        fields=fields,
        reviewer=_storable("reviewer", columns.get("reviewer") or reviewer),
        reason=_storable("reason", columns.get("reason") or ""),
        force=force,
    )


def _storable(name: str, value: object) -> str:
    """Text as the database can hold it. JSON can spell halves of characters, and the character NUL."""
    text = str(value)
    if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise UsageError(f"the {name} has characters that cannot be stored", remedy="write it as plain text")
    return text


def _given_fields(given: object) -> Values:
    values = _spelt(given) if isinstance(given, str) and given.startswith("{") else given
    if not isinstance(values, dict):
        raise UsageError("fields must be an object", remedy='such as {"family": "price-value"}')
    # A label also says how certain it is and what else would do; neither is a value.
    names = [name for name in values if name not in {"certainty", "accept"}]
    return {field_named(name): checked_value(field_named(name), values[name]) for name in names}


def _spelt(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _own_columns(columns: Mapping[str, Any]) -> Values:
    values = {field: columns[field.value] for field in ReviewField if field.value in columns}
    return {
        field: checked_value(field, from_text(field, value) if isinstance(value, str) else value)
        for field, value in values.items()
    }


async def labels(executor: Executor) -> AsyncIterator[str]:
    """Every decision that stands as a labelled row: the record as submitted, with a `label`; JSON, one line each."""
    last = 0
    while rows := await executor.fetch(queries()["reviewed_records"], last, PAGE):
        for row in rows:
            yield json.dumps(_labelled(row), ensure_ascii=False)
        last = rows[-1]["id"]


def _labelled(row: Record) -> dict[str, Any]:
    values = values_from(row["values"])
    label = {field.value: values[field] for field in LABELLED_FIELDS}
    record = json.loads(row["payload"]) if row["payload"] else {"name": row["name"], "units": row["units"]}
    record.pop("label", None)
    return {**record, "indicator_id": row["indicator_id"], "label": {**label, "certainty": "high", "accept": []}}
