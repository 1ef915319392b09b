"""What was changed about a service, as people and systems tell of it: often the cause of what breaks next."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class ChangeKind(StrEnum):
    """What kind of change."""

    DEPLOY = "deploy"  # another version runs
    CONFIG = "config"
    SCALE = "scale"
    FLAG = "flag"  # a feature was switched
    OTHER = "other"


class ChangeSource(StrEnum):
    """Who told of it."""

    HTTP = "http"  # POST /changes
    COMMAND = "command"  # `sre change`
    KUBERNETES = "kubernetes"  # rollouts that the cluster knows of
    LOGS = "logs"  # another version stands in the attributes of the service's logs


@dataclass(frozen=True, slots=True)
class Change:
    """One change."""

    at: datetime
    service: str
    kind: ChangeKind
    what: str  # in a few words, untrusted: "v1.4.2", "timeout 5 s to 1 s"
    by: str = ""  # who or what made it
    source: ChangeSource = ChangeSource.HTTP
    key: str = ""  # the same change twice has the same; empty: made of the rest
