"""docs/security.md is held to what there is."""

import re
from pathlib import Path
from typing import get_args

import pytest
from pydantic import SecretStr

from services.cli.main import sluice
from shared.database import Database
from shared.embedded.process import LOOPBACK
from shared.errors import TransientError
from shared.pipelines import pipelines
from shared.settings import ApiSettings, DatabaseSettings, KafkaSettings, Settings, describe
from shared.settings.concern import names_of
from shared.settings.loading import fields
from shared.settings.servers import SaslMechanism, SecurityProtocol, SslMode
from tests.integration.sluice_command import runner

PAGE = (Path(__file__).parents[2] / "docs" / "security.md").read_text()


def section(title: str) -> str:
    return PAGE.partition(f"## {title}\n")[2].partition("\n## ")[0]


def test_every_variable_is_a_setting_and_every_command_exists() -> None:
    assert set(re.findall(r"SLUICE_[A-Z_]+", PAGE)) <= {row.variable for row in describe(Settings.load({}))}
    context = sluice.make_context("sluice", [], resilient_parsing=True)
    assert set(re.findall(r"`?sluice ([a-z-]+)", PAGE)) <= set(sluice.list_commands(context))


def test_no_variable_and_no_choice_is_left_out() -> None:
    names = [
        names_of(field)[0]
        for group, name, field in fields()
        if (group, name.partition("_")[0]) in {("kafka", "security"), ("kafka", "sasl"), ("kafka", "ssl")}
        or (group == "database" and name.startswith(("url", "ssl")))
    ]
    assert len(names) == 11
    assert [name for name in names if name.startswith("SLUICE_") and f"`{name}`" not in PAGE] == []
    choices = (*get_args(SecurityProtocol), *get_args(SaslMechanism), *get_args(SslMode))
    assert [choice for choice in choices if f"`{choice}`" not in PAGE] == []


async def test_the_users_of_the_page_can_log_in_and_have_their_roles(database: Database, database_url: str) -> None:
    (statements,) = re.findall(r"```sql\n(.*?)```", PAGE, re.DOTALL)
    users = re.findall(r"CREATE ROLE (\w+)", statements)
    assert len(users) == 3
    await database.execute(statements.replace("…", "a-word"))
    try:
        for user in users:
            url = re.sub(r"//[^@]+@", f"//{user}:a-word@", database_url)
            async with Database(DatabaseSettings(url=SecretStr(url))) as member:
                await member.fetch("SELECT * FROM classifications")
                with pytest.raises(TransientError, match="permission denied"):
                    await member.execute("DELETE FROM classifications")
    finally:
        for user in users:
            await database.execute(f"DROP ROLE {user}")


def test_the_defaults_are_as_told() -> None:
    assert (ApiSettings().host, KafkaSettings().security_protocol) == (LOOPBACK, "PLAINTEXT")
    assert "SCRAM-SHA-512" in section("Kafka")


async def test_the_rights_are_printed_as_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = runner(monkeypatch, capsys, tmp_path, {})
    assert "sluice topics --acls --json" in PAGE
    printed = (await run("topics", "--acls", "--json")).json
    assert list(printed[0].values()) == ["classification.submit", "Write", "topic", "indicators.ingest"]
    told = (await run("topics", "--acls")).out.splitlines()
    starts = tuple(f'kafka-acls "$@" --add --allow-principal User:{name}.' for name in pipelines())
    assert all(line.startswith(starts) for line in told)
    assert len(told) == sum(1 + 3 * len(pipeline.stages) for pipeline in pipelines().values())
    assert (await run("topics", "--acls", "--alter")).code == 2
