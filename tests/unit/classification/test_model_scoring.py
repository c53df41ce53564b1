"""Folds, scoring and its report."""

from dataclasses import replace

import pytest

from schemas.enums import Family, IndicatorType, Orientation, TemporalAggregation, TimeBasis
from services.classification.model.dataset import Label, LabelledRow, labelled_row, read_labelled
from services.classification.model.evaluate import Prediction, Tally, judge, score, source_group
from services.classification.model.folds import concept_groups, concept_words, grouped_folds
from services.classification.model.report import render

_LABEL = Label(
    family=Family.NUMERIC_MEASUREMENT,
    indicator_type=IndicatorType.RATIO,
    temporal_aggregation=TemporalAggregation.POINT_IN_TIME,
    heat_map_orientation=Orientation.NEUTRAL,
    is_currency_denominated=False,
    time_basis=TimeBasis.POINT_IN_TIME,
    accept=((Family.PHYSICAL_FUNDAMENTAL, IndicatorType.BALANCE),),
)
_RIGHT = Prediction(
    family=Family.NUMERIC_MEASUREMENT,
    indicator_type=IndicatorType.RATIO,
    temporal_aggregation=TemporalAggregation.POINT_IN_TIME,
    heat_map_orientation=Orientation.NEUTRAL,
    is_currency_denominated=False,
    time_basis=TimeBasis.POINT_IN_TIME,
    confidence=0.9,
)


def test_a_right_answer_is_right_in_every_field() -> None:
    assert all(judge(_LABEL, _RIGHT).values())


def test_a_pair_that_the_label_accepts_counts_as_accepted_only() -> None:
    given = replace(_RIGHT, family=Family.PHYSICAL_FUNDAMENTAL, indicator_type=IndicatorType.BALANCE)
    verdicts = judge(_LABEL, given)
    assert (verdicts["family"], verdicts["pair"]) == (False, False)
    assert (verdicts["family_accepted"], verdicts["pair_accepted"]) == (True, True)


@pytest.mark.parametrize("alias", [IndicatorType.PERCENTAGE, IndicatorType.SHARE])
def test_names_of_numeric_levels_are_aliases(alias: IndicatorType) -> None:
    verdicts = judge(_LABEL, replace(_RIGHT, indicator_type=alias))
    assert (verdicts["pair"], verdicts["pair_accepted"], verdicts["pair_alias"]) == (False, False, True)


def test_price_and_rate_are_aliases_for_the_cost_of_money_only() -> None:
    price = replace(_LABEL, family=Family.PRICE_VALUE, indicator_type=IndicatorType.PRICE, accept=())
    as_rate = replace(_RIGHT, family=Family.PRICE_VALUE, indicator_type=IndicatorType.RATE)
    assert judge(price, as_rate)["pair_alias"]
    as_yield = replace(as_rate, indicator_type=IndicatorType.YIELD)
    assert not judge(price, as_yield)["pair_alias"]
    change = replace(_LABEL, family=Family.CHANGE_MOVEMENT, indicator_type=IndicatorType.RATE, accept=())
    assert not judge(change, as_rate)["pair_alias"]


@pytest.mark.parametrize(
    ("indicator_type", "expected", "given", "right"),
    [
        (IndicatorType.INDEX, "period-average", "point-in-time", True),
        (IndicatorType.INDEX, "period-average", "period-total", False),
        (IndicatorType.RATIO, "point-in-time", "not-applicable", True),
        (IndicatorType.RATIO, "point-in-time", "period-average", False),
        (IndicatorType.STOCK, "point-in-time", "period-average", False),
        (IndicatorType.FLOW, "period-total", "period-cumulative", False),
    ],
)
def test_aggregations_are_tolerated_by_type(
    indicator_type: IndicatorType, expected: str, given: str, right: bool
) -> None:
    label = replace(
        _LABEL, indicator_type=indicator_type, temporal_aggregation=TemporalAggregation(expected), accept=()
    )
    answer = replace(_RIGHT, indicator_type=indicator_type, temporal_aggregation=TemporalAggregation(given))
    assert judge(label, answer)["temporal_tolerant"] is right


def test_what_label_or_prediction_leave_out_is_not_scored() -> None:
    bare = Label(Family.TEMPORAL, IndicatorType.DURATION)
    verdicts = judge(bare, _RIGHT)
    assert "temporal" not in verdicts
    assert "orientation" not in verdicts
    assert "currency" not in verdicts
    assert "time_basis" not in verdicts


