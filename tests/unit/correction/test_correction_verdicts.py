"""What the correction says of each row: a status always, and the original wherever anything is in doubt."""

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from schemas.correction import Corrected, CorrectionStatus, Identified
from services.correction.correct import correct, corrected_texts
from services.correction.evaluate_command import evaluate_correction
from services.correction.evaluation import Gleu, is_repaired
from services.correction.labelled import read_labelled
from services.correction.passages import CorrectedPassage, Passage
from shared.errors import UsageError
from shared.llm.gateway import Ask, Down, EmbeddedProvider, Provider
from shared.llm.question import Answer, Question
from shared.runtime.outcome import Emit, Usage
from shared.settings import CorrectionSettings
from tests.transcripts import messages

OPENAI = Usage("openai", "gpt-4o-mini", 100, 50, 0.01)


class Scripted(Provider):
    """Answers what it is told, and remembers what it was shown."""

    def __init__(self, *answers: Answer[CorrectedPassage]) -> None:
        self.answers = answers
        self.shown: list[str] = []

    async def answer(self, question: Question[Any, Any], facts: Sequence[Any]) -> Sequence[Answer[Any] | Down]:
        self.shown += [fact.text for fact in facts if isinstance(fact, Passage)]
        return self.answers[: len(facts)]


def item(text: str | None, **more: Any) -> Identified:
    common = {"slice_id": "x", "file": "f", "session_id": "s", "message_index": 0, "line": 1, "message_type": "user"}
    known = {"extraction_id": "ext:1", "entity_id": "msg:1", "fingerprint": "f", "role": "user", "typed": True}
    return Identified.model_validate({**common, **known, "text": text, **more})


def outcome(text: str | None, provider: Provider | None = None, **settings: Any) -> Corrected:
    providers = {"embedded": EmbeddedProvider(), "openai": provider or EmbeddedProvider()}
    ask = Ask(providers, ["openai" if provider else ""])
    (found,) = asyncio.run(correct([item(text)], ask, CorrectionSettings(**settings)))
    assert isinstance(found, Emit)
    (message,) = found.messages
    assert isinstance(message, Corrected)
    return message


def test_a_correction_comes_out() -> None:
    found = outcome("please fix teh `teh` bug")
    assert (found.status, found.corrected) == (CorrectionStatus.CORRECTED, "please fix the `teh` bug")
    assert found.edits == (("teh", "the"),)
    assert found.text == "please fix teh `teh` bug"
    assert found.model_used.startswith("codespell-")


def test_a_text_without_mistakes_is_unchanged() -> None:
    found = outcome("please fix the bug in the parser")
    assert (found.status, found.corrected, found.reason) == (CorrectionStatus.UNCHANGED, None, "")


@pytest.mark.parametrize(
    ("text", "reason"), [("teh", "too-short"), ("```\nteh code\n```", "no-prose"), (None, "too-large")]
)
def test_what_is_not_to_be_corrected_says_why(text: str | None, reason: str) -> None:
    found = outcome(text)
    assert (found.status, found.reason, found.corrected) == (CorrectionStatus.SKIPPED, reason, None)


def test_blanks_around_and_inside_come_back() -> None:
    text = "\n\n  teh first   line\n\n    * wierd\t thing  \n\n"
    assert outcome(text).corrected == "\n\n  the first   line\n\n    * weird\t thing  \n\n"


def test_a_refused_answer_keeps_the_original_with_the_guard_as_its_reason() -> None:
    refused: Answer[CorrectedPassage] = Answer(None, OPENAI, "openai (gpt-4o-mini): negation: a negation must not")
    found = outcome("it does not find teh file", Scripted(refused))
    assert (found.status, found.reason, found.corrected) == (CorrectionStatus.KEPT_ORIGINAL, "negation", None)
    assert (found.tokens_in, found.correction_cost_usd) == (100, 0.01)


def test_without_an_answer_the_original_is_kept() -> None:
    nothing: Answer[CorrectedPassage] = Answer(None, OPENAI, "openai (gpt-4o-mini): no answer for this item")
    assert outcome("it does not find teh file", Scripted(nothing)).reason == "no-answer"


def test_what_appears_protected_in_the_whole_text_is_compared_once_more() -> None:
    sly = Answer(CorrectedPassage(text="see src/ ⟦1⟧ for it all"), OPENAI)
    found = outcome("see src/teh/file.py for it all", Scripted(sly))
    assert (found.status, found.reason) == (CorrectionStatus.KEPT_ORIGINAL, "protected")


def test_code_and_secrets_never_leave() -> None:
    text = "login with password: 'correcthorsebattery' as in `teh code` fails on me"
    provider = Scripted(Answer(CorrectedPassage(text="x"), OPENAI))
    outcome(text, provider)
    (shown,) = provider.shown
    assert "horse" not in shown
    assert "teh code" not in shown
    outcome(text, provider, redact_secrets=False)
    assert "correcthorsebattery" in provider.shown[1]


