"""What supervisord runs: each part as a command, its environment and how to stop it."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from adapters.postgres import Embedded
from deployments.layout import Home

POOLS = ("watch", "on-call")
QUEUE = "long-lived"  # of each pool, see prefect.yaml
HOUR = 3600
OWN_NAMES = ("127.0.0.1", "localhost")  # by which a browser on this machine reaches Prefect's pages
# One task run a batch leaves 13 kB of events; the triggers need the last minutes only.
SHORT_LIVED_EVENTS = (
    "prefect.flow-run.heartbeat",
    *(f"prefect.task-run.{state}" for state in ("Pending", "Running", "Completed", "Failed", "Crashed")),
)


@dataclass(frozen=True, slots=True)
class Program:
    """One process under supervisord."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    user: str = ""  # system user; empty: supervisord's own
    directory: Path | None = None  # None: the project
    stop_signal: str = "TERM"
    stop_seconds: int = 15  # then SIGKILL


def python(module: str, *arguments: str) -> tuple[str, ...]:
    """Command that runs a module with this interpreter."""
    return (sys.executable, "-m", module, *arguments)


def postgres(server: Embedded) -> Program:
    """The embedded database; SIGINT ends it without waiting for its clients."""
    return Program(
        "postgres",
        tuple(server.command()),
        user=server.user,
        directory=server.folder,
        stop_signal="INT",
        stop_seconds=60,
    )


def embedded_kafka(port: int) -> Program:
    """The bounded broker inside one process."""
    return Program("kafka", python("adapters.kafka.embedded", "--port", str(port)))


def real_kafka(folder: Path, port: int) -> Program:
    """Apache Kafka, from jars that are there already."""
    return Program("kafka", python("deployments.kafka_server", "run", "--folder", str(folder), "--port", str(port)))


def prefect_server(home: Home, server: Embedded, port: int) -> Program:
    """Prefect's API, services and pages on the embedded database."""
    url = server.url("prefect").replace("postgresql://", "postgresql+asyncpg://", 1)
    return Program(
        "prefect",
        python("prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)),
        {
            "PREFECT_HOME": str(home.folder / "prefect"),
            "PREFECT_API_URL": f"http://127.0.0.1:{port}/api",
            "PREFECT_API_DATABASE_CONNECTION_URL": url,
            # Runs hold credentials: a page from elsewhere that somebody looks at must not start one.
            "PREFECT_SERVER_CSRF_PROTECTION_ENABLED": "true",
            "PREFECT_SERVER_CORS_ALLOWED_ORIGINS": ",".join(f"http://{name}:{port}" for name in OWN_NAMES),
            "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
            "PREFECT_SERVER_EVENTS_RETENTION_PERIOD": "P1D",
            "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "events,flow_runs",
            "PREFECT_SERVER_SERVICES_DB_VACUUM_LOOP_SECONDS": "600",
            "PREFECT_SERVER_SERVICES_DB_VACUUM_RETENTION_PERIOD": str(48 * HOUR),
            "PREFECT_SERVER_SERVICES_DB_VACUUM_EVENT_RETENTION_OVERRIDES": json.dumps(
                dict.fromkeys(SHORT_LIVED_EVENTS, HOUR)
            ),
        },
    )


def mlflow_server(home: Home, server: Embedded, port: int) -> Program:
    """MLflow's tracking and registry on the embedded database, artifacts in a folder."""
    address = f"http://127.0.0.1:{port}"
    return Program(
        "mlflow",
        python(
            "deployments.launch",
            *python("mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"),
            *("--backend-store-uri", server.url("mlflow").replace("postgresql://", "postgresql+psycopg://", 1)),
            *("--serve-artifacts", "--artifacts-destination", str(home.folder / "mlflow")),
        ),
        {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_TRACKING_URI": address},
    )


def smtp_sink(home: Home, port: int) -> Program:
    """The demo's mail server, which keeps mails as files."""
    return Program("smtp", python("deployments.smtp_sink", "--port", str(port), "--folder", str(home.folder / "mails")))


def worker_of(member: str) -> str:
    """The name of a member's worker."""
    return f"worker-{member}"


def worker(home: Home, member: str, environment: Mapping[str, str]) -> Program:
    """The worker of one member of a role. While a run of its works, it does not heed SIGTERM."""
    return Program(
        worker_of(member),
        python("deployments.worker", member),
        {"PREFECT_HOME": str(home.folder / f"prefect-{member}"), "PREFECT_WORKER_QUERY_SECONDS": "2", **environment},
        stop_seconds=8,
    )


def http(port: int, environment: Mapping[str, str]) -> Program:
    """The service that takes answers, alerts and logs."""
    return Program("http", python("console.http", "--port", str(port)), environment, stop_seconds=10)


def keeper(api_url: str) -> Program:
    """Starts a long-lived run that no trigger started."""
    return Program("keeper", python("deployments.keeper"), {"PREFECT_API_URL": api_url})


def section(program: Program, home: Home) -> str:
    """The program as a section of supervisord's configuration."""
    environment = {"SRE_PART": program.name, **program.environment}
    lines = {
        "command": shlex.join(program.command),
        "directory": str(program.directory or home.project),
        "environment": ",".join(f"{name}={quoted(value)}" for name, value in sorted(environment.items())),
        "autostart": "false",  # `sre up` starts the parts in order
        "autorestart": "true",
        "startsecs": "1",
        "startretries": "10",
        "stopsignal": program.stop_signal,
        "stopwaitsecs": str(program.stop_seconds),
        "redirect_stderr": "true",
        "stdout_logfile": str(home.logs / f"{program.name}.log"),
        "stdout_logfile_maxbytes": "10MB",
        "stdout_logfile_backups": "2",
    }
    if program.user:
        lines["user"] = program.user
    escaped = (f"{name}={value.replace('%', '%%')}" for name, value in lines.items())
    return "\n".join((f"[program:{program.name}]", *escaped))


def quoted(value: str) -> str:
    """A value as supervisord's `environment=` takes it: it strips the quotes and knows no escapes."""
    mark = "'" if '"' in value else '"'
    return f"{mark}{value}{mark}"
