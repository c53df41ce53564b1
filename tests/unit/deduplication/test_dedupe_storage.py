"""Files of shards: whole or not there, the same for the same table, and known when they are damaged."""

import errno
import io
import os
from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from services.deduplication.runs.shards import DamagedError, Place
from services.deduplication.runs.storage import Storage, as_parquet, write_parquet
from shared.errors import TransientError, UsageError

TABLE = pa.table({"name": ["Acme", "Bolt", None], "tokens": [["a"], [], None], "number": [1, 2, 3]})


@pytest.fixture(params=["folder", "objects"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    return Storage(Place(str(tmp_path) if request.param == "folder" else f"memory://{tmp_path}"))


def test_a_table_comes_back_as_it_was(storage: Storage) -> None:
    file = storage.write("run/score/edges-0000", TABLE)
    assert storage.read(file).equals(TABLE)
    assert file.path == f"run/score/edges-0000-{file.sha256[:16]}.parquet"
    assert storage.write("run/score/edges-0000", TABLE) == file


def test_the_same_rows_are_the_same_bytes_however_they_were_cut() -> None:
    big = pa.concat_tables([TABLE] * 90_000)
    cuts = [0, 1, 1, 100_000, 200_000, len(big)]
    pieces = [big.slice(start, end - start) for start, end in pairwise(cuts)]
    file = io.BytesIO()
    write_parquet(file, pieces)
    assert file.getvalue() == as_parquet(big) == as_parquet(pa.concat_tables(pieces))
    assert pq.ParquetFile(file).read().equals(big)


def test_a_damaged_file_is_found_out_and_written_again(tmp_path: Path) -> None:
    storage = Storage(Place(str(tmp_path)))
    file = storage.write("run/score/edges-0000", TABLE)
    path = tmp_path / file.path
    for damaged in (path.read_bytes()[:-1], path.read_bytes()[:-1] + b"x", b""):
        path.write_bytes(damaged)
        with pytest.raises(DamagedError, match="is not as it was written"):
            storage.read(file)
        storage.write("run/score/edges-0000", TABLE)
        assert storage.read(file).equals(TABLE)
    path.unlink()
    with pytest.raises(DamagedError, match="is not in"):
        storage.read(file)


def test_a_full_disk_says_what_to_do_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    storage = Storage(Place(str(tmp_path)))
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(TransientError, match="No space left on device; make room there"):
            storage.write("run/score/edges-0000", TABLE)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    storage.write("run/score/edges-0000", TABLE)


def test_whatever_an_object_store_raises_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object, **__: object) -> None:
        raise LookupError("no route to the bucket")  # clients of object stores have errors of their own

    storage = Storage(Place("memory://away"))
    file = storage.write("run/score/edges-0000", TABLE)
    monkeypatch.setattr(MemoryFileSystem, "cat_file", away)
    with pytest.raises(TransientError, match="no route to the bucket; check SLUICE_DEDUPE_STORAGE"):
        storage.read(file)


def test_a_run_is_removed_with_all_its_files(storage: Storage) -> None:
    file, other = storage.write("one/score/edges-0000", TABLE), storage.write("other/score/edges-0000", TABLE)
    storage.remove("one")
    storage.remove("never")
    assert storage.read(other).equals(TABLE)
    with pytest.raises(DamagedError):
        storage.read(file)


@pytest.mark.parametrize(
    "place",
    [Place("nothing-like-it://bucket"), Place("memory://shards", "{"), Place("memory://shards", "[1]")],
    ids=["address", "no JSON", "no object"],
)
def test_what_cannot_be_used_is_a_wrong_setting(place: Place) -> None:
    with pytest.raises(UsageError, match="SLUICE_DEDUPE_STORAGE"):
        Storage(place)