def test_a_pre_pass_sends_what_the_dictionary_left_and_keeps_what_it_repaired() -> None:
    refused: Answer[CorrectedPassage] = Answer(None, OPENAI, "openai (gpt-4o-mini): rewrite: words were replaced")
    provider = Scripted(refused)
    found = outcome("it have not find teh file", provider, pre_pass=True)
    assert provider.shown == ["it have not find the file"]
    assert (found.status, found.reason) == (CorrectionStatus.CORRECTED, "in part: rewrite")
    assert found.corrected == "it have not find the file"


def test_a_long_text_is_corrected_in_parts_and_a_refused_part_stays() -> None:
    text = "\n\n".join([words * 300 for words in ("teh one ", "teh other ", "teh last ")])
    first, last = (CorrectedPassage(text=(words * 300).strip()) for words in ("the one ", "the last "))
    refused: Answer[CorrectedPassage] = Answer(None, OPENAI, "x: length: y")
    found = outcome(text, Scripted(Answer(first, OPENAI), refused, Answer(last, OPENAI)))
    assert found.corrected == text.replace("teh one", "the one").replace("teh last", "the last")
    assert (found.status, found.reason) == (CorrectionStatus.CORRECTED, "in part: length")
    assert found.tokens_in == 300


def test_a_thousand_messages_with_code() -> None:
    typed = messages(1000, seed=3)
    texts = [message.text for message in typed]
    ask = Ask({"embedded": EmbeddedProvider()}, [""] * len(texts))
    found = asyncio.run(corrected_texts(texts, ask, CorrectionSettings()))
    after = [verdict.text or text for (verdict, _), text in zip(found, texts, strict=True)]
    assert all(part in text for message, text in zip(typed, after, strict=True) for part in message.code)
    wrong = [place for place, message in enumerate(typed) if message.text != message.right]
    repaired = sum(after[place] == typed[place].right for place in wrong)
    assert len(wrong) > 500
    assert repaired >= 0.9 * len(wrong)
    assert all(after[place] == message.text for place, message in enumerate(typed) if message.text == message.right)


def test_real_typos_are_repaired_at_least_as_codespell_does_and_nothing_else_is_touched() -> None:
    path = Path(__file__).parents[2] / "data" / "oss_typos.jsonl"
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    sources, targets = [row["source"] for row in rows], [row["target"] for row in rows]
    ask = Ask({"embedded": EmbeddedProvider()}, [""] * 2 * len(rows))
    found = asyncio.run(corrected_texts([*sources, *targets], ask, CorrectionSettings()))
    after = [verdict.text or text for (verdict, _), text in zip(found, [*sources, *targets], strict=True)]
    repaired = sum(
        is_repaired(row["source"], text, wrong, right)
        for row, text in zip(rows, after, strict=False)
        for wrong, right in row["edits"]
    )
    assert repaired >= 111  # of 186; codespell 2.4.3 repairs 107
    assert all(span in text for row, text in zip(rows, after, strict=False) for span in row["protected"])
    changed = [row["id"] for row, text in zip(rows, after[len(rows) :], strict=True) if text != row["target"]]
    assert len(changed) <= 3  # misspellings that were left in the targets


def test_gleu_rewards_repairs_and_punishes_what_is_left() -> None:
    source, right = "this are a small test of it", "this is a small test of it"
    repaired, left = Gleu(), Gleu()
    repaired.add(source, right, [right])
    left.add(source, source, [right])
    assert repaired.value == pytest.approx(1.0)
    assert left.value is not None
    assert left.value < 0.7
    assert Gleu().value is None


@pytest.mark.parametrize("row", ["x", "{}", '{"source": "a", "edits": "abc"}', '{"source": "a", "protected": 5}'])
def test_a_row_that_is_no_labelled_text_is_named(row: str, tmp_path: Path) -> None:
    (path := tmp_path / "labelled.jsonl").write_text(f'{{"source": "a"}}\n{row}\n')
    with pytest.raises(UsageError, match=r"labelled.jsonl, line 2 is no labelled text: "):
        read_labelled(path)


def test_an_evaluation_shows_its_misses_under_headings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    clean = "this line has a seperate mistake left in it"
    rows = [
        {"source": "please fix teh fnord", "edits": [["teh", "the"], ["fnord", "fjord"]]},
        {"source": clean, "refs": [clean, clean], "protected": ["line"], "tier": "gold"},
    ]
    Path("labelled.jsonl").write_text("\n".join(map(json.dumps, rows)))
    told = CliRunner().invoke(evaluate_correction, ["labelled.jsonl"], catch_exceptions=False).output
    assert "1 of 2" in told
    assert told.index("Clean texts changed") < told.index(clean.replace("seperate", "separate"))
    assert told.index("Not repaired") < told.index("fnord")
    report = json.loads(CliRunner().invoke(evaluate_correction, ["labelled.jsonl", "--json"]).output)
    assert report["missed"] == [["fnord", "fjord"]]
    assert report["scores"]["gold"]["clean_changed"] == report["scores"]["gold"]["protected_kept"] == 1
