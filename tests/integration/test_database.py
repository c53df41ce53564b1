"""The database: connections and their errors, migrations, log, dead letters, the queries people run. Real server."""

import asyncio
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import cast

import pytest
from pydantic import SecretStr

from schemas.delivery import Header, RejectCode
from schemas.enums import ItemStatus
from services.classification.complete import keep_log_partitions
from shared.database import Database, Queries, apply_migrations, missing_migrations
from shared.database.dead_letters import (
    DeadLetter,
    dead_letters_by_id,
    record_dead_letters,
    resolve_dead_letters,
)
from shared.database.ledger import ItemOutcome, NewBatch, finish_items, open_batch, register_items
from shared.database.migrate import migrations
from shared.database.stage_log import StageLogRow, append_stage_log, append_trails, keep_partitions
from shared.database.views import LetterFilter, find_dead_letters
from shared.embedded.process import free_port
from shared.errors import PermanentError, SluiceError, TransientError, UsageError
from shared.runtime.envelope import Record
from shared.service.dead_letters import keep_dead_letters
from shared.settings import DatabaseSettings, RuntimeSettings

NOW = datetime.now(UTC)


def settings(url: str, **changes: object) -> DatabaseSettings:
    return DatabaseSettings.model_validate({"url": SecretStr(url), **changes})