def _row(name: str, source: str = "IMF WEO") -> LabelledRow:
    return LabelledRow(record={"indicator_id": name, "name": name, "source": source}, label=_LABEL)


def test_report_counts_by_field_source_and_confidence() -> None:
    wrong = replace(_RIGHT, indicator_type=IndicatorType.COUNT, confidence=0.55)
    report = score([_row("a"), _row("b"), _row("c", "OECD")], [_RIGHT, wrong, _RIGHT])
    assert report.fields["pair"] == Tally(2, 3)
    assert report.by_source["IMF"]["pair"] == Tally(1, 2)
    assert report.by_source["OECD"]["pair"] == Tally(1, 1)
    assert report.confusion == [("numeric-measurement/ratio", "numeric-measurement/count", 1)]
    assert [(b.low, b.total, b.accuracy) for b in report.reliability] == [(0.5, 1, 0.0), (0.9, 2, 1.0)]
    assert report.brier == pytest.approx((2 * 0.1**2 + 0.55**2) / 3)
    assert report.calibration_error == pytest.approx((2 * 0.1 + 0.55) / 3)
    assert [miss.name for miss in report.worst] == ["b"]
    assert report.as_dict()["fields"]["pair"] == {"right": 2, "total": 3, "share": 0.6667}


def test_report_as_text_names_fields_sources_and_misses() -> None:
    wrong = replace(_RIGHT, indicator_type=IndicatorType.COUNT, confidence=0.55)
    text = render(score([_row("a"), _row("a bad one")], [_RIGHT, wrong]))
    for expected in ("2 rows", "orientation", "IMF", "Brier", "a bad one", "50.00 %"):
        assert expected in text


def test_an_empty_scoring_is_a_report_too() -> None:
    report = score([], [])
    assert (report.rows, report.brier, report.calibration_error) == (0, 0.0, 0.0)
    assert "0 rows" in render(report)


def test_sources_are_grouped_by_publisher_unless_the_label_says_who_wrote_it() -> None:
    assert source_group(_row("a", "World Bank: Doing Business")) == "World Bank"
    assert source_group(_row("a", "")) == "unknown"
    row = LabelledRow(record={"name": "a", "source": "OECD", "label_source": "human-corrected"}, label=_LABEL)
    assert source_group(row) == "human-corrected"


def test_concepts_leave_out_places_ages_sexes_and_brackets() -> None:
    assert concept_words("Kenya Literacy rate, adult female (% of females ages 15+)") == ["literacy", "rate", "adult"]
    assert concept_words("Exports in South Africa") == ["exports"]


def test_rows_that_share_a_head_or_a_name_are_one_group() -> None:
    groups = concept_groups(
        ["Consumer Price Index Food", "Consumer Price Index Housing", "Kenya Consumer Price Index", "GDP", "Uganda GDP"]
    )
    assert groups[0] == groups[1] == groups[2]
    assert groups[3] == groups[4] != groups[0]


@pytest.mark.parametrize("seed", [0, 7])
def test_no_concept_is_on_both_sides_of_a_fold(seed: int) -> None:
    rows = read_labelled()[:600]
    groups = concept_groups([row.name for row in rows])
    folds = grouped_folds(rows, 5, seed)
    for train, test in folds:
        assert not set(groups[train]) & set(groups[test])
        assert len(train) + len(test) == len(rows)
        assert abs(len(test) - len(rows) / 5) < 15
    assert sorted(i for _, test in folds for i in test) == list(range(len(rows)))


def test_folds_repeat_for_a_seed_and_differ_between_seeds() -> None:
    rows = read_labelled()[:300]
    once = [test.tolist() for _, test in grouped_folds(rows, 3, 1)]
    assert once == [test.tolist() for _, test in grouped_folds(rows, 3, 1)]
    assert once != [test.tolist() for _, test in grouped_folds(rows, 3, 2)]


def test_a_label_may_leave_out_all_but_the_pair() -> None:
    row = labelled_row({"name": "GDP", "label": {"family": "physical-fundamental", "indicator_type": "flow"}})
    assert row.label.temporal_aggregation is None
    assert row.label.certainty == "high"
    assert row.units == row.source == ""


@pytest.mark.parametrize("label", [{}, {"family": "none-such", "indicator_type": "flow"}])
def test_a_row_without_a_known_label_is_refused(label: dict[str, str]) -> None:
    with pytest.raises((KeyError, ValueError)):
        labelled_row({"name": "GDP", "label": label})
