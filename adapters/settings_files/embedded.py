"""Addresses of the parts that `sre up` runs, where nobody named others."""

from __future__ import annotations

from pathlib import Path

from adapters import parts_file
from adapters.settings_files.assignments import Assignment, Source
from domain.errors import BadSettings
from domain.paging_settings import Security

_PLACE = "embedded"


def from_parts(home: Path) -> Source:
    """What the parts stand in for; nothing where they never ran."""
    try:
        parts = parts_file.read(home)
    except BadSettings as error:
        return Source(problems=(str(error),))
    addresses = {
        "store.url": parts.postgres.get("agent"),
        "store.files": str(home / "log-files") if parts.postgres.get("agent") else None,
        "kafka.bootstrap_servers": parts.kafka.get("bootstrap_servers"),
        "servers.prefect_api_url": parts.prefect.get("api_url"),
        "servers.mlflow_tracking_uri": parts.mlflow.get("tracking_uri"),
        "http.public_url": parts.http.get("url"),
        "paging.email.host": parts.smtp.get("host"),
        "paging.email.port": parts.smtp.get("port"),
        "paging.email.security": Security.NONE if parts.smtp.get("host") else None,  # the sink speaks plain SMTP
    }
    return Source(tuple(Assignment(key, value, _PLACE, key) for key, value in addresses.items() if value))
