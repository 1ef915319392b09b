"""Lines of plain text: the message is the line, the service its header or topic, the level its leading token."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

from adapters.formats.columns import Messages, levels, table
from domain.logs import LEVEL_NAMES, UTC_MICROSECONDS, Wire

SERVICE_HEADER = "service"
MILLISECOND = 1_000
# A level in front of the line, bare, in brackets or before a colon; dates, times and brackets may stand before it.
NAMES = "|".join(sorted(LEVEL_NAMES, key=len, reverse=True))
LEADING = r"(?i)^[\s\[(<]*(?:\d[\d:.,/TZ+\- ]*(?:Z|UTC)?[\])>\s|,-]+)?[\[(<]*\b(?P<level>" + NAMES + r")\b"


def read(messages: Messages, headers: Mapping[int, Mapping[str, str]]) -> pa.Table:
    """Lines as columns; `headers` by the message's number in the batch."""
    numbers = messages.rows.to_pylist()
    lines = pc.utf8_trim(messages.texts, " \t\r\n")
    level, _ = levels(pc.struct_field(pc.extract_regex(lines, LEADING), "level"))
    services = [headers.get(number, {}).get(SERVICE_HEADER) or messages.topics[number] for number in numbers]
    sent = [messages.sent[number] * MILLISECOND or None for number in numbers]
    at = pa.array(sent, pa.int64()).cast(UTC_MICROSECONDS)
    return table(
        Wire.PLAIN,
        {
            "row": messages.rows,
            "timestamp": at,
            "service": pa.array(services, pa.string()),
            "level": level,
            "message": lines,
            "fault": pc.if_else(at.is_null(), "no time: plain text has that of the broker, which gave none", None),
        },
    )
