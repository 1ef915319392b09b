"""Kafka's configuration file and the command that makes its storage."""

from __future__ import annotations

import base64
import uuid
from pathlib import Path

LARGEST_MESSAGE = 4_194_304  # more than we take, so that a log that is too long arrives and is told apart


def properties(folder: Path, port: int, controller_port: int) -> dict[str, str]:
    """One broker that is its own controller, on loopback; nothing is replicated."""
    return {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.voters": f"1@127.0.0.1:{controller_port}",
        "controller.listener.names": "CONTROLLER",
        "listeners": f"PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{port}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "log.dirs": str(folder / "data"),
        "num.partitions": "3",
        "message.max.bytes": str(LARGEST_MESSAGE),
        "replica.fetch.max.bytes": str(LARGEST_MESSAGE),
        "log.retention.hours": "48",
        "log.cleaner.dedupe.buffer.size": "16777216",
        "group.initial.rebalance.delay.ms": "0",
        "group.min.session.timeout.ms": "1000",
        "offsets.topic.num.partitions": "4",
        "offsets.topic.replication.factor": "1",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "share.coordinator.state.topic.replication.factor": "1",
        "share.coordinator.state.topic.min.isr": "1",
    }


def write_properties(folder: Path, port: int, controller_port: int) -> Path:
    """Write server.properties; its path."""
    path = folder / "server.properties"
    lines = (f"{name}={value}\n" for name, value in properties(folder, port, controller_port).items())
    path.write_text("".join(lines))
    return path


def format_command(properties: Path) -> list[str]:
    """Class and arguments that make the storage, under a new cluster id."""
    identity = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    return ["kafka.tools.StorageTool", "format", f"--cluster-id={identity}", "--config", str(properties)]
