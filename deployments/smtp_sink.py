"""An SMTP server for the demo: it accepts every mail on loopback and keeps it as a file.

Run with `python -m deployments.smtp_sink --port 2525 --folder .sre/mails`.
"""

from __future__ import annotations

import asyncio
import hashlib
import signal
from datetime import UTC, datetime
from email.parser import BytesHeaderParser
from pathlib import Path

import click
from aiosmtpd.smtp import SMTP, Envelope, Session

HOST = "127.0.0.1"


def file_name(content: bytes, now: datetime) -> str:
    """Name of a mail's file: arrival time, then a hash of its Message-ID, so that repeats sort together by hash."""
    message_id = str(BytesHeaderParser().parsebytes(content).get("Message-ID", "")).strip()
    return f"{now:%Y%m%dT%H%M%S.%fZ}-{hashlib.sha256(message_id.encode()).hexdigest()[:16]}.eml"


def keep(content: bytes, folder: Path, now: datetime) -> Path:
    """Write the mail so that a reader of the folder sees all of it or nothing."""
    target = folder / file_name(content, now)
    unfinished = target.with_name(f".{target.name}.part")
    unfinished.write_bytes(content)
    return unfinished.replace(target)


class KeepMails:
    """What aiosmtpd calls for each mail."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - its name
        """Keep the mail, or ask to try later when the folder does not take it."""
        content = envelope.original_content or b""
        try:
            path = await asyncio.to_thread(keep, content, self.folder, datetime.now(UTC))
        except OSError as error:
            return f"451 {error.strerror}"
        return f"250 kept as {path.name}"


async def serve(port: int, folder: Path) -> None:
    """Serve until SIGTERM or SIGINT."""
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    handler = KeepMails(folder)
    server = await loop.create_server(lambda: SMTP(handler, hostname="localhost", ident="sre-agent sink"), HOST, port)
    address, chosen = server.sockets[0].getsockname()[:2]
    click.echo(f"smtp sink on {address}:{chosen}, mails in {folder}")
    async with server:
        await stopped.wait()


@click.command(epilog="Example: python -m deployments.smtp_sink --port 2525 --folder .sre/mails")
@click.option("--port", type=int, required=True, help="Port on loopback; 0 chooses a free one and prints it.")
@click.option("--folder", type=click.Path(path_type=Path, file_okay=False), required=True, help="Where mails are kept.")
def main(port: int, folder: Path) -> None:
    """Accept every mail on loopback and keep it as a file."""
    folder.mkdir(parents=True, exist_ok=True)
    asyncio.run(serve(port, folder))


if __name__ == "__main__":
    main()
