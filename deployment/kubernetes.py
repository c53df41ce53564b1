"""Kubernetes: what of `k8s/` follows from the declarations. Everything else there is written by hand, with kustomize.

One Deployment and disruption budget a stage; one autoscaler a stage, and another rule for those that ask a language
model over the network; one KafkaTopic a topic, one KafkaUser a stage.
"""

from collections.abc import Iterable, Iterator

from deployment.declared import stages
from deployment.rendering import headed, render
from deployment.scaling import RECOMMENDED, calls_of_a_pod, lag_threshold
from schemas.correction import FileSlice, TranscriptSource
from schemas.deduplication import ShardReady
from shared.broker.rights import Right, rights
from shared.broker.topics import USUAL_COPIES, topic_config
from shared.llm.gateway import Ask
from shared.pipelines import pipelines
from shared.runtime.declaration import Stage
from shared.service.process import longest_stop
from shared.service.wiring import uses_database
from shared.settings import EMBEDDED_PROVIDER, Settings

SPARE_SECONDS = 15
"""What Kubernetes grants beyond the longest stop, so that a kill is always a defect and never a matter of luck."""


def kubernetes_files() -> dict[str, str]:
    """Path → content of every generated manifest."""
    made = {
        "base/stages.yaml": ("stage.yaml", [_deployment(stage) for stage in stages()]),
        "components/keda/scaled-objects.yaml": ("scaled-object.yaml", [_scaled_object(stage) for stage in stages()]),
        "components/llm/scaling.yaml": (
            "vendor-scaling.yaml",
            [_vendor_scaling(stage) for stage in stages() if asks_vendor(stage)],
        ),
        "components/strimzi/topics.yaml": ("topic.yaml", list(_topics())),
        "components/strimzi/users.yaml": ("user.yaml", list(_users())),
    }
    return {f"k8s/{path}": headed(name, "".join(documents)) for path, (name, documents) in made.items()}


def resource_name(stage: Stage) -> str:
    """A name that Kubernetes and compose accept for a host as well."""
    return stage.full_name.replace(".", "-")


def grace_seconds() -> int:
    """What a stage is given from SIGTERM until it is killed."""
    return int(longest_stop(_settings().runtime)) + SPARE_SECONDS


def asks_vendor(stage: Stage) -> bool:
    """Whether it asks a language model as soon as one is named for all stages; others want a variable of their own."""
    named = Settings.load({"LLM_PROVIDER": "openai"}).llm
    return Ask in stage.resources.values() and named.provider_for(stage.name) != EMBEDDED_PROVIDER


def works_on_shards(stage: Stage) -> bool:
    """Whether its data lie in the storage of shards, and its work is done by worker processes."""
    return stage.reads.model is ShardReady


def reads_transcripts(stage: Stage) -> bool:
    """Whether it opens the files that its messages are about."""
    return stage.reads.model in {TranscriptSource, FileSlice}


def _settings() -> Settings:
    return Settings.load({})


def _deployment(stage: Stage) -> str:
    return render(
        "stage.yaml",
        name=resource_name(stage),
        pipeline=stage.pipeline,
        stage=stage.full_name,
        database=_boolean(uses_database([stage])),
        asks=_boolean(asks_vendor(stage)),
        shards=_boolean(works_on_shards(stage)),
        transcripts=_boolean(reads_transcripts(stage)),
        grace=grace_seconds(),
    )


def _scaled_object(stage: Stage) -> str:
    return render(
        "scaled-object.yaml",
        name=resource_name(stage),
        stage=stage.full_name,
        asks=_boolean(asks_vendor(stage)),
        topic=stage.reads.name,
        partitions=_settings().kafka.partitions,
        lag_threshold=lag_threshold(stage.full_name),
        **RECOMMENDED._asdict(),
    )


def _vendor_scaling(stage: Stage) -> str:
    return render("vendor-scaling.yaml", name=resource_name(stage), calls=calls_of_a_pod(_settings().llm.concurrency))


def _topics() -> Iterator[str]:
    kafka = _settings().kafka
    for pipeline in pipelines().values():
        for name, keeping in pipeline.keeping().items():
            config = topic_config(kafka, keeping, USUAL_COPIES)
            lines = "".join(f'{key}: "{value}"\n' for key, value in config.items())
            yield render("topic.yaml", topic=name, partitions=kafka.partitions, copies=USUAL_COPIES, config=lines)


def _users() -> Iterator[str]:
    granted = [right for pipeline in pipelines().values() for right in rights(pipeline)]
    for principal in dict.fromkeys(right.principal for right in granted):
        yield render(
            "user.yaml", name=principal, acls=_acls(right for right in granted if right.principal == principal)
        )


def _acls(granted: Iterable[Right]) -> str:
    return "".join(
        render("acl.yaml", operation=right.operation, kind=right.resource, name=right.name) for right in granted
    )


def _boolean(value: bool) -> str:
    return str(value).lower()
