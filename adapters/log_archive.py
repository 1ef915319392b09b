"""Files of compacted logs: a folder or an object store, by a path or a URI such as `s3://bucket/logs`."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import fs

from adapters.log_blocks import LEVEL, there, write
from adapters.parquet_keys import HEAD_BYTES, MARK, decryption, encryption, sealing_key
from adapters.sealing import in_use
from domain.errors import BadSettings, Refused, Unavailable


class Gone(Refused):
    """A file is not there: it was dropped or sealed anew since it was listed, or somebody took it away."""


class Archive:
    """Where files lie. Raises Unavailable or Refused for what cannot be read or written."""

    def __init__(self, where: str | Path) -> None:
        self.where = str(where)

    def _open(self) -> fs.FileSystem:
        try:
            if "://" in self.where:
                system, root = fs.FileSystem.from_uri(self.where)
            else:
                system, root = fs.LocalFileSystem(), str(Path(self.where).absolute())
            return fs.SubTreeFileSystem(root, system)
        except (pa.ArrowInvalid, OSError, ValueError) as error:
            raise BadSettings(f"store.files: {self.where} is neither a folder nor an object store: {error}") from error

    def write(self, path: str, logs: pa.Table, *, level: int = LEVEL) -> int:
        """Write a file whole and to the disk, sealed where this process seals; its size in bytes."""
        system = self._open()
        try:
            system.create_dir(str(Path(path).parent), recursive=True)
            with system.open_output_stream(path) as sink:
                write(logs, sink, level=level, encryption=encryption(in_use()))
            self._to_disk(path)
            return int(system.get_file_info(path).size or 0)
        except OSError as error:
            raise Unavailable(f"store.files: {self.where}/{path} cannot be written: {error}") from error

    def _to_disk(self, path: str) -> None:
        """After a power cut a row must not name a file that was never written; an object store sees to that itself."""
        if "://" in self.where:
            return
        file = Path(self.where).absolute() / path
        for written in (file, file.parent):
            descriptor = os.open(written, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)

    def read(
        self, path: str, names: Sequence[str] | None, filters: list[tuple[str, str, object]] | None = None
    ) -> pa.Table:
        """Those of its columns and rows."""
        try:
            with self._open().open_input_file(path) as file:
                held = pq.read_schema(file, decryption_properties=decryption(in_use()))
                return pq.read_table(
                    file,
                    columns=there(held, names),
                    filters=filters or None,
                    decryption_properties=decryption(in_use()),
                )
        except FileNotFoundError as error:
            raise Gone(f"store.files: {self.where}/{path} is gone; its logs cannot be shown") from error
        except (pa.ArrowInvalid, OSError) as error:
            raise Unavailable(f"store.files: {self.where}/{path} cannot be read: {error}") from error

    def copy_out(self, path: str, target: Path) -> None:
        """Copy a file, as it lies there, to this machine."""
        try:
            with self._open().open_input_stream(path, compression=None) as source, target.open("wb") as sink:
                shutil.copyfileobj(source, sink)
        except FileNotFoundError as error:
            raise Gone(f"store.files: {self.where}/{path} is gone") from error
        except (pa.ArrowInvalid, OSError) as error:
            raise Unavailable(f"store.files: {self.where}/{path} cannot be copied: {error}") from error

    def copy_in(self, path: str, source: Path) -> None:
        """Put a file there, as it lies on this machine, and on the disk."""
        system = self._open()
        try:
            system.create_dir(str(Path(path).parent), recursive=True)
            with source.open("rb") as held, system.open_output_stream(path, compression=None) as sink:
                shutil.copyfileobj(held, sink)
            self._to_disk(path)
        except OSError as error:
            raise Unavailable(f"store.files: {self.where}/{path} cannot be written: {error}") from error

    def key_of(self, path: str) -> str:
        """The id of the master key that the file asks for; nothing for one that is plain."""
        try:
            with self._open().open_input_file(path) as file:
                size = file.size()
                end = file.read_at(min(8, size), max(0, size - 8))
                if not end.endswith(MARK):
                    return ""
                footer = int.from_bytes(end[:4], "little")
                return sealing_key(file.read_at(min(footer, HEAD_BYTES), size - 8 - footer))
        except FileNotFoundError as error:
            raise Gone(f"store.files: {self.where}/{path} is gone") from error
        except (pa.ArrowInvalid, OSError) as error:
            raise Unavailable(f"store.files: {self.where}/{path} cannot be read: {error}") from error

    def remove(self, path: str) -> None:
        """Remove a file; one that is gone is removed."""
        try:
            self._open().delete_file(path)
        except FileNotFoundError:
            return
        except OSError as error:
            raise Unavailable(f"store.files: {self.where}/{path} cannot be removed: {error}") from error

    def paths(self) -> list[str]:
        """Every file that is there."""
        try:
            found = self._open().get_file_info(fs.FileSelector("", recursive=True, allow_not_found=True))
        except OSError as error:
            raise Unavailable(f"store.files: {self.where} cannot be listed: {error}") from error
        files = [one for one in found if one.type is fs.FileType.File]
        return sorted(one.path for one in files)
