"""What each stage may do on the broker, and no more."""

import shlex

from services.classification.pipeline import CLASSIFICATION
from shared.broker.rights import commands, rights


def of(user: str) -> set[tuple[str, str, str]]:
    return {right[1:] for right in rights(CLASSIFICATION) if right.principal == user}


def test_a_stage_reads_what_it_reads_and_writes_what_it_writes() -> None:
    assert of("classification.boolean-review") == {
        ("Read", "topic", "classification.type"),
        ("Read", "topic", "classification.boolean-review.retry"),
        ("Read", "group", "classification.boolean-review"),
        ("Write", "topic", "classification.reviewed"),
        ("Write", "topic", "classification.contested"),
        ("Write", "topic", "classification.dead-letter"),
        ("Write", "topic", "classification.boolean-review.retry"),
    }


def test_the_stage_that_keeps_dead_letters_writes_none() -> None:
    assert ("Write", "topic", "classification.dead-letter") not in of("classification.dead-letter")
    assert ("Read", "topic", "classification.dead-letter") in of("classification.dead-letter")


def test_whoever_submits_writes_to_the_edge_alone() -> None:
    assert of("classification.submit") == {("Write", "topic", "indicators.ingest")}


def test_nothing_is_granted_that_is_not_declared() -> None:
    granted = rights(CLASSIFICATION)
    assert {right.name for right in granted if right.resource == "topic"} == set(CLASSIFICATION.topic_names())
    assert {right.name for right in granted if right.resource == "group"} == {
        stage.full_name for stage in CLASSIFICATION.stages
    }


def test_the_commands_say_the_same() -> None:
    granted = rights(CLASSIFICATION)
    said = set()
    for line in commands(granted):
        words = shlex.split(line)
        assert words[:3] == ["kafka-acls", "$@", "--add"]
        pairs = list(zip(words[3::2], words[4::2], strict=True))
        (_, principal), (_, operation), *things = pairs
        said |= {(principal.removeprefix("User:"), operation, kind.removeprefix("--"), name) for kind, name in things}
    assert said == {tuple(right) for right in granted}
