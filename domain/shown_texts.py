"""Texts as people may read them: on one line, free of what steers a terminal, and not too long."""

from __future__ import annotations


def printable(text: object) -> str:
    """`text` on one line and free of what would steer a terminal: some of it is a stranger's."""
    flat = " ".join(str(text).split())
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in flat)


def visible(line: object) -> str:
    """The line as it stands, spaces included, free of what would steer a terminal or begin another line."""
    return "".join(_visible(letter) for letter in str(line))


def _visible(letter: str) -> str:
    if letter.isprintable():
        return letter
    return " " if letter.isspace() else "\N{REPLACEMENT CHARACTER}"


def cut(text: str, longest: int) -> str:
    """`text` in at most that many characters, ended behind a word."""
    if len(text) <= longest:
        return text
    kept = text[: longest - 1]
    whole = kept.rpartition(" ")[0].rstrip(" ,;:")
    return f"{whole if len(whole) > longest // 2 else kept}…"


def brief(text: str, longest: int) -> str:
    """`text` cut to about that many characters, with how much is left out in words."""
    if len(text) <= longest:
        return text
    kept = cut(text, longest)
    return f"{kept} ({len(text) - len(kept) + 1:,} more characters)"
