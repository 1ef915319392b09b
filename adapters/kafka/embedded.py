"""The embedded broker: librdkafka's mock cluster in a process of its own, for the demo and for quick tests.

Its own port changes with every start, so a relay on a fixed port leads clients to it: a client that lost
the broker asks there again and learns the new port.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import signal
import uuid
from collections.abc import Mapping
from pathlib import Path

LIMITS = "bounded (about 5 MB or 100,000 messages per partition, older ones vanish) and not durable"
CHUNK = 65_536


def answers(client: Mapping[str, str], seconds: float = 2) -> str:
    """Empty when the cluster tells its brokers, else what the client said."""
    from confluent_kafka import KafkaException  # noqa: PLC0415 - the command line must not wait for it
    from confluent_kafka.admin import AdminClient  # noqa: PLC0415 - as above

    silent = {"log_level": 0, "socket.timeout.ms": round(seconds * 1000)}
    try:
        AdminClient({**silent, **client}).list_topics(timeout=seconds)
    except KafkaException as error:
        return str(error.args[0].str())
    return ""


def incarnation_file(home: Path) -> Path:
    """Where the broker writes a new name at every start: it forgets everything, and its topics have no ids."""
    return home / "run" / "kafka.incarnation"


def incarnation(home: Path) -> str:
    """The present start's name; empty when no embedded broker ever ran here."""
    file = incarnation_file(home)
    return file.read_text() if file.exists() else ""


def topic_identity(home: Path) -> str:
    """What stands for the id of every topic of the embedded broker."""
    return f"embedded {incarnation(home)}"


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copy one direction until either side ends."""
    with contextlib.suppress(ConnectionError):
        while chunk := await reader.read(CHUNK):
            writer.write(chunk)
            await writer.drain()
    writer.close()


async def relay(port: int, target: int) -> None:
    """Lead connections on loopback `port` to `target`, until SIGTERM."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", target)
        except OSError:
            writer.close()
            return
        await asyncio.gather(pump(reader, far_writer), pump(far_reader, writer))

    over = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, over.set)
    server = await asyncio.start_server(connected, "127.0.0.1", port)
    print(f"embedded Kafka broker on 127.0.0.1:{port}: {LIMITS}", flush=True)  # noqa: T201 - a server's own log
    await over.wait()
    server.close()


def main() -> None:
    """Run a broker until SIGTERM."""
    from confluent_kafka import Producer  # noqa: PLC0415 - as above

    arguments = argparse.ArgumentParser(description=f"Embedded Kafka broker: {LIMITS}.")
    arguments.add_argument("--port", type=int, required=True, help="loopback port, the same after a restart")
    port = arguments.parse_args().port
    # the cluster lives as long as this producer
    cluster = Producer({"test.mock.num.brokers": 1, "bootstrap.servers": "ignored"})
    if home := os.environ.get("SRE_HOME"):
        incarnation_file(Path(home)).write_text(uuid.uuid4().hex)
    broker = next(iter(cluster.list_topics(timeout=10).brokers.values()))
    asyncio.run(relay(port, broker.port))


if __name__ == "__main__":
    main()
