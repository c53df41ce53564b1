"""Every overlay is what Kubernetes and the operators accept, and has every stage that is declared."""

from collections import Counter

import kubernetes_validate
import pytest
from pydantic import ValidationError

from deployment.declared import stages
from deployment.kubernetes import asks_vendor, reads_transcripts, resource_name
from shared.broker.topics import topic_config
from shared.pipelines import pipelines
from shared.settings import Settings
from tests.unit.deployment import custom_resources
from tests.unit.deployment.rendered import OVERLAYS, VARIABLES, Resource, named, of_kind, overlay, settings_of

OLDEST_KUBERNETES = "1.31"
WITH_OPERATORS = ("staging", "prod", "prod-llm")
EVERY_STAGE = {resource_name(stage) for stage in stages()}

overlays = pytest.mark.parametrize("name", OVERLAYS)


@overlays
@pytest.mark.parametrize("version", [OLDEST_KUBERNETES, kubernetes_validate.latest_version()])
def test_kubernetes_accepts_every_resource(name: str, version: str) -> None:
    own = [resource for resource in overlay(name) if resource["kind"] not in custom_resources.KINDS]
    assert len(own) >= 2 * len(EVERY_STAGE)
    for resource in own:
        kubernetes_validate.validate(dict(resource), version, strict=True)


@pytest.mark.parametrize("name", WITH_OPERATORS)
def test_the_operators_accept_their_resources(name: str) -> None:
    theirs = [resource for resource in overlay(name) if resource["kind"] in custom_resources.KINDS]
    assert len(theirs) > 3 * len(EVERY_STAGE)
    for resource in theirs:
        custom_resources.validate(resource)


def test_a_setting_that_an_operator_does_not_know_is_refused() -> None:
    (one, *_) = of_kind("prod", "ScaledObject")
    with pytest.raises(ValidationError, match="cooldown"):
        custom_resources.validate({**one, "spec": {**one["spec"], "cooldown": 300}})


@overlays
def test_no_resource_is_there_twice(name: str) -> None:
    counted = Counter((resource["kind"], resource["metadata"]["name"]) for resource in overlay(name))
    assert set(counted.values()) == {1}


@overlays
def test_every_stage_is_deployed_and_may_be_disturbed_one_replica_at_a_time(name: str) -> None:
    deployed = named(name, "Deployment")
    assert set(deployed) == EVERY_STAGE | {"api", "tools"}
    assert set(named(name, "PodDisruptionBudget")) == EVERY_STAGE | {"api"}
    for stage in stages():
        (only,) = deployed[resource_name(stage)]["spec"]["template"]["spec"]["containers"]
        assert only["args"][:2] == ["run", stage.full_name]


@overlays
def test_stages_that_open_transcripts_read_them_from_a_volume(name: str) -> None:
    for stage in stages():
        pod = named(name, "Deployment")[resource_name(stage)]["spec"]["template"]["spec"]
        mounts = [mount for mount in pod["containers"][0]["volumeMounts"] if mount["name"] == "transcripts"]
        assert [mount["readOnly"] for mount in mounts] == [True] * reads_transcripts(stage)
    assert sum(map(reads_transcripts, stages())) == 2


@pytest.mark.parametrize("name", WITH_OPERATORS)
def test_every_stage_is_scaled_on_its_own_topic_and_group(name: str) -> None:
    scaled = named(name, "ScaledObject")
    assert set(scaled) == EVERY_STAGE
    for stage in stages():
        spec = scaled[resource_name(stage)]["spec"]
        assert spec["scaleTargetRef"]["name"] == resource_name(stage)
        assert spec["maxReplicaCount"] <= Settings.load({}).kafka.partitions, "more replicas than partitions are idle"
        for trigger in spec["triggers"]:
            if trigger["type"] == "kafka":
                told = trigger["metadata"]
                assert (told["topic"], told["consumerGroup"]) == (stage.reads.name, stage.full_name)


def test_stages_that_ask_a_vendor_do_not_follow_the_lag() -> None:
    for stage in stages():
        kinds = {
            trigger["type"] for trigger in named("prod-llm", "ScaledObject")[resource_name(stage)]["spec"]["triggers"]
        }
        assert kinds == ({"prometheus", "cpu"} if asks_vendor(stage) else {"kafka"})


@pytest.mark.parametrize("name", WITH_OPERATORS)
def test_topics_are_those_that_are_declared(name: str) -> None:
    declared = {topic: keeping for pipeline in pipelines().values() for topic, keeping in pipeline.keeping().items()}
    made = named(name, "KafkaTopic")
    assert set(made) == set(declared)
    kafka = Settings.load({}).kafka
    for topic, resource in made.items():
        spec = resource["spec"]
        assert spec["partitions"] == kafka.partitions
        assert spec["config"] == topic_config(kafka, declared[topic], spec["replicas"])
    assert "topics" not in named(name, "Job"), "two would make the topics"


@pytest.mark.parametrize("name", WITH_OPERATORS)
def test_a_stage_shows_its_own_certificate_and_may_do_what_it_has_to(name: str) -> None:
    users, deployed = named(name, "KafkaUser"), named(name, "Deployment")
    submitting = {f"{pipeline}.submit" for pipeline in pipelines()}
    assert set(users) == {stage.full_name for stage in stages()} | submitting | {"tools", "keda"}
    for stage in stages():
        acls = users[stage.full_name]["spec"]["authorization"]["acls"]
        granted = {(acl["resource"]["name"], what) for acl in acls for what in acl["operations"]}
        outputs = {topic.name for topic in (*stage.writes, stage.dead_letters) if topic is not stage.reads}
        inputs = {stage.reads.name, stage.retry_topic, stage.full_name}
        assert granted == {(one, "Read") for one in inputs} | {(one, "Write") for one in {*outputs, stage.retry_topic}}
        assert stage.full_name in secrets_in(deployed[resource_name(stage)])
    assert "classification.submit" in secrets_in(deployed["api"])
    assert "tools" in secrets_in(deployed["tools"])


def secrets_in(deployment: Resource) -> set[str]:
    """The secrets that are mounted into its pods."""
    volumes = deployment["spec"]["template"]["spec"]["volumes"]
    return {source["secret"]["name"] for volume in volumes for source in volume.get("projected", {}).get("sources", [])}


@overlays
def test_settings_are_known_and_right(name: str) -> None:
    told = settings_of(name)
    assert set(told) <= VARIABLES
    settings = Settings.load({**told, "OPENAI_API_KEY": "key", "SLUICE_DATABASE_URL": "postgresql://host/sluice"})
    assert not settings.embedded.enabled
    settings.llm.check(settings.llm.provider)
