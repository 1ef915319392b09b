"""Tables as bytes that go into one column of a row."""

from __future__ import annotations

import pyarrow as pa

from domain.errors import Refused


def packed(table: pa.Table) -> bytes:
    """The table as an Arrow stream."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())


def unpacked(held: bytes, what: str, schema: pa.Schema | None = None) -> pa.Table:
    """The table again, in that schema. Raises Refused for what is none; `what` names it for the error."""
    try:
        found = pa.ipc.open_stream(held).read_all()
        return found if schema is None else found.cast(schema)
    except (pa.ArrowInvalid, ValueError) as error:
        raise Refused(f"store: {what} cannot be read: {error}") from error
