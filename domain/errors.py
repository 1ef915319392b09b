"""What can go wrong, as one tree; every error says what, where and what to do.

    SreError
    ├── BadInput            the caller gave something that cannot be right
    │   ├── BadSettings     … a setting: file, key, nearest valid key
    │   ├── BadPlaybook     … a playbook: file and line
    │   └── BadBatch        … columns that are not a batch of logs
    ├── Unavailable         the outside did not answer: trying again may help
    │   └── Later           … it said when to come again
    ├── Refused             the outside said no: trying again will not help
    │   └── Unreadable      … or what it said is no answer, and may have cost something
    └── OffsetLost          another consumer committed first, or a topic is not the one we knew

Foreign exceptions are turned into these at the adapter and never travel further.
"""

from __future__ import annotations


class SreError(Exception):
    """Base of all errors the agent raises on purpose."""


class BadInput(SreError):
    """The caller gave something that cannot be right."""


class BadSettings(BadInput):
    """A setting that does not exist or cannot have that value."""


class BadPlaybook(BadInput):
    """A playbook that cannot be followed as it is written."""


class BadBatch(BadInput):
    """Columns that do not make a batch of logs."""


class Unavailable(SreError):
    """The outside did not answer; trying again may help."""


class Later(Unavailable):
    """The outside asks to come again after some time (Retry-After)."""

    def __init__(self, message: str, seconds: float) -> None:
        super().__init__(message)
        self.seconds = seconds


class Refused(SreError):
    """The outside said no; trying again will not help."""


class Unreadable(Refused):
    """The outside answered with what is no answer."""


class OffsetLost(SreError):
    """Another consumer committed this partition first; drop the batch, re-read, seek."""
