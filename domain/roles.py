"""What an alert says about itself: whether it names what is broken, or waits for somebody else."""

from __future__ import annotations

import re
from functools import lru_cache

from domain.incidents import AlertRole

# English words by which a program says that it waits for another one.
WAITING = re.compile(
    r"time[ds]?[ -]?out|deadline exceeded|upstream|downstream|bad gateway|not responding|no response"
    r"|service unavailable|circuit|dependency|backend",
    re.IGNORECASE,
)
# Words for what can be broken by itself.
RESOURCE = re.compile(
    r"\bdisks?\b|no space|filesystem|read-only|\bmemory\b|\boom\b|heap|certificate|corrupt"
    r"|deadlock|segfault|segmentation|panic|null ?pointer|assertion|config(?:uration)?\b|migration|licen[cs]e"
    r"|checksum|core dump|out of range|duplicate key|file descriptors|too many open files|\bleak",
    re.IGNORECASE,
)
LONGEST = 500  # of a text; whoever has not said by then what it is does not say it


@lru_cache(maxsize=10_000)
def _said(text: str) -> AlertRole:
    if RESOURCE.search(text):
        return AlertRole.CAUSE
    return AlertRole.EFFECT if WAITING.search(text) else AlertRole.PLAIN


def role_of(text: str, playbook: str) -> AlertRole:
    """The role of an alert with that text, for which there is that playbook or none."""
    return AlertRole.CAUSE if playbook else _said(text[:LONGEST])
