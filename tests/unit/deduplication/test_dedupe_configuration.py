"""Files that say how a run decides: over a profile, or refused with what may be said."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from services.deduplication.commands.rules import rules as print_rules
from services.deduplication.configuration import read_ranks, read_rules, read_templates
from services.deduplication.inputs.columns import Template
from services.deduplication.rules import Rules
from shared.errors import UsageError
from tests.unit.deduplication.runs import named, review, together

WIDER = "medium = 80\n[scoring]\nsuffix_penalty = 2\n[names]\nsuffix_classes = {}\n"


def kept(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_a_file_says_what_differs_from_a_profile(tmp_path: Path) -> None:
    rules = read_rules(kept(tmp_path / "rules.toml", WIDER))
    assert (rules.medium, rules.scoring.suffix_penalty, rules.names.suffix_classes) == (80, 2, {})
    assert (rules.high, rules.scoring.gate, rules.names.terms) == (92, 76, Rules().names.terms)
    assert rules.digest() != Rules().digest()
    aliases = kept(tmp_path / "rules.json", '{"names": {"terms": {"krankenhaus": "hospital"}}}')
    names = "Zentrix Krankenhaus", "Zentrix Hospital"
    assert (together(*names), together(*names, rules=read_rules(aliases))) == (False, True)


def test_previews_show_any_columns_also_those_that_have_a_meaning() -> None:
    rules = Rules(preview_fields=("MAIN COUNTRY", "relationship"))
    rows = named("Zentrix", "Zentrix", relationship=["Company Name on W-2", "Other/Miscellaneous"])
    rows[1]["Main Country"] = "US"
    fields = json.loads(review(rows, rules)[0]["merge_preview_json"])["fields"]
    assert fields["MAIN COUNTRY"]["alternatives"] == ["US"]
    assert fields["relationship"]["alternatives"] == ["Other/Miscellaneous"]


@pytest.mark.parametrize("profile", ["balanced", "strict", "general", "screening"])
def test_what_is_printed_is_read_as_the_profile(tmp_path: Path, profile: str) -> None:
    printed = CliRunner().invoke(print_rules, [profile], catch_exceptions=False).output
    assert read_rules(kept(tmp_path / "rules.json", printed)) == read_rules(
        None, Rules.model_validate_json(printed).profile
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"colour": 1}', "no rule colour\n.*medium"),
        ('{"scoring": {"gaet": 1}}', r"no rule scoring\.gaet\n.*gate"),
        ('{"medium": "high"}', r"rules\.json: medium: .*integer"),
        ('{"blocking": {"stop_tokens": [" "]}}', r"rules\.json: blocking\.stop_tokens\.0: "),
        ('{"other_rank": 40000}', r"rules\.json: other_rank: "),
        ('{"scoring": 5}', r"rules\.json: scoring: "),
        ('{"profile": "usual"}', "no profile 'usual'\n.*balanced"),
        ('{"profile": "general"}', "is about profile general, not strict"),
        ("[]", "holds no rules"),
        ("{", "cannot be read"),
    ],
)
def test_rules_that_cannot_be_are_refused(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        read_rules(kept(tmp_path / "rules.json", text), "strict")


def test_templates_and_ranks_are_read_or_refused(tmp_path: Path) -> None:
    good = '[{"file_name": "^export_", "aliases": {"account_name": ["Firm"]}}]'
    assert read_templates(kept(tmp_path / "a.json", good)) == [
        Template(file_name="^export_", aliases={"account_name": ("Firm",)})
    ]
    for bad, told in (("(", "regular expression"), ("account_name", "no column that can be mapped")):
        text = good.replace("^export_", bad) if bad == "(" else good.replace(bad, "colour")
        with pytest.raises(UsageError, match=told):
            read_templates(kept(tmp_path / "a.json", text))
    assert read_ranks(kept(tmp_path / "a.json", '{"Company Logo": 5}')) == {"Company Logo": 5}
    with pytest.raises(UsageError, match="write a JSON object"):
        read_ranks(kept(tmp_path / "a.json", '["Company Logo"]'))
