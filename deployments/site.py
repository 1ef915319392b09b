"""One home's parts, worked out before anything starts: which programs, on which ports, reached how."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from adapters import link_keys, postgres
from adapters.kafka import embedded
from adapters.kafka.cluster import Cluster
from adapters.parts_file import PROJECT, Parts, change
from adapters.postgres import Embedded
from adapters.settings_files import files_digest
from deployments import environment, kafka_server, ports, programs, supervised
from deployments.http_environment import FOR_HTTP, for_http
from deployments.kafka_server import KafkaServer
from deployments.layout import Home
from deployments.programs import Program
from deployments.wanted import Broker, Wanted
from domain.http_settings import scheme
from domain.kafka_settings import KafkaSettings
from domain.members import role_of

# Hosts that mean every address of this machine, and one of these.
EVERYWHERE: Mapping[str, str] = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - looked up, not bound to


@dataclass(frozen=True, slots=True)
class Site:
    """Everything that is known before the first part starts."""

    home: Home
    wanted: Wanted
    environ: Mapping[str, str]  # of whoever asked for the start
    ports: Mapping[str, int]
    server: Embedded | None  # None: every database is somewhere else
    real_kafka: KafkaServer | None  # the one that `make kafka` started and supervisord does not run

    @property
    def api_url(self) -> str:
        """Prefect's API."""
        return self.wanted.prefect_api_url or f"http://127.0.0.1:{self.ports['prefect']}/api"

    @property
    def tracking_uri(self) -> str:
        """MLflow's server."""
        return self.wanted.mlflow_tracking_uri or f"http://127.0.0.1:{self.ports['mlflow']}"

    @property
    def kafka(self) -> str:
        """Kafka's bootstrap servers."""
        own_start = self.real_kafka.bootstrap_servers if self.real_kafka else ""
        return self.wanted.kafka_servers or own_start or f"127.0.0.1:{self.ports['kafka']}"

    @property
    def reading(self) -> KafkaSettings:
        """What is read, with the address of the Kafka that it really is."""
        return self.wanted.reading.model_copy(update={"bootstrap_servers": self.kafka})

    def incarnation(self) -> str:
        """The topic's present incarnation. Raises Unavailable or Refused."""
        if self.wanted.kafka is Broker.EMBEDDED:
            return embedded.topic_identity(self.home.folder)
        return Cluster(self.reading).topic_id()

    @property
    def store_url(self) -> str:
        """The agent's own database."""
        return self.wanted.store_url or (self.server.url("agent") if self.server else "")

    def programs(self) -> list[Program]:
        """What supervisord runs, in the order in which `sre status` shows it."""
        found = []
        if self.server:
            found.append(programs.postgres(self.server))
        if self.wanted.kafka is Broker.EMBEDDED:
            found.append(programs.embedded_kafka(self.ports["kafka"]))
        if self.wanted.kafka is Broker.REAL and not self.real_kafka:
            found.append(programs.real_kafka(kafka_server.folder(self.home.folder), self.ports["kafka"]))
        if self.server and not self.wanted.prefect_api_url:
            found.append(programs.prefect_server(self.home, self.server, self.ports["prefect"]))
        if self.server and not self.wanted.mlflow_tracking_uri:
            found.append(programs.mlflow_server(self.home, self.server, self.ports["mlflow"]))
        if self.wanted.sink:
            found.append(programs.smtp_sink(self.home, self.ports["smtp"]))
        if self.wanted.http:
            found.append(programs.http(self.ports["http"], self.http_environment()))
        names = self.wanted.workers
        workers = [programs.worker(self.home, name, self.worker_environment(role_of(name))) for name in names]
        return [*found, *workers, programs.keeper(self.api_url)]

    def http_addresses(self) -> dict[str, str]:
        """Where this machine reaches the service, and where people do, as links say it; empty without one."""
        http = self.wanted.http
        if http is None:
            return {}
        host = EVERYWHERE.get(http.host, http.host)
        local = f"{scheme(http)}://{f'[{host}]' if ':' in host else host}:{self.ports['http']}"
        return {"local": local, "url": http.public_url or local}

    def http_environment(self) -> dict[str, str]:
        """Where its modules are, and a stamp that restarts it when its settings changed."""
        return {"PYTHONPATH": self.python_path, "SRE_STAMP": self._stamp(for_http(self.environ))}

    def _stamp(self, variables: Mapping[str, str]) -> str:
        """Changes when a setting does that comes from these variables, or from a file."""
        return environment.stamp({**variables, "": files_digest(self.environ)})

    @property
    def python_path(self) -> str:
        """The project whose flows run, then ours."""
        return os.pathsep.join(dict.fromkeys([str(self.home.project), str(PROJECT)]))

    def worker_environment(self, pool: str) -> dict[str, str]:
        """Addresses for a worker, and a stamp that restarts it when its other settings changed."""
        seen = environment.for_workers(self.environ)
        if pool == "on-call":
            seen |= environment.for_on_call(self.environ)
        return {
            "PREFECT_API_URL": self.api_url,
            "MLFLOW_TRACKING_URI": self.tracking_uri,
            "PYTHONPATH": self.python_path,
            "SRE_LOCAL_RUNS": "no" if self.wanted.prefect_api_url else "yes",
            "SRE_STAMP": self._stamp(seen),
        }

    def tell_others(self) -> Parts:
        """Write down where the parts can be reached."""
        urls = {name: self.server.url(name) for name in postgres.DATABASES} if self.server else {}
        if self.wanted.store_url:
            urls.pop("agent", None)
        sink = {"host": "127.0.0.1", "port": self.ports["smtp"], "folder": str(self.home.folder / "mails")}
        return change(
            self.home.folder,
            postgres=urls,
            kafka={"bootstrap_servers": self.kafka, "kind": self.wanted.kafka.value},
            prefect={"api_url": self.api_url, "ui_url": self.api_url.removesuffix("/api")},
            mlflow={"tracking_uri": self.tracking_uri},
            smtp=sink if self.wanted.sink else {},
            http=self.http_addresses(),
            supervisord=supervised.address(self.home),
        )


def survey(home: Home, wanted: Wanted, environ: Mapping[str, str]) -> Site:
    """Work out the site: places and ports. Makes folders, starts nothing. Raises Unavailable."""
    home.make()
    running = {name for name, info in supervised.processes(home).items() if info.pid}
    server = postgres.place(home.folder) if wanted.postgres else None
    there = kafka_server.running(kafka_server.folder(home.folder)) if wanted.kafka is Broker.REAL else None
    chosen = ports.choose(home.run / "ports.json", running)
    if wanted.http and wanted.http.port:
        chosen["http"] = wanted.http.port
    return Site(home, wanted, environ, chosen, server, there)


def write(site: Site) -> None:
    """Write what supervisord and the workers read."""
    environment.save(site.home.folder / environment.FOR_ALL, environment.for_workers(site.environ))
    environment.save(site.home.folder / environment.FOR_ON_CALL, environment.for_on_call(site.environ))
    environment.save(site.home.folder / FOR_HTTP, for_http(site.environ))
    if site.wanted.http:
        link_keys.signer(site.home.folder)  # the service waits for its public half
    supervised.write(site.home, site.programs(), root=os.geteuid() == 0)
