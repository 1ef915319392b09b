"""The demo's SMTP sink, as its own process."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.channels.email import EmailChannel
from domain.paging_settings import EmailSettings, PagingSettings, Security
from tests.contracts.pages_part import a_page

PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture
def sink(tmp_path: Path) -> Iterator[tuple[int, Path]]:
    """A running sink: its port and its folder."""
    folder = tmp_path / "mails"
    command = [sys.executable, "-m", "deployments.smtp_sink", "--port", "0", "--folder", str(folder)]
    process = subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True)
    try:
        greeting = process.stdout.readline()
        yield int(greeting.split("127.0.0.1:")[1].split(",")[0]), folder
    finally:
        process.terminate()
        assert process.wait(10) == 0
        process.stdout.close()


def test_a_mail_is_kept_as_a_file_and_a_repeat_as_another(sink: tuple[int, Path]) -> None:
    port, folder = sink
    settings = EmailSettings(host="127.0.0.1", port=port, security=Security.NONE)
    channel = EmailChannel(PagingSettings(email=settings))
    first = channel.send(a_page())
    channel.send(a_page())
    channel.send(a_page(key="another"))
    kept = sorted(folder.iterdir())
    assert [path.suffix for path in kept] == [".eml"] * 3
    hashes = [path.stem.split("-")[1] for path in kept]
    assert hashes[0] == hashes[1] != hashes[2]
    assert first.message_id in kept[0].read_text()


def test_it_listens_on_loopback_only(sink: tuple[int, Path]) -> None:
    port, _ = sink
    listening = Path("/proc/net/tcp").read_text().splitlines()
    hosts = {line.split()[1].split(":")[0] for line in listening if f":{port:04X} 00000000:0000 0A" in line}
    assert {"0100007F"} == hosts
