"""State as bytes: arrays, tables and one document, each by its name."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from typing import Any

import numpy as np
import orjson
import pyarrow as pa

from domain.errors import Refused
from ml.tables import Array

ABOUT = "about"  # the name of the document
TABLE = ".table"  # ends the names of tables


def packed(
    about: Mapping[str, Any], arrays: Mapping[str, Array], tables: Mapping[str, pa.Table] | None = None
) -> bytes:
    """All of it as bytes; no name of an array ends as those of tables do."""
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as held:
        held.writestr(ABOUT, _squeezed(np.frombuffer(orjson.dumps(about), np.uint8)))
        for name, array in arrays.items():
            held.writestr(name, _squeezed(array))
        for name, table in (tables or {}).items():
            held.writestr(name + TABLE, _stream(table))
    return sink.getvalue()


def unpacked(held: bytes) -> tuple[dict[str, Any], dict[str, Array], dict[str, pa.Table]]:
    """The document, the arrays and the tables again. Raises Refused for what is none."""
    try:
        with zipfile.ZipFile(io.BytesIO(held)) as stored:
            parts = {name: stored.read(name) for name in stored.namelist()}
        about = orjson.loads(_unsqueezed(parts.pop(ABOUT)).tobytes())
        tables = {
            name.removesuffix(TABLE): pa.ipc.open_stream(part).read_all()
            for name, part in parts.items()
            if name.endswith(TABLE)
        }
        arrays = {name: _unsqueezed(part) for name, part in parts.items() if not name.endswith(TABLE)}
    except (ValueError, KeyError, EOFError, OSError, zipfile.BadZipFile) as error:
        raise Refused(f"minutes: what judging remembers cannot be read: {error}") from error
    return about, arrays, tables


def _squeezed(array: Array) -> bytes:
    """An array in numpy's own format, by zstd: a twentieth of the time that deflate takes."""
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        np.lib.format.write_array(stream, array, allow_pickle=False)
    squeezed: bytes = sink.getvalue().to_pybytes()
    return squeezed


def _unsqueezed(held: bytes) -> Array:
    with pa.CompressedInputStream(pa.BufferReader(held), "zstd") as stream:
        found: Array = np.lib.format.read_array(stream, allow_pickle=False)
    return found


def _stream(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())
