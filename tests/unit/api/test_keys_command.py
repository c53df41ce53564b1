"""`sluice api-keys`: what it prints, what it leaves in the file, and that the file never holds a key."""

import json
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from services.api.keys import ApiKey, digest_of
from services.api.keys_command import VARIABLE, api_keys
from services.api.keys_editing import add
from services.api.keys_file import read_keys
from shared.errors import UsageError


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)  # without a .env
    monkeypatch.delenv(VARIABLE, raising=False)
    return tmp_path / "keys"


def run(*arguments: object) -> str:
    result = CliRunner().invoke(api_keys, [str(argument) for argument in arguments])
    if isinstance(result.exception, UsageError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


def made(*arguments: object) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(run(*arguments, "--json"))
    return answer


def test_a_new_key_is_shown_once_and_only_its_hash_is_kept(path: Path) -> None:
    shown = run("new", "prices", "--file", path)
    (key,) = (line.strip() for line in shown.splitlines() if "sluice_" in line)
    assert read_keys(path) == [ApiKey("prices", digest_of(key.encode()))]
    assert key not in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600


def test_without_a_file_the_line_is_shown(path: Path) -> None:
    answer = made("new", "prices")
    assert answer["line"] == ApiKey("prices", digest_of(answer["key"].encode())).line()
    shown = run("new", "prices")
    assert VARIABLE in shown
    assert sum(line.strip().startswith("prices:") for line in shown.splitlines()) == 1
    assert list(path.parent.iterdir()) == []


def test_the_setting_says_which_file(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, str(path))
    assert made("new", "prices")["file"] == str(path)
    assert [key.name for key in read_keys(path)] == ["prices"]


def test_expiries_are_kept_and_listed(path: Path) -> None:
    before = datetime.now(UTC)
    run("new", "prices", "--expires", "90d", "--file", path)
    path.write_text(path.read_text() + ApiKey("old", digest_of(b"old"), before - timedelta(days=1)).line())
    listed = {row["name"]: row for row in json.loads(run("list", "--file", path, "--json"))}
    days = (datetime.fromisoformat(listed["prices"]["expires"]) - before) / timedelta(days=1)
    assert (round(days), listed["prices"]["valid"], listed["old"]["valid"]) == (90, True, False)
    table = run("list", "--file", path)
    assert all(word in table for word in ("prices", "old", "yes", "no"))
    assert not any(key.digest.hex()[:8] in table for key in read_keys(path))


def test_a_rotation_leaves_the_old_key_its_grace_but_no_more_than_it_had(path: Path) -> None:
    for name, expires in (("prices", "30d"), ("short", "1h"), ("other", "30d")):
        run("new", name, "--expires", expires, "--file", path)
    before = read_keys(path)
    for name in ("prices", "short"):
        run("rotate", name, "--grace", "2d", "--file", path)
    after = read_keys(path)
    now = datetime.now(UTC)
    assert [key.name for key in after] == ["prices", "short", "other", "prices", "short"]
    assert [key.digest for key in after[:3]] == [key.digest for key in before]
    assert after[0].expires and timedelta(days=1) < after[0].expires - now <= timedelta(days=2)
    assert (after[1].expires, after[2].expires) == (before[1].expires, before[2].expires)
    assert (after[3].expires, after[4].expires) == (None, None)


def test_what_is_revoked_is_gone_and_comments_mode_and_neighbours_stay(path: Path) -> None:
    run("new", "prices", "--file", path)
    run("rotate", "prices", "--file", path)
    kept = ApiKey("other", digest_of(b"other")).line()
    path.write_text(f"# ours\n{path.read_text()}\n{kept}")
    path.chmod(0o640)
    assert run("revoke", "prices", "--file", path) == "revoked 2 keys of prices\n"
    assert path.read_text() == f"# ours\n\n{kept}\n"
    assert path.stat().st_mode & 0o777 == 0o640
    assert list(path.parent.iterdir()) == [path]


def test_a_link_to_the_file_stays_one(path: Path) -> None:
    link = path.with_name("link")
    run("new", "prices", "--file", path)
    link.symlink_to(path.name)
    run("new", "reports", "--file", link)
    assert link.is_symlink()
    assert [key.name for key in read_keys(path)] == ["prices", "reports"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("new", "prices"), "prices has a key already"),
        (("new", "a b"), "cannot be the name"),
        (("new", "late", "--expires", "2020-01-01"), "expired already"),
        (("rotate", "nobody"), "nobody has no key"),
        (("revoke", "nobody"), "nobody has no key"),
    ],
)
def test_what_makes_no_sense_is_refused_and_changes_nothing(path: Path, arguments: tuple[str, ...], said: str) -> None:
    run("new", "prices", "--file", path)
    before = path.read_bytes()
    with pytest.raises(UsageError, match=said) as caught:
        run(*arguments, "--file", path)
    assert caught.value.remedy
    assert path.read_bytes() == before


def test_a_broken_file_is_not_changed(path: Path) -> None:
    path.write_text("broken")
    for command in (("new", "prices"), ("revoke", "prices"), ("list",)):
        with pytest.raises(UsageError, match="line 1"):
            run(*command, "--file", path)
    assert path.read_text() == "broken"


@pytest.mark.parametrize("command", [("list",), ("revoke", "prices"), ("rotate", "prices")])
def test_without_a_file_there_is_nothing_to_do(path: Path, command: tuple[str, ...]) -> None:
    with pytest.raises(UsageError, match="no file of keys") as caught:
        run(*command)
    assert VARIABLE in caught.value.remedy


def test_a_folder_that_is_not_there_is_said(path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be changed: No such file"):
        run("new", "prices", "--file", path / "below")


def test_many_who_add_at_once_lose_nothing(path: Path) -> None:
    keys = [ApiKey(f"client-{number}", digest_of(str(number).encode())) for number in range(20)]
    threads = [threading.Thread(target=add, args=(path, key)) for key in keys]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(read_keys(path)) == sorted(keys)
