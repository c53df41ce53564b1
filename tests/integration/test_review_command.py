"""`sluice review` as a user runs it: what it prints, its exit codes, and that a name from outside steers nothing."""

import json
from pathlib import Path

import pytest

from schemas.classification import Opinion
from services.classification.model.dataset import read_labelled
from services.classification.model.train import with_labels
from shared.database import Database
from tests.integration.reviewed import reviewed, run
from tests.integration.seeded import NASTY
from tests.integration.sluice_command import Sluice, runner


@pytest.fixture
def sluice(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, database_url: str
) -> Sluice:
    variables = {"SLUICE_DATABASE_URL": database_url, "SLUICE_STATE_DIR": str(tmp_path / "state"), "COLUMNS": "200"}
    return runner(monkeypatch, capsys, tmp_path, variables)


async def test_from_the_list_to_a_label(sluice: Sluice, database: Database, tmp_path: Path) -> None:
    await run(database, "b", [reviewed("a"), reviewed("c", "Share of renters"), reviewed("nasty", NASTY)])

    listed = await sluice("review", "list", "--field", "family", "--json")
    assert [row["indicator_id"] for row in listed.json] == ["a", "c", "nasty"]
    tables = await sluice("review", "list")
    assert "no rule settles family" in tables.out
    shown = await sluice("review", "show", "nasty")
    for character in "\x1b\u202e\x9b":
        assert character not in tables.out + shown.out

    refused = await sluice("review", "correct", "a", "--set", "temporal_aggregation=period-total")
    assert (refused.code, "--force" in refused.err) == (2, True)
    wished = ("--set", "family=price-value", "--set", "indicator_type=rate", "--set", "detected_currency=null")
    corrected = await sluice("review", "correct", "a", *wished, "--set", "temporal_aggregation=period-average")
    assert (corrected.code, corrected.err) == (0, "")
    assert "a: corrected, family=price-value, indicator_type=rate" in corrected.out

    accepted = await sluice("review", "accept", "c", "missing", "--reviewer", "Anna", "--reason", "checked", "--json")
    assert accepted.code == 1
    assert [one["indicator_id"] for one in accepted.json["decisions"]] == ["c"]
    assert list(accepted.json["refused"]) == ["missing"]
    assert "c: accepted already" in (await sluice("review", "accept", "c")).out

    exported = await sluice("review", "export", "labels.jsonl")
    assert exported.out == "2 labelled row(s) in labels.jsonl\n"
    assert (await sluice("review", "export", "-")).out == (tmp_path / "labels.jsonl").read_text()
    assert [row.label.family for row in read_labelled(tmp_path / "labels.jsonl")] == [
        "price-value",
        "numeric-measurement",
    ]
    again = await sluice("review", "import", "labels.jsonl", "--json")
    assert [one["repeated"] for one in again.json["decisions"]] == [True, True]
    assert [row["indicator_id"] for row in (await sluice("review", "list", "--json")).json] == ["nasty"]


async def test_both_opinions_of_a_cascade_are_shown(sluice: Sluice, database: Database) -> None:
    prior = Opinion(provider="embedded", model="linear-1", values={"family": "temporal"}, confidence=0.3)
    await run(database, "b", [reviewed("a").model_copy(update={"family_prior": prior})])
    shown = " ".join((await sluice("review", "show", "a")).out.split())
    assert "family embedded linear-1 family=temporal 0.3" in shown
    assert "family what stands family=numeric-measurement 0.9" in shown
    assert (await sluice("review", "show", "a", "--json")).json["opinions"]["family"]["confidence"] == 0.3


async def test_one_in_full_as_json(sluice: Sluice, database: Database) -> None:
    await run(database, "b", [reviewed("a")], sample_values=[1, 2])
    shown = (await sluice("review", "show", "a", "--json")).json
    assert shown["record"]["sample_values"] == [1, 2]
    assert shown["values"]["family"] == "numeric-measurement"
    assert shown["reviews"]["final"]["reason"] == "no rule settles family"
    assert shown["rules"][0]["rule"] == 4


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("correct", "a", "--set", "family"), "names no value"),
        (("correct", "a", "--set", "colour=red"), "fields: time_basis"),
        (("correct", "a", "--set", "family=price"), "give one of: physical-fundamental"),
        (("correct", "a", "--set", "is_currency_denominated=perhaps"), "give true or false"),
        (("import", "labels.txt"), "neither .csv nor .jsonl"),
        (("show", "missing"), "has no classification"),
        (("export", "no/such/folder.jsonl"), "there is no folder"),
    ],
)
async def test_wrong_usage_is_one_sentence(
    sluice: Sluice, tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    (tmp_path / "labels.txt").touch()
    answer = await sluice("review", *arguments)
    assert answer.code == 2
    assert said in answer.err
    assert "Traceback" not in answer.err


async def test_every_subcommand_has_help_with_an_example(sluice: Sluice) -> None:
    for name in ("list", "show", "accept", "correct", "import", "export"):
        answer = await sluice("review", name, "--help")
        assert answer.code == 0
        assert "Example" in answer.out, name


def test_labels_of_people_win_over_rows_of_the_same_indicator(tmp_path: Path) -> None:
    def rows(*families: tuple[str, str]) -> Path:
        file = tmp_path / "rows.jsonl"
        label = {"indicator_type": "other"}
        lines = [{"indicator_id": key, "name": "x", "label": {**label, "family": family}} for key, family in families]
        file.write_text("".join(json.dumps(line) + "\n" for line in lines))
        return file

    shipped = read_labelled(rows(("a", "temporal"), ("b", "temporal")))
    people = read_labelled(rows(("b", "qualitative"), ("c", "qualitative")))
    assert [(row.record["indicator_id"], str(row.label.family)) for row in with_labels(shipped, people)] == [
        ("a", "temporal"),
        ("b", "qualitative"),
        ("c", "qualitative"),
    ]
