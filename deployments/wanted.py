"""Which parts shall run: what the settings name is not started, the rest is embedded."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from deployments.layout import Home
from domain.errors import BadSettings
from domain.http_settings import HttpSettings, exposure_problem
from domain.kafka_settings import KafkaSettings
from domain.members import members
from domain.settings import Settings


class Broker(StrEnum):
    """Which Kafka carries the logs."""

    EMBEDDED = "embedded"
    REAL = "real"
    EXTERNAL = "external"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What `sre up` starts; an address means that this server is there already."""

    kafka: Broker
    kafka_servers: str = ""
    store_url: str = ""
    prefect_api_url: str = ""
    mlflow_tracking_uri: str = ""
    sink: bool = False
    reading: KafkaSettings = field(
        default_factory=KafkaSettings
    )  # topic, start and client settings, whichever Kafka it is
    http: HttpSettings | None = None  # None: the service is not started
    scaled: int = 0  # how many members `sre scale` asked for; 0: as many as the settings say

    def __post_init__(self) -> None:
        if self.store_url and not self.store_url.startswith("postgres"):
            raise BadSettings(
                "store.url: the flows need PostgreSQL, a postgresql:// URL; SQLite serves one process only"
            )

        if self.http and (problem := exposure_problem(self.http)):
            raise BadSettings(problem)

    @property
    def members(self) -> tuple[str, ...]:
        """The `watch` runs that share the topic."""
        return members(self.scaled or self.reading.members)

    @property
    def workers(self) -> tuple[str, ...]:
        """Who has a worker of its own."""
        return (*self.members, "on-call")

    @property
    def postgres(self) -> bool:
        """Whether the embedded database is needed."""
        return not (self.store_url and self.prefect_api_url and self.mlflow_tracking_uri)


def wanted(settings: Settings, origins: Mapping[str, str], *, kafka: str, sink: bool) -> Wanted:
    """What these settings ask for; `kafka` is embedded or real, and yields to a cluster that the settings name."""
    servers = named("kafka.bootstrap_servers", settings.kafka.bootstrap_servers, origins)
    return Wanted(
        kafka=Broker.EXTERNAL if servers else Broker(kafka),
        kafka_servers=servers,
        store_url=named("store.url", settings.store.url.get_secret_value(), origins),
        prefect_api_url=named("servers.prefect_api_url", settings.servers.prefect_api_url, origins),
        mlflow_tracking_uri=named("servers.mlflow_tracking_uri", settings.servers.mlflow_tracking_uri, origins),
        sink=sink,
        reading=settings.kafka,
        http=_without_our_address(settings.http, origins) if settings.http.enabled else None,
    )


def _without_our_address(http: HttpSettings, origins: Mapping[str, str]) -> HttpSettings:
    """An address of the last start says nothing about this one."""
    return http.model_copy(update={"public_url": named("http.public_url", http.public_url, origins)})


def named(key: str, value: str, origins: Mapping[str, str]) -> str:
    """The address that somebody named; empty when it is that of our own part."""
    return "" if origins.get(key) == "embedded" else value


def remember(home: Home, wanted: Wanted) -> None:
    """Keep the options of this start, so that a repeated `sre up` asks for the same."""
    kafka = Broker.EMBEDDED if wanted.kafka is Broker.EXTERNAL else wanted.kafka
    options = {"kafka": kafka.value, "sink": wanted.sink, "scaled": wanted.scaled}
    (home.run / "options.json").write_text(json.dumps(options))


def remembered(home: Home) -> tuple[str, bool]:
    """Options of the start that is still up: which Kafka, and whether with the sink."""
    options = _options(home)
    return options.get("kafka", "embedded"), options.get("sink", False)


def scaled(home: Home) -> int:
    """How many members `sre scale` asked for since the start that is still up; 0 when nobody did."""
    return int(_options(home).get("scaled", 0))


def _options(home: Home) -> dict[str, Any]:
    path = home.run / "options.json"
    found: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    return found


def forget(home: Home) -> None:
    """After `sre down` the next start begins with the defaults."""
    (home.run / "options.json").unlink(missing_ok=True)
