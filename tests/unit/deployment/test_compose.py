"""The compose file: every stage, in an order that works, open to this machine alone."""

import re
import tomllib
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import yaml
from dotenv import dotenv_values

from deployment.compose import PATH
from deployment.declared import stages
from deployment.kubernetes import grace_seconds, resource_name
from shared.settings import Settings
from tests.unit.deployment.rendered import VARIABLES

ROOT = Path(__file__).parents[3]
TEXT = (ROOT / PATH).read_text()
SERVICES: dict[str, Any] = yaml.safe_load(TEXT)["services"]
OURS = {name: service for name, service in SERVICES.items() if service["image"].startswith("sluice:")}
SHARDS = ("dedupe:/var/lib/sluice/dedupe", "${DATA_FOLDER:-.}:/data")
"""What stages that work on shards, the tools that start them, and the console that shows them write to."""
TRANSCRIPTS = "${DATA_FOLDER:-.}:/data:ro"
THEIRS = {name: service for name, service in SERVICES.items() if name not in OURS}


def test_every_stage_is_a_service() -> None:
    commands = {name: service["command"] for name, service in OURS.items() if "run" in service.get("command", [])}
    assert commands == {resource_name(stage): ["run", stage.full_name, "--host", "0.0.0.0"] for stage in stages()}


def test_the_image_is_of_this_version_and_built_once() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert {service["image"] for service in OURS.values()} == {f"sluice:{version}"}
    assert [name for name, service in OURS.items() if "build" in service] == ["migrate"]


def test_images_of_others_are_pinned() -> None:
    for name, service in THEIRS.items():
        assert re.search(r":v?\d+\.\d+(\.\d+)?$", service["image"]), name


@pytest.mark.parametrize("name", sorted(OURS))
def test_our_containers_write_nowhere_and_may_drain(name: str) -> None:
    service = OURS[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["stop_grace_period"] == f"{grace_seconds()}s"
    assert [volume for volume in service.get("volumes", []) if volume not in (*SHARDS, TRANSCRIPTS)] == []


def test_stages_that_read_transcripts_see_nothing_else() -> None:
    reading = [service for service in OURS.values() if TRANSCRIPTS in service.get("volumes", [])]
    assert [service["command"][1] for service in reading] == ["correction.discover", "correction.extract"]
    assert {service["environment"]["SLUICE_CORRECTION_FOLDERS"] for service in reading} == {"/data"}


@pytest.mark.parametrize("name", sorted(OURS))
def test_variables_are_settings_that_can_be_read(name: str) -> None:
    given = {variable: _filled(str(value)) for variable, value in OURS[name]["environment"].items()}
    assert set(given) <= VARIABLES
    Settings.load(given)


def test_ports_are_open_on_loopback_alone() -> None:
    ports = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_what_somebody_waits_for_says_when_it_is_there() -> None:
    for name, service in SERVICES.items():
        for other, how in service.get("depends_on", {}).items():
            if how["condition"] == "service_healthy":
                assert "healthcheck" in SERVICES[other], f"{name} waits for {other}"
            else:
                assert how["condition"] == "service_completed_successfully"
                assert SERVICES[other]["restart"] == "on-failure", f"{other} has to end"


def test_stages_and_api_begin_with_tables_and_topics() -> None:
    for name, service in OURS.items():
        if name not in {"migrate", "topics"}:
            assert set(service["depends_on"]) == {"migrate", "topics"}
            assert "healthcheck" in service or name == "tools"


def test_passwords_have_no_default() -> None:
    assert not re.findall(r"\$\{\w*(?:PASSWORD|KEY|SECRET)\w*:-[^}]", TEXT)
    assert set(re.findall(r"\$\{(\w+):\?", TEXT)) == {"POSTGRES_PASSWORD", "GRAFANA_PASSWORD"}


def test_the_example_of_variables_names_what_is_needed_and_can_be_read() -> None:
    filled = re.sub(r"(\w+_PASSWORD)=$", r"\1=secret", (ROOT / ".env.example").read_text(), flags=re.MULTILINE)
    example = dotenv_values(stream=StringIO(filled))
    assert {"POSTGRES_PASSWORD", "GRAFANA_PASSWORD"} <= set(example)
    settings = Settings.load({name: str(value) for name, value in example.items() if name in VARIABLES})
    assert settings.database.url is not None
    assert settings.database.url.get_secret_value() == "postgresql://sluice:secret@localhost:5432/sluice"


def test_folders_that_are_mounted_exist() -> None:
    sources = [volume.split(":")[0] for service in SERVICES.values() for volume in service.get("volumes", [])]
    folders = [source for source in sources if source.startswith("./")]
    assert folders
    assert all((ROOT / folder).is_dir() for folder in folders)


def _filled(value: str) -> str:
    """With what a variable's default is, and a password where one has to be given."""
    value = re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", value)
    return re.sub(r"\$\{\w+:\?[^}]*\}", "secret", value)
