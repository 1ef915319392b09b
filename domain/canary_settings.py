"""The settings of the agent's test of itself."""

from __future__ import annotations

from pydantic import Field, SecretStr, field_validator

from domain.contacts import Contact, ContactKind
from domain.settings_branch import Branch


class CanarySettings(Branch):
    """A known fault that goes the whole way every hour."""

    enabled: bool = True
    """Off: the hourly run does nothing."""
    seconds: float = Field(120, gt=0, le=3_600)
    """From the logs of a known fault to its page, at most; longer is a miss, which pages people."""
    contact: str = Field("file canary", pattern=r"^[a-z]+ \S.*$")
    """Kind and name of the contact that its page goes to, and nobody else, such as `webhook canary`."""
    heartbeat: SecretStr = SecretStr("")
    """For a dead man's switch: /a/file, or a URL that takes a POST, told after each run that came through."""

    @field_validator("contact")
    @classmethod
    def _of_a_known_kind(cls, value: str) -> str:
        kind = value.partition(" ")[0]
        if kind not in set(ContactKind):
            raise ValueError(f"{kind} is no channel; there are {', '.join(ContactKind)}")
        return value

    @property
    def to(self) -> Contact:
        """The contact that `contact` names."""
        kind, _, name = self.contact.partition(" ")
        return Contact(ContactKind(kind), name.strip())
