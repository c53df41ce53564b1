"""The settings that the manifests have: what the simulation of a day promises of them, and the rules it plays by."""

import numpy as np
import pytest

from deployment.declared import stages
from deployment.scaling import CLEAR_SECONDS, Scaling, lag_threshold, records_a_second
from tests.benchmarks.autoscaler.__main__ import SEED, by_lag, fixed
from tests.benchmarks.autoscaler.scaler import PARTITIONS, Replicas, Rules, Scaler
from tests.benchmarks.autoscaler.simulation import Course, simulate
from tests.benchmarks.autoscaler.traffic import STEPS, day
from tests.benchmarks.autoscaler.vendor import work_off

AGE_SECONDS = 300
"""The aim: of a hundred items, ninety-nine are completed within five minutes, whatever the day brings."""


def test_items_are_completed_in_time(recommended: Course) -> None:
    assert recommended.age(0.99) <= AGE_SECONDS
    assert recommended.completed.sum() == pytest.approx(recommended.arrived.sum())
    assert recommended.lag[:, -1].max() == pytest.approx(0)


def test_they_cost_little_more_than_one_replica_each_and_a_fraction_of_all(recommended: Course) -> None:
    hours = STEPS * 5 / 3600 * len(recommended.stages)
    assert recommended.pod_hours < 1.5 * hours
    assert recommended.replicas.max() <= PARTITIONS


def test_slower_ones_would_not_do() -> None:
    assert simulate(day(SEED), by_lag(6 * CLEAR_SECONDS), SEED).age(0.99) > AGE_SECONDS


def test_a_course_can_be_told_again() -> None:
    morning = day(SEED)[:2_000]
    one, other = (simulate(morning, by_lag(CLEAR_SECONDS), SEED) for _ in range(2))
    assert np.array_equal(one.replicas, other.replicas)
    assert np.array_equal(one.completed, other.completed)


def test_enough_replicas_leave_no_lag() -> None:
    course = simulate(day(SEED)[:500], fixed(PARTITIONS), SEED)
    assert course.lag.max() == 0
    assert course.pauses == 0


def test_replicas_double_once_a_minute_at_the_most() -> None:
    scaler = Scaler(Rules(threshold=10, even=False))
    assert [scaler.look(now, 1_000) for now in (0, 15, 30, 45, 60, 120, 180, 240)] == [2, 2, 2, 2, 4, 8, 12, 12]


def test_they_go_one_by_one_when_it_has_been_calm_for_a_while() -> None:
    scaler = Scaler(Rules(10, Scaling(up_percent=1_100, down_window=60, down_period=30), even=False))
    assert scaler.look(0, 40) == 4
    assert [scaler.look(now, 0) for now in range(15, 166, 15)] == [4, 4, 4, 4, 3, 3, 2, 2, 1, 1, 1]


def test_partitions_are_shared_evenly() -> None:
    scaler = Scaler(Rules(10, Scaling(up_percent=1_100)))
    assert scaler.look(0, 50) == 6


def test_a_group_stops_when_a_replica_comes() -> None:
    replicas = Replicas(1)
    replicas.scale_to(2, now=0)
    assert replicas.running == 2
    assert replicas.capacity(20, 5) == 5, "it is not there yet"
    assert replicas.capacity(25, 5) == 0
    assert replicas.capacity(30, 5) == 10


def test_more_replicas_buy_no_more_calls_from_a_vendor() -> None:
    by_lag_of_items, by_calls = work_off(3_000, by_lag=True), work_off(3_000, by_lag=False)
    assert by_calls.minutes <= by_lag_of_items.minutes
    assert by_calls.pod_hours < by_lag_of_items.pod_hours / 2
    assert by_calls.most_replicas == 1


def test_replicas_follow_the_calls_that_a_vendor_allows() -> None:
    assert work_off(30_000, by_lag=False).most_replicas > 1
    assert work_off(30_000, by_lag=False).minutes < work_off(3_000, by_lag=False).minutes / 2


def test_thresholds_follow_what_was_recorded() -> None:
    for stage in stages():
        assert lag_threshold(stage.full_name) == pytest.approx(
            CLEAR_SECONDS * records_a_second(stage.full_name), rel=0.05
        )
    assert records_a_second("never.measured") == min(records_a_second(stage.full_name) for stage in stages())