class TestMigrations:
    async def test_replicas_that_migrate_at_the_same_time_apply_everything_once(self, empty_database_url: str) -> None:
        async def replica() -> int:
            async with Database(settings(empty_database_url)) as database:
                return len(await apply_migrations(database))

        applied = await asyncio.gather(*(replica() for _ in range(5)))

        assert sorted(applied) == [0, 0, 0, 0, len(migrations())]
        async with Database(settings(empty_database_url)) as database:
            versions = [row["version"] for row in await database.fetch("SELECT * FROM schema_version ORDER BY version")]
            assert versions == [migration.version for migration in migrations()]
            assert await missing_migrations(database) == []

    async def test_a_file_that_was_edited_after_it_was_applied_is_refused(self, database: Database) -> None:
        await database.execute("UPDATE schema_version SET checksum = 'other' WHERE version = 1")
        with pytest.raises(UsageError, match="0001 initial was changed"):
            await apply_migrations(database)

    async def test_a_migration_that_fails_leaves_nothing(
        self, empty_database_url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        broken = [*migrations(), migrations()[0].__class__(9999, "post", "broken", "CREATE TABLE half (); nonsense")]
        monkeypatch.setattr("shared.database.migrate.migrations", lambda: broken)
        async with Database(settings(empty_database_url)) as database:
            with pytest.raises(TransientError, match="nonsense"):
                await apply_migrations(database)
            assert await database.fetchval("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == 0

    async def test_phases_can_be_applied_apart(self, empty_database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
        later = migrations()[0].__class__(9999, "post", "later", "CREATE TABLE later ()")
        monkeypatch.setattr("shared.database.migrate.migrations", lambda: [*migrations(), later])
        async with Database(settings(empty_database_url)) as database:
            assert later not in await apply_migrations(database, ("pre",))
            assert await missing_migrations(database) == [later]
            assert await apply_migrations(database) == [later]

    async def test_the_later_phase_alone_is_refused_on_an_empty_database(self, empty_database_url: str) -> None:
        async with Database(settings(empty_database_url)) as database:
            with pytest.raises(UsageError, match="phase pre"):
                await apply_migrations(database, ("post",))
            assert await database.fetchval("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == 0
            await apply_migrations(database, ("pre",))
            assert await apply_migrations(database, ("post",)) == []

    def test_versions_are_unique(self) -> None:
        versions = [migration.version for migration in migrations()]
        assert versions == sorted(set(versions))


class TestErrors:
    async def test_a_server_that_is_not_there_is_transient(self) -> None:
        with pytest.raises(TransientError):
            await Database(settings(f"postgresql://u:p@127.0.0.1:{free_port()}/d")).__aenter__()

    async def test_a_refused_login_can_be_set_right(self, server_url: str) -> None:
        with pytest.raises(TransientError, match="check the user and the password in SLUICE_DATABASE_URL"):
            await Database(settings(server_url.replace("@", "wrong@", 1))).__aenter__()

    async def test_an_unknown_database_can_be_created(self, server_url: str) -> None:
        with pytest.raises(TransientError, match="does not exist; check the name of the database"):
            await Database(settings(server_url + "_unknown")).__aenter__()

    @pytest.mark.parametrize(
        ("statement", "remedy"),
        [
            ("SELECT * FROM nowhere", "sluice migrate"),
            ("SELECT nothing FROM batches", "sluice migrate"),
            ("SET ROLE pg_monitor; DELETE FROM batches", "grant"),
            ("SET TRANSACTION READ ONLY; DELETE FROM batches", "primary"),
        ],
    )
    async def test_a_database_that_is_set_up_wrong_costs_no_item(
        self, database: Database, statement: str, remedy: str
    ) -> None:
        with pytest.raises(TransientError, match=remedy):
            await database.execute(statement)

    async def test_no_url_says_what_to_set(self) -> None:
        with pytest.raises(UsageError, match="SLUICE_DATABASE_URL"):
            await Database(DatabaseSettings()).__aenter__()

    async def test_a_statement_that_takes_too_long_is_transient(self, server_url: str) -> None:
        async with Database(settings(server_url, statement_timeout_seconds=0.05)) as database:
            with pytest.raises(TransientError, match="timeout"):
                await database.execute("SELECT pg_sleep(5)")

    async def test_a_cut_connection_is_transient_and_the_pool_goes_on(self, server_url: str) -> None:
        async with Database(settings(server_url, pool_max=1)) as database:
            with pytest.raises(TransientError):
                await database.execute("SELECT pg_terminate_backend(pg_backend_pid())")
            assert await database.fetchval("SELECT 1") == 1

    async def test_whoever_falls_silent_in_a_transaction_does_not_hold_up_the_others(self, database_url: str) -> None:
        """Its process may be frozen, or its machine: the connection stays, and the server learns nothing of it."""
        silent = Database(settings(database_url, statement_timeout_seconds=0.3))
        async with silent, Database(settings(database_url)) as other:
            await open_batch(other, NewBatch("b", "p", 1))
            with pytest.raises(TransientError):
                async with silent.transaction() as transaction:
                    await transaction.execute("UPDATE batches SET provider = 'silent'")
                    await other.execute("UPDATE batches SET model = 'other'")
            row = await other.fetchrow("SELECT provider, model FROM batches")
            assert row and tuple(row) == ("", "other")

    async def test_a_deadlock_is_transient(self, database: Database) -> None:
        await database.execute("CREATE TABLE pair AS SELECT 1 AS id UNION SELECT 2")
        met = asyncio.Barrier(2)

        async def lock(first: int, second: int) -> None:
            async with database.transaction() as transaction:
                await transaction.execute("SELECT * FROM pair WHERE id = $1 FOR UPDATE", first)
                await met.wait()
                await transaction.execute("SELECT * FROM pair WHERE id = $1 FOR UPDATE", second)

        results = await asyncio.gather(lock(1, 2), lock(2, 1), return_exceptions=True)
        assert [type(result) for result in results if result] == [TransientError]

    @pytest.mark.parametrize(
        ("statement", "arguments"),
        [
            ("SELECT 1 / 0", ()),
            ("SELECT $1::integer", ("text",)),
            ("SELECT $1::text", ("nul \0",)),
            ("INSERT INTO batches (batch_id) VALUES (null)", ()),
        ],
    )
    async def test_what_an_item_brings_itself_is_permanent(
        self, database: Database, statement: str, arguments: tuple[object, ...]
    ) -> None:
        with pytest.raises(PermanentError) as caught:
            await database.fetch(statement, *arguments)
        assert caught.value.code == RejectCode.INVALID_VALUE

    async def test_an_unopened_database_says_so(self, server_url: str) -> None:
        with pytest.raises(SluiceError, match="before it is opened"):
            await Database(settings(server_url)).fetch("SELECT 1")

    async def test_a_failed_transaction_leaves_nothing(self, database: Database) -> None:
        with pytest.raises(RuntimeError, match="changed my mind"):
            async with database.transaction() as transaction:
                await open_batch(transaction, NewBatch("b", "p", 1))
                raise RuntimeError("changed my mind")
        assert await database.fetchval("SELECT count(*) FROM batches") == 0


class TestQueries:
    def test_every_statement_has_a_description(self) -> None:
        queries = Queries("shared.database")
        assert len(queries) == len(queries.descriptions) > 10
        assert queries["batch"].startswith("SELECT")

    async def test_every_statement_is_valid(self, database: Database) -> None:
        """Preparing makes the server parse and plan it."""
        for name, statement in Queries("shared.database").items():
            await database.execute(f"PREPARE {name} AS {statement}" if "CREATE" not in statement else "SELECT 1")
            await database.execute("DEALLOCATE ALL")


class TestStageLog:
    async def test_trails_become_rows_as_they_travelled(self, database: Database) -> None:
        trail = (
            '{"stage":"normalize","started_at":1763763600000,"duration_ms":250.0},'
            '{"stage":"family","started_at":1763763601000,"duration_ms":2000.0,"attempt":2,"provider":"openai",'
            '"model":"m","tokens_in":10,"tokens_out":5,"cost_usd":0.25}'
        )
        await append_trails(database, batch_ids=["b"], item_ids=["i"], trails=[trail])

        first, second = await database.fetch("SELECT * FROM processing_log ORDER BY created_at")
        assert (first["stage"], first["status"], first["processing_time_ms"]) == ("normalize", "completed", 250.0)
        assert (first["attempt"], first["provider"], first["cost_usd"]) == (1, None, 0)
        assert (second["attempt"], second["provider"], second["tokens_in"], second["cost_usd"]) == (
            2,
            "openai",
            10,
            0.25,
        )
        assert second["created_at"] == datetime.fromtimestamp(1763763603, UTC)

    async def test_rows_go_to_the_partition_of_their_day(self, database: Database) -> None:
        row = StageLogRow(NOW, 1.0, 1, 0, 0, 0.0, "b", "i", "family", "failed", error_message="why", metadata='{"a":1}')
        ancient = row._replace(created_at=datetime(1999, 12, 31, tzinfo=UTC))
        await append_stage_log(database, [row, ancient])

        tables = await database.fetch("SELECT tableoid::regclass::text AS name FROM stage_log ORDER BY created_at")
        assert [table["name"] for table in tables] == ["stage_log_default", f"stage_log_{NOW:%Y%m%d}"]

    async def test_old_partitions_are_dropped_and_new_ones_made(self, database: Database) -> None:
        names = "SELECT count(*) FROM pg_inherits WHERE inhparent = 'stage_log'::regclass"
        day = "CREATE TABLE stage_log_20200229 PARTITION OF stage_log FOR VALUES FROM ('2020-02-29') TO ('2020-03-01')"
        await database.execute(day)
        assert await database.fetchval(names) == 10
        await keep_partitions(database, ahead_days=10, keep_days=1)
        assert await database.fetchval(names) == 12
        assert not await database.fetchval("SELECT to_regclass('stage_log_20200229')")

    async def test_a_log_of_no_day_at_all_is_refused(self, database: Database) -> None:
        with pytest.raises(TransientError, match="keeps a day at least"):
            await keep_partitions(database, keep_days=0)

    async def test_old_rows_leave_the_default_partition_too(self, database: Database) -> None:
        row = StageLogRow(NOW - timedelta(days=91), 1.0, 1, 0, 0, 0.0, "b", "i", "family", "completed")
        await append_stage_log(
            database, [row, row._replace(created_at=NOW - timedelta(days=89)), row._replace(created_at=NOW)]
        )
        await keep_log_partitions(database, RuntimeSettings())
        assert await database.fetchval("SELECT min(created_at) FROM stage_log") == NOW - timedelta(days=89)


class TestDeadLetters:
    LETTER = DeadLetter(
        pipeline="classification",
        stage="classification.family",
        topic="classification.joined",
        partition=3,
        offset=77,
        record_timestamp=1_700_000_000_000,
        attempts=1,
        batch_id="b",
        item_id="i",
        error_class="PermanentError",
        error_code="invalid-value",
        error_message="no",
        failed_at=NOW,
        payload=b"\x00\xff",
        headers='{"x": "y"}',
    )

    async def test_a_letter_that_comes_again_is_kept_once(self, database: Database) -> None:
        (first,) = await record_dead_letters(database, [self.LETTER])
        assert await record_dead_letters(database, [self.LETTER, self.LETTER]) == []
        (second,) = await record_dead_letters(database, [self.LETTER._replace(attempts=2)])

        assert [row.id for row in await find_dead_letters(database, None, LetterFilter())] == [second, first]
        (shown,) = await dead_letters_by_id(database, [first])
        assert (shown["payload"], shown["headers"]) == (b"\x00\xff", '{"x": "y"}')

    async def test_a_record_at_the_same_place_of_a_topic_made_anew_is_another(self, database: Database) -> None:
        (first,) = await record_dead_letters(database, [self.LETTER])
        later = self.LETTER._replace(record_timestamp=self.LETTER.record_timestamp + 1)
        (second,) = await record_dead_letters(database, [self.LETTER, later])
        assert first != second

    @pytest.mark.parametrize("key", [b"item", b""])
    async def test_two_runs_of_a_broker_that_begins_again_leave_two_letters(
        self, database: Database, key: bytes
    ) -> None:
        for timestamp in (1_700_000_000_000, 1_700_000_000_000, 1_700_086_400_000):
            await keep_dead_letters([_read(key, timestamp)], database)
        found = await find_dead_letters(database, None, LetterFilter())
        assert len(found) == 2
        assert len({letter.indicator_id for letter in found}) == (1 if key else 2)

    async def test_a_letter_is_resolved_once(self, database: Database) -> None:
        ids = await record_dead_letters(database, [self.LETTER])
        assert await resolve_dead_letters(database, ids, "replayed") == ids
        assert await resolve_dead_letters(database, ids, "discarded") == []
        assert await find_dead_letters(database, None, LetterFilter(unresolved=True)) == []
        (row,) = await find_dead_letters(database, None, LetterFilter(stage="classification.family", batch_id="b"))
        assert (row.resolution, row.replayed_at is not None) == ("replayed", True)


def _read(key: bytes, timestamp: int) -> Record:
    """A dead letter as it is read from its topic, of a record that was written at `timestamp`."""
    headers = [(Header.DLQ_TOPIC, b"t"), (Header.DLQ_OFFSET, b"0"), (Header.DLQ_TIMESTAMP, b"%d" % timestamp)]
    copy = SimpleNamespace(topic="d", partition=0, offset=0, timestamp=0, key=key, value=b"{}", headers=headers)
    return cast(Record, copy)


class TestQueriesOfTheEarlierSystems:
    """They work as they were written."""

    @pytest.fixture
    async def filled(self, database: Database) -> Database:
        await open_batch(database, NewBatch("trace-1", "classification", 2, "openai", "gpt"))
        await register_items(
            database,
            "classification",
            batch_ids=["trace-1"] * 2,
            item_ids=["a", "b"],
            payloads=['{"name":"GDP","definition":"Output"}', '{"name":"CPI","sample_values":[1]}'],
        )
        outcomes = [
            ItemOutcome("trace-1", "a", ItemStatus.COMPLETED, confidence=0.9, duration_ms=30, cost_usd=0.5),
            ItemOutcome("trace-1", "b", ItemStatus.DEAD_LETTERED, error="no", duration_ms=10),
        ]
        await finish_items(database, "classification", outcomes)
        await database.execute("INSERT INTO classifications (indicator_id, name, family) VALUES ('a', 'GDP', 'flow')")
        row = StageLogRow(datetime.now(UTC), 1.0, 1, 0, 0, 0.0, "trace-1", "a", "family", "completed")
        failed = row._replace(indicator_id="b", status="failed", error_message="no")
        await append_stage_log(database, [row, failed])
        return database

    async def test_pipeline_stats(self, filled: Database) -> None:
        await open_batch(filled, NewBatch("trace-2", "classification", 5))
        rows = await filled.fetch("SELECT * FROM pipeline_stats ORDER BY batch_start_time DESC LIMIT 10")
        assert [row["batch_id"] for row in rows] == ["trace-2", "trace-1"]

        row = await filled.fetchrow("SELECT * FROM pipeline_stats WHERE batch_id = 'trace-1'")
        assert row
        assert (row["total_indicators"], row["successful_indicators"], row["failed_indicators"]) == (2, 1, 1)
        assert (row["model"], row["provider"]) == ("gpt", "openai")
        assert row["avg_confidence"] == pytest.approx(0.9)
        assert row["batch_end_time"] is not None
        assert row["avg_time_per_indicator_ms"] == pytest.approx(row["total_duration_ms"] / 2)

    async def test_report_of_a_batch(self, filled: Database) -> None:
        row = await filled.fetchrow("SELECT * FROM batch_report WHERE batch_id = 'trace-1'")
        assert row
        assert list(row.keys()) == ["batch_id", "total_indicators", "completed", "avg_time", "total_minutes", "cost"]
        assert (row["total_indicators"], row["completed"], row["avg_time"], row["cost"]) == (2, 1, 20, 0.5)

    async def test_count_of_classifications(self, filled: Database) -> None:
        assert await filled.fetchval("SELECT COUNT(*) FROM classifications") == 1
        rows = await filled.fetch("SELECT family, COUNT(*) FROM classifications GROUP BY family ORDER BY 2 DESC")
        assert [tuple(row) for row in rows] == [("flow", 1)]

    async def test_stages_by_status_in_the_last_ten_minutes(self, filled: Database) -> None:
        rows = await filled.fetch(
            "SELECT stage, status, COUNT(*) FROM processing_log WHERE created_at > NOW() - INTERVAL '10 minutes' "
            "GROUP BY stage, status ORDER BY stage, status"
        )
        assert [tuple(row) for row in rows] == [("family", "completed", 1), ("family", "failed", 1)]

    async def test_failures_with_their_message(self, filled: Database) -> None:
        rows = await filled.fetch("SELECT indicator_id, error_message FROM processing_log WHERE status = 'failed'")
        assert [tuple(row) for row in rows] == [("b", "no")]

    async def test_throughput_of_the_last_hour(self, filled: Database) -> None:
        query = "SELECT COUNT(*) FROM classifications WHERE created_at > NOW() - INTERVAL '1 hour'"
        assert await filled.fetchval(query) == 1

    async def test_source_indicators_show_the_latest_submission(self, filled: Database) -> None:
        await register_items(
            filled, "classification", batch_ids=["trace-9"], item_ids=["a"], payloads=['{"name":"GDP 2","units":"%"}']
        )
        rows = await filled.fetch("SELECT * FROM source_indicators ORDER BY indicator_id")
        assert [(row["indicator_id"], row["name"], row["units"], row["processed"]) for row in rows] == [
            ("a", "GDP 2", "%", False),
            ("b", "CPI", None, True),
        ]

    async def test_the_table_of_results_has_every_column_of_the_specification(self, database: Database) -> None:
        query = "SELECT column_name FROM information_schema.columns WHERE table_name = 'classifications'"
        columns = {row["column_name"] for row in await database.fetch(query)}
        ours = {"submitted_at", "batch_id", "processing_time_ms", "cost_usd", "tokens_in", "tokens_out"}
        assert len(columns - ours - {"human_review_id", "opinions"}) == 54


async def test_time_zone_is_utc_whatever_the_machine_says(database: Database) -> None:
    assert await database.fetchval("SHOW timezone") == "UTC"
    now = await database.fetchval("SELECT now()")
    assert abs(now - datetime.now(UTC)) < timedelta(minutes=1)
