"""What no pod of any overlay may lack or do."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from deployment.declared import stages
from deployment.kubernetes import SPARE_SECONDS, asks_vendor, resource_name
from shared.service.process import longest_stop
from shared.service.wiring import uses_database
from shared.settings import Settings
from tests.unit.deployment.rendered import OVERLAYS, Resource, container, named, of_kind, pods, settings_of

ROOT = Path(__file__).parents[3]
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
MEASURED_MEBIBYTES = 115
VOLUMES = {"emptyDir", "projected", "persistentVolumeClaim"}

overlays = pytest.mark.parametrize("name", OVERLAYS)


def mebibytes(quantity: str) -> int:
    """A quantity of memory as it is written here."""
    return int(quantity.removesuffix("Mi"))


def millicores(quantity: str) -> int:
    """A quantity of CPU."""
    return int(quantity.removesuffix("m")) if quantity.endswith("m") else int(quantity) * 1000


@overlays
def test_no_pod_runs_as_root_or_writes_to_its_image(name: str) -> None:
    for who, pod in pods(name):
        assert pod["spec"]["securityContext"]["runAsNonRoot"] is True, who
        assert pod["spec"]["securityContext"]["runAsUser"] > 10_000, who
        assert pod["spec"]["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, who
        assert container(pod)["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }, who


@overlays
def test_no_pod_has_a_token_or_a_part_of_its_host(name: str) -> None:
    for who, pod in pods(name):
        spec = pod["spec"]
        assert spec["automountServiceAccountToken"] is False, who
        assert not {"hostNetwork", "hostPID", "hostIPC", "hostAliases"} & set(spec), who
        assert {kind for volume in spec["volumes"] for kind in volume if kind != "name"} <= VOLUMES, who
        assert all("hostPort" not in port for port in container(pod).get("ports", [])), who


@overlays
def test_services_set_no_variables(name: str) -> None:
    for who, pod in pods(name):
        assert pod["spec"]["enableServiceLinks"] is False, f"{who}: a Service sluice-api would set SLUICE_API_PORT"


@overlays
def test_every_pod_asks_for_what_was_measured_and_is_limited(name: str) -> None:
    for who, pod in pods(name):
        wanted, most = container(pod)["resources"]["requests"], container(pod)["resources"]["limits"]
        assert MEASURED_MEBIBYTES < mebibytes(wanted["memory"]) <= mebibytes(most["memory"]), who
        assert 0 < millicores(wanted["cpu"]) <= millicores(most["cpu"]), who
        assert millicores(most["cpu"]) >= 1000, f"{who}: a stage cannot use more than a core, and may need all of it"


@overlays
def test_the_image_is_of_this_version(name: str) -> None:
    for who, pod in pods(name):
        assert container(pod)["image"].endswith(f":{VERSION}"), who
        assert pod["metadata"]["labels"]["app.kubernetes.io/version"] == VERSION, who


@overlays
def test_what_serves_a_port_is_probed_there(name: str) -> None:
    probed = 0
    for who, pod in pods(name):
        only = container(pod)
        for port in only.get("ports", []):
            for probe, path in (("startup", "live"), ("liveness", "live"), ("readiness", "ready")):
                asked = only[f"{probe}Probe"]["httpGet"]
                assert asked == {"path": f"/health/{path}", "port": port["name"]}, who
            probed += 1
    assert probed == len(stages()) + 1


@overlays
def test_a_pod_is_given_the_time_that_its_drain_takes(name: str) -> None:
    settings = Settings.load(settings_of(name))
    wanted = longest_stop(settings.runtime) + SPARE_SECONDS
    deployed = named(name, "Deployment")
    for stage in stages():
        assert deployed[resource_name(stage)]["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] >= wanted
    api = deployed["api"]["spec"]["template"]["spec"]
    sleep = container(deployed["api"]["spec"]["template"])["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert api["terminationGracePeriodSeconds"] >= sleep + settings.runtime.drain_seconds + 5 + SPARE_SECONDS


@overlays
def test_a_new_replica_comes_before_an_old_one_goes(name: str) -> None:
    for deployment in of_kind(name, "Deployment"):
        if deployment["metadata"]["name"] != "tools":
            assert deployment["spec"]["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}


@overlays
def test_replicas_are_spread_over_zones_and_machines(name: str) -> None:
    for who, pod in pods(name):
        spread = {one["topologyKey"] for one in pod["spec"]["topologySpreadConstraints"]}
        assert spread == {"topology.kubernetes.io/zone", "kubernetes.io/hostname"}, who


@overlays
def test_secrets_are_referred_to_and_nowhere_written(name: str) -> None:
    assert not of_kind(name, "Secret")
    for who, pod in pods(name):
        for variable in container(pod).get("env", []):
            secret = {"URL", "KEY", "KEYS", "PASSWORD"} & set(variable["name"].split("_"))
            assert not secret or "secretKeyRef" in variable["valueFrom"], who


@overlays
def test_who_has_no_use_for_the_database_gets_neither_its_address_nor_a_way_to_it(name: str) -> None:
    vendors = any("sluice-llm" in _secrets(pod) for _, pod in pods(name))
    deployed = named(name, "Deployment")
    for stage in stages():
        pod = deployed[resource_name(stage)]["spec"]["template"]
        needed = uses_database([stage]) or (vendors and asks_vendor(stage))
        assert ("SLUICE_DATABASE_URL" in {one["name"] for one in container(pod).get("env", [])}) is needed
        assert (5432 in _reachable(name, pod)) is needed


@overlays
def test_pods_reach_what_they_need_and_nothing_else(name: str) -> None:
    for who, pod in pods(name):
        assert _reachable(name, pod) <= {53, 9092, 5432, 443, 4317}, who
        assert (443 in _reachable(name, pod)) is ("sluice-llm" in _secrets(pod)), who
        assert any(policy["metadata"]["name"] == "deny" for policy in _policies(name, pod, "Ingress")), who


def _secrets(pod: Resource) -> set[str]:
    return {source["secretRef"]["name"] for source in container(pod).get("envFrom", []) if "secretRef" in source}


def _reachable(name: str, pod: Resource) -> set[int]:
    policies = _policies(name, pod, "Egress")
    assert policies, "without a policy everything may be reached"
    return {port["port"] for policy in policies for rule in policy["spec"].get("egress", []) for port in rule["ports"]}


def _policies(name: str, pod: Resource, direction: str) -> list[Resource]:
    labels = pod["metadata"]["labels"]
    return [
        policy
        for policy in of_kind(name, "NetworkPolicy")
        if direction in policy["spec"]["policyTypes"] and _selects(policy["spec"]["podSelector"], labels)
    ]


def _selects(selector: Any, labels: dict[str, str]) -> bool:
    def holds(expression: dict[str, Any]) -> bool:
        return (labels.get(expression["key"]) in expression["values"]) is (expression["operator"] == "In")

    wanted = selector.get("matchLabels", {})
    return wanted.items() <= labels.items() and all(map(holds, selector.get("matchExpressions", [])))
