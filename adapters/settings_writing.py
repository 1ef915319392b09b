"""A settings file for one's own cluster, with a word on each line, checked before it is in its place."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

from adapters.settings_files import Loaded, load
from domain.errors import BadSettings, Refused, Unavailable


@dataclass(frozen=True, slots=True)
class Given:
    """What is asked for; what is empty stays at its default."""

    brokers: str = ""
    topic: str = "system-logs"
    store: str = ""  # URL of a database
    mail_to: tuple[str, ...] = ()
    mail_server: str = ""  # HOST[:PORT]
    page_url: str = ""
    playbooks: str = ""  # a folder


def write(path: Path, given: Given, *, force: bool) -> Loaded:
    """Write the file, which nobody else may read, and give what it comes to.

    Raises Refused where one is there, BadSettings for what cannot be, Unavailable where nothing can be written.
    """
    if path.exists() and not force:
        raise Refused(f"{path} is there already; --force replaces it, --file names another")
    new = path.with_name(f".{path.stem}.new{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            file.write(text(given))
        loaded = load(new, environ={})
        new.replace(path)
    except BadSettings as error:
        raise BadSettings(str(error).replace(str(new), str(path))) from error
    except OSError as error:
        raise Unavailable(f"{path} cannot be written: {error.strerror}") from error
    finally:
        new.unlink(missing_ok=True)
    return loaded


def text(given: Given) -> str:
    """The file as YAML."""
    parts = [_kafka(given), _store(given), _paging(given), _playbooks(given), _acting()]
    head = "# Settings of the SRE Agent. `sre config` shows what they come to, docs/guides/settings.md has every one.\n"
    return head + "".join("\n" + "\n".join(part) + "\n" for part in parts)


def _quoted(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)  # JSON's texts are YAML's


def _or_comment(key: str, value: str, example: str) -> str:
    return f"  {key}: {_quoted(value)}" if value else f"  # {key}: {example}"


def _kafka(given: Given) -> list[str]:
    return [
        "kafka:",
        "  # Host:port list; without it `sre up` starts a broker of its own, for trying things out.",
        _or_comment("bootstrap_servers", given.brokers, "broker-1:9092,broker-2:9092"),
        f"  topic: {_quoted(given.topic)}",
        "  # Where reading starts in a topic that was never read: latest or earliest.",
        "  start: latest",
        "  # Names that your logs have instead of ours; `sre peek` proposes them.",
        "  # fields: {timestamp: ts, service: app, level: lvl, message: msg}",
        "  # Passed to librdkafka as it is; keep passwords in the environment: SRE_KAFKA__CLIENT__SASL_PASSWORD.",
        "  # client: {security.protocol: SASL_SSL, sasl.mechanism: SCRAM-SHA-512, sasl.username: sre-agent}",
    ]


def _store(given: Given) -> list[str]:
    return [
        "store:",
        "  # PostgreSQL for logs and decisions; without it `sre up` starts one of its own.",
        _or_comment("url", given.store, "postgresql://sre:PASSWORD@db.internal:5432/sre, or SRE_STORE__URL"),
        "  # How long logs are kept.",
        "  keep_days: 14",
    ]


def _host_and_port(server: str) -> tuple[str, str]:
    """Of `HOST[:PORT]`, where an IPv6 address stands in brackets; no port is an empty text."""
    if server.startswith("["):
        host, _, rest = server.removeprefix("[").partition("]")
        return host, rest.removeprefix(":")
    if server.count(":") > 1:
        raise BadSettings(f"--mail-server: write an IPv6 address in brackets: [{server}] or [{server}]:587")
    host, _, port = server.partition(":")
    return host, port


def _paging(given: Given) -> list[str]:
    host, port = _host_and_port(given.mail_server)
    recipients = json.dumps(list(given.mail_to), ensure_ascii=False)
    return [
        "paging:",
        "  # Where pages go by POST; a URL that holds a password belongs into SRE_PAGING__WEBHOOK.",
        _or_comment("webhook", given.page_url, "https://pages.internal/sre"),
        "  email:",
        "  " + _or_comment("host", host, "smtp.internal"),
        f"    port: {port or 587}",
        f"    recipients: {recipients}" if given.mail_to else "    # recipients: [on-call@example.com]",
    ]


def _playbooks(given: Given) -> list[str]:
    return [
        "playbooks:",
        "  # A folder of your own, outside of the agent's; its playbooks are a good beginning: copy them there.",
        _or_comment("path", given.playbooks, "/etc/sre/playbooks"),
    ]


def _acting() -> list[str]:
    return [
        "mitigation:",
        "  # Off: the agent observes; plans are made and shown, nothing is carried out. See docs/your-system.md.",
        "  acting: false",
    ]
