"""What KEDA, Strimzi and Prometheus' operator accept, as far as Sluice uses it; written from their documentation.

A field that is not named here is refused: better a line more here than a setting that is ignored in the cluster.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from pydantic.alias_generators import to_camel

Text = Annotated[str, StringConstraints(min_length=1)]
Count = Annotated[int, Field(ge=1)]
Flag = Literal["true", "false"]
Number = Annotated[str, StringConstraints(pattern=r"^\d+$")]
Duration = Annotated[str, StringConstraints(pattern=r"^\d+(ms|s|m|h)$")]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$", max_length=253)]


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, alias_generator=to_camel)


class Metadata(Strict):
    name: Name
    namespace: Text
    labels: dict[str, str] = {}


class KafkaTrigger(Strict):
    bootstrap_servers_from_env: Text
    consumer_group: Text
    topic: Text
    lag_threshold: Number
    activation_lag_threshold: Number
    offset_reset_policy: Literal["earliest"]
    allow_idle_consumers: Literal["false"]
    scale_to_zero_on_invalid_offset: Literal["false"]
    exclude_persistent_lag: Literal["true"]
    limit_to_partitions_with_lag: Literal["true"]
    ensure_even_distribution_of_partitions: Flag
    tls: Literal["enable", "disable"] = "disable"


class PrometheusTrigger(Strict):
    server_address: Annotated[str, StringConstraints(pattern=r"^https?://")]
    query: Text
    threshold: Number


class CpuTrigger(Strict):
    value: Number


class Reference(Strict):
    name: Name


class OfKafka(Strict):
    type: Literal["kafka"]
    metric_type: Literal["AverageValue"]
    metadata: KafkaTrigger
    authentication_ref: Reference | None = None


class OfPrometheus(Strict):
    type: Literal["prometheus"]
    metric_type: Literal["AverageValue"]
    metadata: PrometheusTrigger


class OfCpu(Strict):
    type: Literal["cpu"]
    metric_type: Literal["Utilization"]
    metadata: CpuTrigger


class Policy(Strict):
    type: Literal["Pods", "Percent"]
    value: Count
    period_seconds: Annotated[int, Field(ge=1, le=1800)]


class Rules(Strict):
    stabilization_window_seconds: Annotated[int, Field(ge=0, le=3600)]
    policies: Annotated[list[Policy], Field(min_length=1)]


class Behavior(Strict):
    scale_up: Rules
    scale_down: Rules


class Autoscaler(Strict):
    behavior: Behavior


class Advanced(Strict):
    horizontal_pod_autoscaler_config: Autoscaler


class Fallback(Strict):
    failure_threshold: Count
    replicas: Count
    behavior: Literal["static", "currentReplicas", "currentReplicasIfHigher", "currentReplicasIfLower"]


class ScaledObjectSpec(Strict):
    scale_target_ref: Reference
    polling_interval: Count
    cooldown_period: Count
    min_replica_count: Annotated[int, Field(ge=0)]
    max_replica_count: Count
    fallback: Fallback
    advanced: Advanced
    triggers: Annotated[
        list[Annotated[OfKafka | OfPrometheus | OfCpu, Field(discriminator="type")]], Field(min_length=1)
    ]


class ScaledObject(Strict):
    api_version: Literal["keda.sh/v1alpha1"]
    kind: Literal["ScaledObject"]
    metadata: Metadata
    spec: ScaledObjectSpec


class SecretTarget(Strict):
    parameter: Literal["ca", "cert", "key"]
    name: Name
    key: Text


class TriggerAuthenticationSpec(Strict):
    secret_target_ref: list[SecretTarget]


class TriggerAuthentication(Strict):
    api_version: Literal["keda.sh/v1alpha1"]
    kind: Literal["TriggerAuthentication"]
    metadata: Metadata
    spec: TriggerAuthenticationSpec


class KafkaTopicSpec(Strict):
    partitions: Count
    replicas: Annotated[int, Field(ge=1, le=32767)]
    config: dict[Text, str]


class KafkaTopic(Strict):
    api_version: Literal["kafka.strimzi.io/v1"]
    kind: Literal["KafkaTopic"]
    metadata: Metadata
    spec: KafkaTopicSpec


class AclResource(Strict):
    type: Literal["topic", "group", "cluster", "transactionalId"]
    name: Text
    pattern_type: Literal["literal", "prefix"]


class Acl(Strict):
    operations: list[
        Literal["Read", "Write", "Create", "Delete", "Alter", "Describe", "DescribeConfigs", "AlterConfigs", "All"]
    ]
    resource: AclResource


class Authentication(Strict):
    type: Literal["tls", "scram-sha-512"]


class Authorization(Strict):
    type: Literal["simple"]
    acls: Annotated[list[Acl], Field(min_length=1)]


class KafkaUserSpec(Strict):
    authentication: Authentication
    authorization: Authorization


class KafkaUser(Strict):
    api_version: Literal["kafka.strimzi.io/v1"]
    kind: Literal["KafkaUser"]
    metadata: Metadata
    spec: KafkaUserSpec


class Expression(Strict):
    key: Text
    operator: Literal["In", "NotIn", "Exists", "DoesNotExist"]
    values: list[str] = []


class Selector(Strict):
    match_labels: dict[str, str] = {}
    match_expressions: list[Expression] = []


class Endpoint(Strict):
    port: Text
    path: Literal["/metrics"]
    interval: Duration


class PodMonitorSpec(Strict):
    selector: Selector
    pod_metrics_endpoints: Annotated[list[Endpoint], Field(min_length=1)]


class PodMonitor(Strict):
    api_version: Literal["monitoring.coreos.com/v1"]
    kind: Literal["PodMonitor"]
    metadata: Metadata
    spec: PodMonitorSpec


class Rule(Strict):
    """`promtool` looks at the expressions."""

    record: Text | None = None
    alert: Text | None = None
    expr: Text | int
    for_: Annotated[Duration | None, Field(alias="for")] = None
    keep_firing_for: Duration | None = None
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}


class Group(Strict):
    name: Text
    interval: Duration | None = None
    rules: list[Rule]


class PrometheusRuleSpec(Strict):
    groups: list[Group]


class PrometheusRule(Strict):
    api_version: Literal["monitoring.coreos.com/v1"]
    kind: Literal["PrometheusRule"]
    metadata: Metadata
    spec: PrometheusRuleSpec


KINDS: dict[str, type[Strict]] = {
    "ScaledObject": ScaledObject,
    "TriggerAuthentication": TriggerAuthentication,
    "KafkaTopic": KafkaTopic,
    "KafkaUser": KafkaUser,
    "PodMonitor": PodMonitor,
    "PrometheusRule": PrometheusRule,
}


def validate(resource: Any) -> None:
    """Raises ValidationError if its operator would not take a resource; KeyError if its kind is not known here."""
    KINDS[resource["kind"]].model_validate(resource)
