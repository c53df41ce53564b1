"""The file of API keys: however it is changed, what counts is what is there now, or what was there last."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from services.api.keys import ApiKey, digest_of
from services.api.keys_file import KeysFile
from shared.errors import UsageError

OLD, NEW = (ApiKey(name, digest_of(name.encode())) for name in ("old", "new"))


def in_place(path: Path, line: str) -> None:
    path.write_text(line)


def by_renaming(path: Path, line: str) -> None:
    other = path.with_name("other")
    other.write_text(line)
    other.replace(path)


def removed_and_made_anew(path: Path, line: str) -> None:
    path.unlink()
    path.write_text(line)


@pytest.mark.parametrize("change", [in_place, by_renaming, removed_and_made_anew])
def test_a_change_is_seen_at_once(tmp_path: Path, change: Callable[[Path, str], None]) -> None:
    path = tmp_path / "keys"
    path.write_text(f"# first\n{OLD.line()}")
    file = KeysFile(path)
    assert file.keys == [OLD]
    change(path, NEW.line())
    assert file.keys == [NEW]


def test_the_links_that_kubernetes_swaps_are_followed(tmp_path: Path) -> None:
    """A mounted secret: keys -> ..data/keys, ..data -> a folder of its own for each version."""
    for version, key in (("..1", OLD), ("..2", NEW)):
        (tmp_path / version).mkdir()
        (tmp_path / version / "keys").write_text(key.line())
    (tmp_path / "..data").symlink_to("..1")
    (tmp_path / "keys").symlink_to("..data/keys")
    file = KeysFile(tmp_path / "keys")
    assert file.keys == [OLD]
    (tmp_path / "..data_tmp").symlink_to("..2")
    (tmp_path / "..data_tmp").replace(tmp_path / "..data")
    assert file.keys == [NEW]


def test_a_change_that_leaves_size_and_time_as_they_were_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    path.write_text(OLD.line())
    file, before = KeysFile(path), path.stat()
    by_renaming(path, NEW.line())
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_size == before.st_size
    assert file.keys == [NEW]


@pytest.mark.parametrize("broken", ["new:not-a-hash", None], ids=["wrong", "gone"])
def test_while_it_is_broken_the_last_good_keys_count_and_the_log_says_so_once(tmp_path: Path, broken: str) -> None:
    path = tmp_path / "keys"
    path.write_text(OLD.line())
    file = KeysFile(path)
    if broken:
        path.write_text(f"{NEW.line()}\n{broken}\n")
    else:
        path.unlink()
    with capture_logs() as logs:
        assert [file.keys for _ in range(3)] == [[OLD]] * 3
    (event,) = logs
    assert (event["log_level"], str(path) in event["reason"]) == ("error", True)
    assert ("line 2" in event["reason"]) == bool(broken)
    assert "not-a-hash" not in str(event)

    path.write_text(NEW.line())
    with capture_logs() as logs:
        assert file.keys == [NEW]
    assert [event["log_level"] for event in logs] == ["info"]


def test_an_empty_file_shuts_everybody_out(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    path.write_text(OLD.line())
    file = KeysFile(path)
    path.write_text("")
    assert file.keys == []


@pytest.mark.parametrize(("content", "said"), [(None, "No such file"), ("x", "line 1 is not a name")])
def test_at_the_start_it_has_to_be_right(tmp_path: Path, content: str | None, said: str) -> None:
    path = tmp_path / "keys"
    if content:
        path.write_text(content)
    with pytest.raises(UsageError, match=said) as caught:
        KeysFile(path)
    assert str(path) in str(caught.value)
    assert "sluice api-keys new" in caught.value.remedy
