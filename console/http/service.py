"""What the service works with; nothing in it can sign."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Protocol

from fastapi import Depends, Request

from adapters.link_keys import LinkVerifier
from adapters.store.database import Engine
from console.http.desk import Desk
from console.http.exposition import Exposition
from console.http.refusals import Refusals
from domain.http_settings import HttpSettings
from domain.kafka_settings import KafkaSettings
from domain.people import People
from domain.roster import Roster

Log = tuple[bytes, bytes]  # value and key


class LogIntake(Protocol):
    """Where posted logs go."""

    def send(self, logs: Sequence[Log]) -> None:
        """Returns once all of them are acknowledged. Raises Unavailable or Refused."""
        ...


@dataclass(frozen=True)
class Service:
    """One running service."""

    engine: Engine
    settings: HttpSettings
    verifier: LinkVerifier
    people: People
    roster: Callable[[], Roster]
    logs: LogIntake
    refusals: Refusals
    clock: Callable[[], datetime]
    mask: Callable[[str], str]  # what came out of logs, without secrets
    kafka: KafkaSettings  # by which posted logs are read
    exposition: Exposition  # what is told of ourselves
    desk: Desk = field(default_factory=Desk)  # what the pages show beside rows
    slack_secret: str = ""
    pagerduty_secret: str = ""


def of(request: Request) -> Service:
    """The service that the request came to."""
    found: Service = request.app.state.service
    return found


async def raw(request: Request) -> bytes:
    """The body as it came; signatures are over exactly that."""
    return await request.body()


Ours = Annotated[Service, Depends(of)]
Body = Annotated[bytes, Depends(raw)]
