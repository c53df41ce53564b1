"""Samples: deterministic, in input order, and spread over names."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.cli.sampling import SampleMode, choose, sample_random, sample_stratified

NAMES = st.lists(st.sampled_from("abcdefg"), max_size=40)
SIZE = st.integers(0, 50)
SEED = st.integers(0, 10)
Rows = list[tuple[int, str]]


def name_of(row: tuple[int, str]) -> str:
    return row[1]


@given(names=NAMES, size=SIZE, seed=SEED, mode=st.sampled_from(SampleMode))
def test_a_sample_is_a_part_of_the_input_in_its_order(names: list[str], size: int, seed: int, mode: SampleMode) -> None:
    rows: Rows = list(enumerate(names))
    sample = list(choose(iter(rows), size, mode, seed, name_of))
    assert sample == sorted(set(sample))
    assert set(sample) <= set(rows)
    assert len(sample) == min(size, len(rows))
    assert sample == list(choose(iter(rows), size, mode, seed, name_of))


@given(names=NAMES, size=SIZE, seed=SEED)
def test_no_name_repeats_before_all_have_appeared(names: list[str], size: int, seed: int) -> None:
    sample = sample_stratified(list(enumerate(names)), size, seed, name_of)
    available, taken = Counter(names), Counter(map(name_of, sample))
    rounds = max(taken.values(), default=0)
    assert all(taken[name] >= min(rounds - 1, available[name]) for name in available)


@pytest.mark.parametrize("mode", SampleMode)
def test_the_seed_decides(mode: SampleMode) -> None:
    rows: Rows = [(number, str(number % 50)) for number in range(1_000)]
    samples = {tuple(choose(rows, 20, mode, seed, name_of)) for seed in range(5)}
    assert len(samples) == 5


def test_every_row_is_equally_likely() -> None:
    hits = Counter(row for seed in range(2_000) for row in sample_random(range(10), 3, seed))
    assert all(500 < hits[row] < 700 for row in range(10))


def test_a_limit_alone_takes_the_first_rows_and_reads_no_more() -> None:
    source = iter(range(10))
    assert list(choose(source, 3, None, 0, str)) == [0, 1, 2]
    assert next(source) == 3


@pytest.mark.parametrize("mode", [None, *SampleMode])
def test_without_a_limit_everything_is_taken(mode: SampleMode | None) -> None:
    assert list(choose(range(5), None, mode, 0, str)) == [0, 1, 2, 3, 4]
