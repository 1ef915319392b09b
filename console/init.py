"""`sre init`: a settings file for one's own cluster, what of it can be reached, and what to do next."""

from __future__ import annotations

import shlex
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from console.output import json_option, say, show_json, show_table
from domain.errors import SreError
from domain.masking import masked_urls

if TYPE_CHECKING:
    from adapters.settings_writing import Given
    from domain.settings import Settings

REACH_SECONDS = 5.0
GOOD = "answers"


@click.command(
    epilog="Example: sre init --brokers broker-1:9092 --topic my-logs --mail-to on-call@example.com"
    " --mail-server smtp.internal"
)
@click.option("--file", type=click.Path(dir_okay=False, path_type=Path), help="Where to write; sre.yaml by default.")
@click.option("--brokers", help="Kafka's host:port list; empty: `sre up` starts a broker of its own.")
@click.option("--topic", help="The topic to watch.")
@click.option("--store", help="postgresql:// URL; empty: `sre up` starts a PostgreSQL of its own.")
@click.option("--mail-to", help="Who is paged by mail, separated by commas.")
@click.option("--mail-server", help="HOST[:PORT] of the SMTP server; [::1]:587 for IPv6.")
@click.option("--page-url", help="Address that takes pages by POST.")
@click.option("--playbooks", type=click.Path(file_okay=False, path_type=Path), help="Folder of your own playbooks.")
@click.option("--yes", is_flag=True, help="Ask nothing; what no option says stays at its default.")
@click.option("--force", is_flag=True, help="Replace a file that is there.")
@json_option
@click.pass_context
def init(  # noqa: PLR0913 - one argument per option
    ctx: click.Context,
    *,
    file: Path | None,
    brokers: str | None,
    topic: str | None,
    store: str | None,
    mail_to: str | None,
    mail_server: str | None,
    page_url: str | None,
    playbooks: Path | None,
    yes: bool,
    force: bool,
    as_json: bool,
) -> None:
    """Write a commented settings file with acting off, and say what of it can be reached."""
    from adapters.parts_file import PROJECT  # noqa: PLC0415 - keeps `sre --help` fast
    from adapters.settings_writing import Given, write  # noqa: PLC0415 - as above

    path = file or Path(ctx.obj["config_file"] or PROJECT / "sre.yaml")
    ask = _ask(quiet=yes or as_json)
    mail = ask(mail_to, "Who is paged by mail, separated by commas", "")
    given = Given(
        brokers=ask(brokers, "Kafka's brokers (host:port,…; empty: one of our own)", ""),
        topic=ask(topic, "Topic to watch", "system-logs"),
        store=ask(store, "PostgreSQL (postgresql://…; empty: one of our own)", ""),
        mail_to=tuple(part.strip() for part in mail.split(",") if part.strip()),
        mail_server=ask(mail_server, "SMTP server (host:port)", "") if mail else mail_server or "",
        page_url=ask(page_url, "Address that takes pages by POST", ""),
        playbooks=str(playbooks.absolute()) if playbooks else "",
    )
    tree = write(path, given, force=force).settings
    found = [
        {"what": what, "address": masked_urls(where), "found": told} for what, where, told in _reached(tree, given)
    ]
    following = _next(path, PROJECT)
    if as_json:
        show_json({"file": str(path), "reached": found, "next": following})
        return
    say(f"{path} is written; acting is off")
    show_table(found, empty="nothing to reach: `sre up` starts a broker and a database of its own")
    say("next:", *(f"  {line}" for line in following))


def _ask(*, quiet: bool) -> Callable[[str | None, str, str], str]:
    """What an option says, else what a person at a terminal says, else the default."""

    def asked(option: str | None, question: str, default: str) -> str:
        if option is not None:
            return option
        if quiet:
            return default
        if not sys.stdin.isatty():
            raise click.UsageError("there is no terminal to ask at; give the options and --yes")
        return str(click.prompt(question, default=default, show_default=bool(default)))

    return asked


def _reached(tree: Settings, given: Given) -> list[tuple[str, str, str]]:
    """What was named, where it is, and what it said."""
    found = []
    if given.brokers:
        found.append(("Kafka", given.brokers, _kafka(tree)))
    if given.store:
        found.append(("database", given.store, _database(given.store)))
    if given.mail_server:
        mail = tree.paging.email
        found.append(("mail server", f"{mail.host}:{mail.port}", _port(mail.host, mail.port)))
    if given.playbooks:
        found.append(("playbooks", given.playbooks, _playbooks(Path(given.playbooks))))
    return found


def _kafka(tree: Settings) -> str:
    from adapters.kafka.edges import topic_edges  # noqa: PLC0415 - keeps `sre --help` fast

    try:
        edges = topic_edges(tree.kafka, REACH_SECONDS)
    except SreError as error:
        return str(error)
    messages = sum(end - begin for begin, end in edges.values())
    return f"{GOOD}; topic {tree.kafka.topic}: {len(edges)} partitions, about {messages:,} messages"


def _database(url: str) -> str:
    from adapters.postgres import reachable  # noqa: PLC0415 - keeps `sre --help` fast

    if not url.startswith("postgresql://"):
        return "not asked: no postgresql:// URL"
    said = reachable(url, REACH_SECONDS)
    return f"does not answer: {masked_urls(said)}" if said else GOOD


def _port(host: str, port: int) -> str:
    try:
        with socket.create_connection((host, port), REACH_SECONDS):
            return GOOD
    except OSError as error:
        return f"does not answer: {error.strerror or error}"


def _playbooks(folder: Path) -> str:
    many = len(list(folder.rglob("*.md")))
    return f"{many} files" if many else "holds no playbook (*.md); copy those of `playbooks` there"


def _next(path: Path, project: Path) -> list[str]:
    named = [] if path.absolute() == project / "sre.yaml" else [f"export SRE_CONFIG_FILE={shlex.quote(str(path))}"]
    return [
        *named,
        "sre config   # what the settings come to",
        "sre peek     # what the topic holds, and how well it is understood",
        "sre up       # begin to watch; nothing is done to any service while mitigation.acting is off",
    ]
