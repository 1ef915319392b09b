"""From settings to a service that listens."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import uvicorn

from adapters import link_keys
from adapters.answering_users import AnsweringUsers
from adapters.kafka.edges import topic_edges
from adapters.parts_file import PROJECT
from adapters.store.database import Engine
from adapters.store.opening import database_of
from adapters.store.own_figures import figures
from adapters.trust import trust
from console.http.app import create
from console.http.desk import Desk
from console.http.exposition import Exposition
from console.http.intake import TopicIntake
from console.http.patience import Patient
from console.http.refusals import Refusals
from console.http.service import Service
from domain.errors import BadSettings
from domain.http_settings import exposure_problem
from domain.masking import masked_urls
from domain.settings import Settings, people_of

MOST_HEAD_BYTES = 16_384
ENDING_SECONDS = 5
EDGE_SECONDS = 2.0  # a broker that hangs delays figures by no more


def wall_clock() -> datetime:
    """Now."""
    return datetime.now(UTC)


def service(
    tree: Settings,
    home: Path,
    mask: Callable[[str], str] = masked_urls,
    origins: Mapping[str, str] | None = None,
) -> Service:
    """What the service needs; `origins`: where each setting came from, for the page that shows them.

    Raises BadSettings where it would be open to anybody, or has no database; Unavailable before a key was made.
    """
    if problem := exposure_problem(tree.http):
        raise BadSettings(problem)
    trust(tree.calls.ca_file)
    engine = database_of(tree)
    return Service(
        engine=engine,
        settings=tree.http,
        verifier=link_keys.verifier(home),
        people=people_of(tree),
        roster=AnsweringUsers(PROJECT / tree.paging.on_call if tree.paging.on_call else None).current,
        logs=TopicIntake(tree.kafka),
        refusals=Refusals(engine),
        clock=wall_clock,
        mask=mask,
        kafka=tree.kafka,
        exposition=_exposition(engine, tree),
        desk=Desk(tree, origins or {}, home),
        slack_secret=tree.paging.slack.signing_secret.get_secret_value(),
        pagerduty_secret=tree.paging.pagerduty.webhook_secret.get_secret_value(),
    )


def _exposition(engine: Engine, tree: Settings) -> Exposition:
    kafka, promised = tree.kafka, tree.detection.false_alarms_per_day
    return Exposition(
        lambda: figures(engine, kafka.topic, now=wall_clock()),
        lambda: {number: end for number, (_, end) in topic_edges(kafka, EDGE_SECONDS).items()},
        wall_clock,
        promised=promised,
    )


def _file(name: str, setting: str) -> str | None:
    """A file of the settings. Raises BadSettings where it is not there."""
    if not name:
        return None
    path = PROJECT / name
    if not path.is_file():
        raise BadSettings(f"http.{setting}: {path} is no file")
    return str(path)


def server(made: Service, host: str, port: int) -> uvicorn.Server:
    """The service behind limits, by `Patient` and `Guard`; tokens are in its paths, so requests are not logged."""
    return uvicorn.Server(
        uvicorn.Config(
            create(made),
            host=host,
            port=port,
            http=Patient,
            lifespan="off",
            access_log=False,
            log_level="warning",
            server_header=False,
            ssl_certfile=_file(made.settings.certificate, "certificate"),
            ssl_keyfile=_file(made.settings.key, "key"),
            timeout_keep_alive=5,
            timeout_graceful_shutdown=ENDING_SECONDS,
            h11_max_incomplete_event_size=MOST_HEAD_BYTES,
        )
    )
