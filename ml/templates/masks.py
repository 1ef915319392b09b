"""Values that show themselves by their form are masked: columns in, columns out, no loop over logs."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

# A masked value. Every run of digits becomes this one digit, so that no other digit is ever left.
VALUE = "0"
# Characters that are read of a message: what comes later in a long one is rarely of its template.
LONGEST = 1_000
# Messages that are worked on at a time, so that what is made of them stays in the processor's cache.
SLICE = 4_096

_DIGITS = np.arange(256, dtype=np.uint8)
_DIGITS[ord("0") : ord("9") + 1] = ord(VALUE)

_DAY = "(?:Mon|Tues?|Wed(?:nes)?|Thu(?:rs)?|Fri|Sat(?:ur)?|Sun)(?:day)?"
_MONTH = (
    "(?:Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sep(?:t(?:ember)?)?|Oct(?:ober)?"
    "|Nov(?:ember)?|Dec(?:ember)?)"
)
_UNIT = (
    "[KMGTPkmgtp]i?[Bb]|B|[Kk]?[Bb]ytes?|[KMG]?Hz|[mun]?s|m?secs?|millis(?:econds)?|milliseconds?|[Ss]econds?"
    "|mins?|[Mm]inutes?|hrs?|[Hh]ours?|[Dd]ays?"
)
_BEFORE = r"(^|[\s=:,(\[\"'<|])"
# In order, in the syntax of RE2, which takes time in proportion to the text; it has no look-around, so what may
# stand before a value is put back by `\1`. Digits are runs of one `0` by then.
MASKS: tuple[tuple[str, str], ...] = (
    # Leaders, as in `enabled.....1`, part a name from its value.
    (r"\.{2,}", " .. "),
    # Fri Jun 17 07:07:00 2005; 3 Jul 2024; Jul 3 10:11:12
    (rf"\b(?:{_DAY},? +)?(?:0 )?{_MONTH} +0(?:[ ,:T]+0)*(?: [A-Z]{{3,4}} 0)?\b", "0"),
    # Addresses of pages, of people
    (r"\b[A-Za-z][A-Za-z0-9+.\-]*://[^\s\"'<>(){}\[\],;]+", "0"),
    (r"\b[\w.+\-]+@[\w\-]+(?:\.[\w\-]+)+", "0"),
    # Paths of files: /var/log/x, C:\Windows\x
    (_BEFORE + r"(?:[A-Za-z]:)?(?:[/\\]+[\w.$%+~@#*\-]+)+[/\\]*", r"\10"),
    # UUIDs, hexadecimal numbers and words, hardware and IPv6 addresses, bytes one by one, base64 that is filled up
    (r"\b(?:[0a-fA-F]+-){4}[0a-fA-F]+\b", "0"),
    (r"\b(?:0x[0a-fA-F]+|[a-fA-F]+0[0a-fA-F]*|0[a-fA-F][0a-fA-F]*)\b", "0"),
    (r"\b[a-f]{7,}\b", "0"),
    (r"\b(?:[0a-fA-F]{1,4}[:\-]+){3,}[0a-fA-F]{0,4}\b", "0"),
    (r"\b(?:[0a-fA-F]{1,2} ){3,}[0a-fA-F]{1,2}\b", "0"),
    (r"\b[A-Za-z0+/]{5,}0[A-Za-z0+/]{5,}={1,2}(\s|$|[,;:)\]}\"'])", r"0\1"),
    # A host with its port
    (r"\b(?:[A-Za-z0\-_]+\.)+[A-Za-z]{2,}:0\b", "0"),
    (r"\b(?:[Tt]rue|TRUE|[Ff]alse|FALSE|[Nn]ull|NULL)\b", "0"),
    # Numbers with a unit: 1m30s, 80x25, 5.2 KB (the point goes below, with what it leaves)
    (r"\b0[A-Za-z]{1,2}(?:0[A-Za-z]{1,2})*0?\b", "0"),
    (rf"\b0 (?:{_UNIT})\b", "0"),
    # Names that are counted: node-12, task_3_m_4, node-[40-63]; what stands before the first number stays
    (r"\b([A-Za-z]+-)\[0(?:[,\- ]+0)*\]", r"\10"),
    (r"\b([A-Za-z]+[\-_./])(?:[A-Za-z\-_./]*0)+[\w\-./]*", r"\10"),
    # Signs, and numbers joined to one: 10.0.0.7:5432, 2024-01-02, 99.5%
    (_BEFORE + r"[\-+<>~]+0", r"\10"),
    (r"0(?:[\-_.:/+#,@~*%&]*0)+%?", "0"),
)


def shapes(messages: pa.Array | pa.ChunkedArray) -> pa.ChunkedArray:
    """Each message, shape (n,), with every run of digits as one `0`; at most `LONGEST` characters, null as empty.

    One pass over the bytes of the column: on logs that differ in numbers this leaves few distinct texts at a tenth
    of the price of a regular expression. In UTF-8 no part of another character looks like a digit.
    """
    chunks = messages.chunks if isinstance(messages, pa.ChunkedArray) else [messages]
    parts = [chunk.slice(at, SLICE) for chunk in chunks for at in range(0, len(chunk), SLICE)]
    return pa.chunked_array([_collapsed(part) for part in parts], pa.large_string())


def _collapsed(messages: pa.Array) -> pa.Array:
    texts = pc.fill_null(messages.cast(pa.large_string()), "")
    if len(texts) and pc.max(pc.binary_length(texts)).as_py() > LONGEST:
        whole = pc.less_equal(pc.utf8_length(texts), LONGEST)
        # The last word is most likely cut in two.
        cut = pc.replace_substring_regex(
            pc.utf8_slice_codeunits(texts, 0, LONGEST), pattern=r"\S{0,40}$", replacement=""
        )
        texts = pc.if_else(whole, texts, cut)
    _, ends, held = texts.buffers()
    if not len(texts) or held is None:
        return texts
    ends = np.frombuffer(ends, np.int64)[texts.offset : texts.offset + len(texts) + 1]
    text = np.take(_DIGITS, np.frombuffer(held, np.uint8)[ends[0] : ends[-1]])
    ends = ends - ends[0]
    keep = _kept(text, ends)
    moved = ends - np.searchsorted(np.flatnonzero(~keep), ends)
    buffers = [None, pa.py_buffer(moved), pa.py_buffer(text[keep])]
    return pa.Array.from_buffers(pa.large_string(), len(texts), buffers)


def _kept(text: NDArray[np.uint8], ends: NDArray[np.int64]) -> NDArray[np.bool_]:
    """All bytes but the digits that follow a digit of the same message."""
    digit = text == ord(VALUE)
    keep = np.ones(len(text), np.bool_)
    keep[1:] = ~(digit[1:] & digit[:-1])
    starts = ends[:-1]
    keep[starts[starts < len(text)]] = True
    return keep


def masked(shapes: pa.Array) -> pa.Array:
    """Each of `shapes` with every value masked that shows itself by its form; meant for distinct ones."""
    for pattern, replacement in MASKS:
        shapes = pc.replace_substring_regex(shapes, pattern=pattern, replacement=replacement)
    return shapes
