"""The file that is shipped, what it needs to run, and how it is made."""

import subprocess
import sys
from pathlib import Path
from threading import Thread

import numpy as np
import pytest

from schemas.classification import FamilyAssignment
from schemas.enums import Family, IndicatorType
from schemas.taxonomy import TAXONOMY, is_legal
from services.classification.model import EmbeddedModel
from services.classification.model.cache import AnswerCache
from services.classification.model.dataset import SUPPLEMENT, facts_of_record, read_labelled
from services.classification.model.features import Facts, Features
from services.classification.model.labels import (
    AGGREGATIONS_OF_PAIR,
    HEADS,
    PAIRS,
    PAIRS_OF_FAMILY,
    WIDTH,
    columns,
    possible_aggregations,
)
from services.classification.model.linear import FORMAT, LinearMap, load, save
from services.classification.model.model import ARTEFACT, TypeQuestion

pytest.importorskip("scipy")

from services.classification.model.train import predict, supplement, train

_ROOT = Path(__file__).parents[3]
_FACTS = [facts_of_record(row.record) for row in read_labelled()[:200]]


def test_the_file_is_small_and_holds_plain_arrays() -> None:
    assert ARTEFACT.stat().st_size < 5_000_000
    weights, meta = load(ARTEFACT.read_bytes())
    assert meta["format"] == FORMAT
    assert weights.table.shape == (len(weights.names), WIDTH)
    assert weights.table.dtype == np.int8
    assert weights.mixing.shape == (WIDTH, WIDTH)


def test_the_name_says_which_file_answered(tmp_path: Path) -> None:
    model = EmbeddedModel.load()
    assert model.name.startswith("sluice-linear-1+")
    model.save(tmp_path / "copy.npz", name="other")
    assert EmbeddedModel.load(tmp_path / "copy.npz").name.startswith("other+")


def test_another_format_is_refused(tmp_path: Path) -> None:
    weights, _ = load(ARTEFACT.read_bytes())
    save(tmp_path / "new.npz", weights, {"name": "x", "format": FORMAT + 1})
    with pytest.raises(ValueError, match="format"):
        EmbeddedModel.load(tmp_path / "new.npz")


def test_running_needs_no_training_tools() -> None:
    code = (
        "import sys; from services.classification.model import EmbeddedModel; EmbeddedModel.load(); "
        "print([name for name in ('scipy', 'sklearn', 'threadpoolctl', 'joblib') if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=_ROOT)
    assert found.stdout.strip() == "[]"


def test_an_answer_depends_neither_on_the_batch_nor_on_what_was_asked_before() -> None:
    one, other = EmbeddedModel.load(), EmbeddedModel.load()
    together = one.families(_FACTS)
    assert together == [other.families([facts])[0] for facts in reversed(_FACTS)][::-1]
    assert together == one.families(_FACTS)


def test_an_answer_does_not_depend_on_the_process() -> None:
    code = (
        "from services.classification.model import EmbeddedModel; "
        "from services.classification.model.dataset import facts_of_record, read_labelled; "
        "print(EmbeddedModel.load().families([facts_of_record(row.record) for row in read_labelled()[:200]]))"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            cwd=_ROOT,
            env={"PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    }
    assert len(said) == 1


def test_threads_get_the_same_answers() -> None:
    model = EmbeddedModel.load()
    expected = EmbeddedModel.load().families(_FACTS)
    found: list[list[FamilyAssignment]] = []
    threads = [Thread(target=lambda: found.append(model.families(_FACTS))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [expected] * 4


def test_words_beyond_the_table_are_summed_in_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.classification.model.linear.MOST_WORDS", 1)
    weights, _ = load(ARTEFACT.read_bytes())
    full, roomy = LinearMap(weights), EmbeddedModel.load()._map
    features = Features(("exports", "government", "unemployment"), {"um:percent"})
    assert full.logits([full.known(features)]) == pytest.approx(roomy.logits([roomy.known(features)]), abs=1e-4)


def test_an_item_without_known_features_gets_the_prior() -> None:
    model = EmbeddedModel.load()
    [answer] = model.families([Facts(name="")])
    assert 0 < answer.confidence < 1
    assert answer.reasoning


def test_families_add_up_and_types_stay_within_them() -> None:
    model = EmbeddedModel.load()
    for facts, family in zip(_FACTS, model.families(_FACTS), strict=True):
        assert family.runner_up is not family.family
        for given in Family:
            [found] = model.types([TypeQuestion(facts, given)])
            assert is_legal(given, found.indicator_type)
            assert found.temporal_aggregation in possible_aggregations((given, found.indicator_type))


def test_the_heads_cover_the_columns_without_gap() -> None:
    assert [i for head in HEADS for i in range(columns(head).start, columns(head).stop)] == list(range(WIDTH))
    assert len(PAIRS) == len({pair for pair in TAXONOMY if pair[1] is not IndicatorType.OTHER}) + 1
    assert all(PAIRS_OF_FAMILY[family] for family in Family)


def test_the_default_aggregation_of_every_pair_is_possible() -> None:
    assert set(TAXONOMY) <= set(AGGREGATIONS_OF_PAIR)
    for pair, defaults in TAXONOMY.items():
        assert defaults.temporal_aggregation in possible_aggregations(pair)


def test_a_cache_asks_once_and_forgets_what_is_not_used() -> None:
    asked: list[int] = []

    def double(keys: object) -> list[int]:
        assert isinstance(keys, list)
        asked.extend(keys)
        return [2 * key for key in keys]

    cache = AnswerCache[int, int](double, capacity=2)
    assert cache.answers([1, 2, 1]) == [2, 4, 2]
    assert cache.answers([1]) == [2]
    assert asked == [1, 2]
    assert cache.answers([3, 4, 5]) == [6, 8, 10]
    assert cache.answers([6, 7]) == [12, 14]
    assert cache.answers([1]) == [2]
    assert asked == [1, 2, 3, 4, 5, 6, 7, 1]


def test_training_repeats_to_the_byte(tmp_path: Path) -> None:
    rows = read_labelled()[:250]
    for name in ("one.npz", "two.npz"):
        train(rows, held_out=read_labelled()).save(tmp_path / name, name="test")
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "two.npz").read_bytes()


def test_a_small_model_beats_a_guess_on_unseen_concepts() -> None:
    rows = read_labelled()
    model = train(rows[:300], held_out=rows)
    given = predict(model, rows[-200:])
    right = sum(found.family is row.label.family for found, row in zip(given, rows[-200:], strict=True))
    assert right > 120


def test_the_supplement_never_meets_a_concept_that_is_held_out() -> None:
    rows = read_labelled()
    ids = {row.record["indicator_id"] for row in rows}
    extra = read_labelled(SUPPLEMENT)
    assert not ids & {row.record["indicator_id"] for row in extra}
    assert len(supplement(rows, ())) == len(extra)
    held_out = [extra[0], extra[1]]
    kept = {row.record["indicator_id"] for row in supplement(rows, held_out)}
    assert not kept & {row.record["indicator_id"] for row in held_out}
