"""Addresses as settings hold them, checked when they are read; an error never repeats one that may hold a secret."""

from __future__ import annotations

import re
from email.utils import getaddresses
from ipaddress import ip_address
from pathlib import PurePosixPath
from urllib.parse import urlsplit

# A name of a topic as Kafka allows it.
_TOPIC = re.compile(r"[A-Za-z0-9._-]{1,249}")
_MAILBOX = re.compile(r"[^\s@,;:<>\"()\[\]\\]+@[^\s@,;:<>\"()\[\]\\]+")
TOPIC = "topic:"


def is_loopback(host: str) -> bool:
    """Whether an address or a name means this machine alone."""
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def name_in(host: str) -> str:
    """The name or address in what a request says whom it is for, without the port; empty for what is neither."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def web_problem(url: str) -> str:
    """What is wrong with an http:// or https:// URL, or an empty text."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "its host or port cannot be read; a port is 1 to 65535"
    if parts.scheme not in ("http", "https"):
        return "must begin with http:// or https://"
    if not parts.hostname:
        return "names no host"
    return "its port must be 1 to 65535" if port == 0 else ""


def private_problem(url: str) -> str:
    """What is wrong with an address to which secrets go, or an empty text: by HTTPS, or to this machine alone."""
    if problem := web_problem(url):
        return problem
    parts = urlsplit(url)
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        return "must begin with https://; http:// is for this machine alone"
    return "must hold no user and no password" if "@" in parts.netloc else ""


def supervisord_problem(url: str) -> str:
    """What is wrong with the address of a supervisord, or an empty text."""
    scheme, separator, path = url.partition("://")
    if scheme == "unix" and separator:
        return "" if path.startswith("/") and path != "/" else "names no socket: unix:///path/of/supervisor.sock"
    if scheme not in ("http", "https") or not separator:
        return "must begin with unix:///, http:// or https://"
    return web_problem(url)


def mail_problem(text: str) -> str:
    """What is wrong with one mail address, `a@b` or `Name <a@b>`, or an empty text."""
    if not text.isprintable():
        return "holds characters that cannot be printed"
    found = getaddresses([text])
    if len(found) != 1 or not _MAILBOX.fullmatch(found[0][1]):
        return "is no mail address: one of the form name@host is needed"
    return "" if found[0][1].isascii() else "holds letters outside ASCII, which not every server takes"


def anchor_problem(place: str) -> str:
    """What is wrong with a place for the ledger's anchors, or an empty text."""
    if place.startswith(TOPIC):
        return "" if _TOPIC.fullmatch(place.removeprefix(TOPIC)) else "names no topic: topic:NAME"
    if place.startswith(("http://", "https://")):
        return web_problem(place)
    return "" if PurePosixPath(place).is_absolute() else "must be /a/file, topic:NAME, http://… or https://…"
