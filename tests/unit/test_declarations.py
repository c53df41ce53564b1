"""What is derived from the declarations can rely on them."""

import subprocess
import sys

import pytest

from schemas.base import Contract
from shared.errors import UsageError
from shared.pipelines import find_stage, pipelines
from shared.runtime.declaration import Pipeline
from shared.service.supervisor import spread

STAGES = [
    "normalize",
    "time",
    "scale",
    "currency",
    "cumulative",
    "join",
    "family",
    "type",
    "boolean-review",
    "final-review",
    "complete",
    "dead-letter",
]


def classification() -> Pipeline:
    return pipelines()["classification"]


def test_every_stage_of_classification_is_declared_in_order() -> None:
    assert [stage.name for stage in classification().stages] == STAGES


def test_every_topic_is_written_by_a_stage_or_by_users_and_has_a_meaning() -> None:
    pipeline = classification()
    written = {topic.name for stage in pipeline.stages for topic in stage.writes}
    for topic in pipeline.topics:
        assert topic.meaning
        assert topic.name in written | {pipeline.edge.name, pipeline.dead_letters.name}


def test_a_stage_never_reads_what_it_writes() -> None:
    for stage in classification().stages:
        assert stage.reads not in stage.writes


def test_only_the_first_stage_is_the_edge() -> None:
    assert [stage.name for stage in classification().stages if stage.edge] == ["normalize"]


def test_an_unknown_stage_is_answered_with_those_there_are() -> None:
    with pytest.raises(UsageError, match=r"classification\.family"):
        find_stage("classification.famly")


def test_a_pipeline_whose_packages_are_not_installed_is_left_out() -> None:
    program = "import sys; sys.modules['rapidfuzz'] = None; from shared.pipelines import pipelines; print(*pipelines())"
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "classification" in found.stdout.split()
    assert "correction" not in found.stdout.split()


def test_an_output_without_a_topic_is_a_mistake_of_the_stage() -> None:
    class Stray(Contract):
        """Belongs nowhere."""

    with pytest.raises(LookupError, match="Stray"):
        classification().find("join").output_for(Stray())


@pytest.mark.parametrize("processes", [1, 2, 5, 12, 40])
def test_stages_are_dealt_over_processes_without_loss(processes: int) -> None:
    dealt = spread(classification().stages, processes)
    assert sorted(stage.name for share in dealt for stage in share) == sorted(STAGES)
    assert len(dealt) == min(processes, len(STAGES))
    assert max(map(len, dealt)) - min(map(len, dealt)) <= 1
