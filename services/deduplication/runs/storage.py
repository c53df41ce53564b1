"""Where shards lie: Parquet files in a folder or an object store, each with its digest in its name.

A file appears whole or not at all, and one that is there already is not written again: doing a shard twice leaves what
doing it once does. Whoever reads a file compares its digest first.
"""

import errno
import json
import os
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
from fsspec.implementations.local import LocalFileSystem

from services.deduplication.runs.shards import DamagedError, File, Place
from shared.errors import SluiceError, TransientError, UsageError

ROW_GROUP = 128_000
FORMAT: Mapping[str, Any] = {
    "compression": "zstd",
    "compression_level": 3,
    "use_compliant_nested_type": False,  # or a list that was read back would be another type than before
}
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT}


class Storage:
    """Reads and writes the files of runs."""

    def __init__(self, place: Place) -> None:
        self.address = place.address
        self._files, self._root = _opened(place)
        self._local = isinstance(self._files, LocalFileSystem)

    def write(self, name: str, table: pa.Table) -> File:
        """Keep a table under `name` and its digest. Raises TransientError; then nothing of it is there."""
        data = as_parquet(table)
        digest = sha256(data).hexdigest()
        file = File(f"{name}-{digest[:16]}.parquet", digest, table.num_rows, len(data))
        with self._explained(file.path):
            if not self._has(file):
                self._put(self._path(file.path), data)
        return file

    def read(self, file: File, columns: Sequence[str] | None = None) -> pa.Table:
        """The table in a file, or some columns of it. Raises DamagedError if it is not the file that was written."""
        return pq.ParquetFile(pa.BufferReader(self.content(file))).read(columns, use_threads=False)

    def content(self, file: File) -> bytes:
        """The file itself, as it was written."""
        with self._explained(file.path):
            try:
                data: bytes = self._files.cat_file(self._path(file.path))
            except FileNotFoundError:
                raise DamagedError(f"{file.path} is not in {self.address}") from None
        if sha256(data).hexdigest() != file.sha256:
            raise DamagedError(f"{file.path} in {self.address} is not as it was written")
        return data

    def remove(self, run_id: str) -> None:
        """Delete what there is of a run."""
        with self._explained(run_id):
            if self._files.exists(self._path(run_id)):
                self._files.rm(self._path(run_id), recursive=True)

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}"

    def _has(self, file: File) -> bool:
        """A file that is there and was damaged is written again."""
        path = self._path(file.path)
        return bool(self._files.exists(path)) and sha256(self._files.cat_file(path)).hexdigest() == file.sha256

    def _put(self, path: str, data: bytes) -> None:
        if self._local:
            _put_durably(Path(path), data)
        else:
            self._files.pipe_file(path, data)  # an object appears when all of it has arrived

    @contextmanager
    def _explained(self, what: str) -> Iterator[None]:
        """Say what to do about a storage that fails. Object stores do so with errors of their own kinds."""
        try:
            yield
        except SluiceError:
            raise
        except Exception as error:
            remedy = "check SLUICE_DEDUPE_STORAGE, whether it is there, and who may write there"
            if getattr(error, "errno", None) in _NO_ROOM:
                remedy = "make room there, with `sluice dedupe-runs prune` perhaps"
            told = getattr(error, "strerror", None) or error
            raise TransientError(f"{what} in {self.address}: {told}; {remedy}") from error


def as_parquet(table: pa.Table) -> bytes:
    """The same bytes for the same table, in the one format of shards and results."""
    sink = pa.BufferOutputStream()
    write_parquet(sink, [table])
    return bytes(sink.getvalue())


def write_parquet(sink: Any, tables: Iterable[pa.Table]) -> None:
    """One file of all tables, the same however the rows are spread over them."""
    writer = None
    for group in _row_groups(tables):
        writer = writer or pq.ParquetWriter(sink, group.schema, **FORMAT)
        writer.write_table(group, row_group_size=ROW_GROUP)
    if writer:
        writer.close()


def _row_groups(tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """The rows in tables of one row group each, and of one chunk: where a column is cut shows in the file."""
    rest: pa.Table | None = None
    for table in tables:
        rest = table if rest is None else pa.concat_tables([rest, table])
        while rest.num_rows > ROW_GROUP:
            yield rest.slice(0, ROW_GROUP).combine_chunks()
            rest = rest.slice(ROW_GROUP)
    if rest is not None:
        yield rest.combine_chunks()


def _put_durably(path: Path, data: bytes) -> None:
    temporary = path.with_suffix(f".{secrets.token_hex(4)}.tmp")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    _sync(path.parent)


def _sync(folder: Path) -> None:
    """Have the names in a folder outlive a crash of the machine."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _opened(place: Place) -> tuple[Any, str]:
    try:
        files, root = fsspec.core.url_to_fs(place.address, **json.loads(place.options))
    except (ImportError, TypeError, ValueError) as error:  # TypeError: the options are JSON, but no object
        raise UsageError(
            f"the storage {place.address} cannot be used: {error}",
            remedy="check SLUICE_DEDUPE_STORAGE and SLUICE_DEDUPE_STORAGE_OPTIONS; s3:// needs the extra s3 of Sluice",
        ) from None
    return files, root
