"""The group roles: what their members may do and what they may not, and how the roles come about."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import pytest
import pytest_asyncio
from pydantic import SecretStr

from shared.database import Database, apply_migrations, keep_roles, missing_migrations
from shared.database.migrate import migrations
from shared.database.stage_log import keep_partitions
from shared.embedded.stack import DATABASE, embedded_stack
from shared.errors import TransientError
from shared.settings import DatabaseSettings, Settings
from tests.database_users import API, PASSWORD, READER, ROLES, STAGE, as_member, make_users
from tests.integration.sluice_command import runner


def opened(url: str) -> Database:
    return Database(DatabaseSettings(url=SecretStr(url)))


TABLES = """SELECT relname AS name FROM pg_class
            WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p', 'v') ORDER BY relname"""


class TestMembers:
    @pytest.mark.parametrize("role", ROLES)
    @pytest.mark.parametrize(
        "statement",
        [
            "CREATE TABLE mine ()",
            "DROP TABLE {table}",
            "TRUNCATE {table}",
            "ALTER TABLE {table} ADD COLUMN mine integer",
            "CREATE INDEX ON {table} ((true))",
            "INSERT INTO schema_version (version, name, checksum) VALUES (9999, 'mine', '')",
            "DELETE FROM batches",
            "DELETE FROM classifications",
            "UPDATE human_reviews SET reason = ''",
        ],
    )
    async def test_none_may_change_the_schema_or_destroy(
        self, database: Database, database_url: str, role: str, statement: str
    ) -> None:
        tables = [row["name"] for row in await database.fetch(TABLES)] if "{table}" in statement else [""]
        async with opened(as_member(role, database_url)) as member:
            for table in tables:
                with pytest.raises(TransientError, match=r"permission denied|must be owner|not a table|is a view"):
                    await member.execute(statement.format(table=table))

    async def test_a_reader_reads_everything_and_writes_nothing(self, database: Database, database_url: str) -> None:
        await database.execute("CREATE TABLE added_later (); CREATE VIEW seen_later AS SELECT 1 AS one")
        await keep_partitions(database, ahead_days=12)
        names = [row["name"] for row in await database.fetch(TABLES)]
        assert {"batch_report", "budgets", "added_later", "seen_later", "stage_log_default"} <= set(names)
        async with opened(as_member(READER, database_url)) as reader:
            for name in names:
                await reader.fetch(f'SELECT * FROM "{name}" LIMIT 1')
        held = await database.fetch(
            """SELECT DISTINCT privilege_type AS name FROM information_schema.role_table_grants WHERE grantee = $1""",
            READER,
        )
        assert [row["name"] for row in held] == ["SELECT"]

    async def test_a_stage_keeps_the_partitions_of_its_log(self, database: Database, database_url: str) -> None:
        day = "CREATE TABLE stage_log_20200229 PARTITION OF stage_log FOR VALUES FROM ('2020-02-29') TO ('2020-03-01')"
        await database.execute(day)
        partitions = "SELECT count(*) FROM pg_inherits WHERE inhparent = 'stage_log'::regclass"
        before = await database.fetchval(partitions)
        async with opened(as_member(STAGE, database_url)) as stage:
            await keep_partitions(stage, ahead_days=10, keep_days=30)
            assert await missing_migrations(stage) == []
            with pytest.raises(TransientError, match="keeps a day at least"):
                await keep_partitions(stage, keep_days=0)
        assert await database.fetchval(partitions) == before + 3 - 1
        assert not await database.fetchval("SELECT to_regclass('stage_log_20200229')")

    async def test_nothing_of_the_callers_stands_in_for_our_tables(self, database: Database, database_url: str) -> None:
        """Whoever calls a function that acts as its owner could otherwise make it act on tables of their own."""
        async with opened(as_member(STAGE, database_url)) as stage, stage.transaction() as transaction:
            await transaction.execute("CREATE TEMP TABLE stage_log_default (created_at timestamptz)")
            await transaction.execute("INSERT INTO stage_log_default VALUES ('1999-12-31')")
            await transaction.execute("SET LOCAL search_path = pg_temp, public")
            await keep_partitions(transaction, keep_days=30)
            assert await transaction.fetchval("SELECT count(*) FROM pg_temp.stage_log_default") == 1

    @pytest.mark.parametrize("role", [API, READER])
    async def test_the_others_do_not_touch_partitions(self, database_url: str, role: str) -> None:
        async with opened(as_member(role, database_url)) as member:
            with pytest.raises(TransientError, match="permission denied for function"):
                await keep_partitions(member)


@pytest.fixture
def folder(state_directory: Path) -> Iterator[Path]:
    folder = state_directory / f"roles-{uuid4().hex[:8]}"
    folder.mkdir(mode=0o755)
    yield folder


@pytest_asyncio.fixture(loop_scope="session")
async def fresh_server(folder: Path) -> AsyncIterator[str]:
    """Address of a server on which nobody has made any role yet."""
    settings = Settings.load({"SLUICE_STATE_DIR": str(folder)})
    async with embedded_stack(settings, servers=[DATABASE]) as stack:
        assert stack.settings.database.url
        yield stack.settings.database.url.get_secret_value()


def of(server: str, database: str, user: str = "") -> str:
    address = urlsplit(server)
    netloc = f"{user}:{PASSWORD}@{address.hostname}:{address.port}" if user else address.netloc
    return urlunsplit(address._replace(netloc=netloc, path=f"/{database}"))


class TestRoles:
    async def test_two_databases_of_one_server_share_them(self, fresh_server: str) -> None:
        async def migrate(name: str) -> list[str]:
            async with opened(of(fresh_server, name)) as database:
                await apply_migrations(database)
                return await keep_roles(database)

        async with opened(fresh_server) as server:
            for name in ("one", "two"):
                await server.execute(f"CREATE DATABASE {name}")
        missing = await asyncio.gather(migrate("one"), migrate("two"), migrate("one"))
        assert list(missing) == [[], [], []]
        async with opened(of(fresh_server, "one")) as database:
            await make_users(database)
        for name in ("one", "two"):
            async with opened(as_member(STAGE, of(fresh_server, name))) as stage:
                assert await stage.fetchval("SELECT count(*) FROM batches") == 0

    async def test_an_owner_who_may_make_none_migrates_and_says_what_lacks(
        self,
        fresh_server: str,
        folder: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        async with opened(fresh_server) as server:
            await server.execute(f"CREATE ROLE owner LOGIN PASSWORD '{PASSWORD}'")
            await server.execute("CREATE DATABASE owned OWNER owner")
            url = of(fresh_server, "owned", "owner")
            sluice = runner(monkeypatch, capsys, folder, {"SLUICE_DATABASE_URL": url})

            first = await sluice("migrate", "--json")
            assert first.code == 0, first.err
            assert len(first.json["applied"]) == len(migrations())
            assert first.err.startswith("the server has no roles sluice_stage, sluice_api, sluice_reader")
            assert PASSWORD not in first.err

            for role in ROLES:
                await server.execute(f"CREATE ROLE {role}")
            second = await sluice("migrate")
            assert (second.code, second.out, second.err) == (0, "nothing to apply\n", "")
            await server.execute(f"CREATE ROLE {READER}_user LOGIN PASSWORD '{PASSWORD}' IN ROLE {READER}")
        async with opened(as_member(READER, url)) as reader:
            assert await reader.fetchval("SELECT count(*) FROM pipeline_stats") == 0
            with pytest.raises(TransientError, match="grant the user"):
                await reader.execute("DELETE FROM batches")
