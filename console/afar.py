"""`sre` from another machine: the words go to the HTTP service of `SRE_API_URL`, and what it says is printed.

The service runs the command as whom the token belongs to. It is not trusted to steer this terminal.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import stat
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from time import sleep
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import click

from console.helping import asks_for_help, help_of
from console.output import WIDTH_WITHOUT_TERMINAL, relay, say, show_text
from domain.addresses import is_loopback
from domain.afar import of_the_machine, stays
from domain.errors import BadInput, BadSettings, Refused, SreError, Unavailable, Unreadable
from domain.shown_texts import visible

if TYPE_CHECKING:
    import ssl

    import httpx

MOST_ANSWER_BYTES = 20_000_000
ANSWER_SECONDS, CONNECT_SECONDS = 45.0, 5.0
LONGEST_WAIT = 60.0  # that is obeyed once when the service asks to come again
USAGE = 2
NARROWEST, WIDEST = 20, 1_000  # letters, as the service takes them
LET_IN = (
    "{url}: {said}. On the agent's machine `sre users token NAME --scope read --scope answer` makes a token;"
    " set SRE_API_TOKEN to it, or SRE_API_TOKEN_FILE to a file that holds it"
)


# What a status means for whoever sent a command; every other one that is no success is Refused.
KINDS: Mapping[int, type[SreError]] = {
    HTTPStatus.BAD_REQUEST: BadInput,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: BadInput,
    HTTPStatus.TOO_MANY_REQUESTS: Unavailable,
    HTTPStatus.BAD_GATEWAY: Unavailable,
    HTTPStatus.SERVICE_UNAVAILABLE: Unavailable,
    HTTPStatus.GATEWAY_TIMEOUT: Unavailable,
}


class Away(click.Command):
    """A command whose words are not read here: the other side knows what they mean."""

    def __init__(self, group: click.Group, name: str) -> None:
        super().__init__(name)
        self.group = group

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Leave every word as it is."""
        ctx.args = list(args)
        return ctx.args

    def invoke(self, ctx: click.Context) -> None:
        """Send the words, or show help of here; ends with the exit code of the command."""
        words, root = [str(self.name), *ctx.args], ctx.find_root()
        if asks_for_help(words):
            show_text(help_of(self.group, root, words))
            return
        if name := of_the_machine(words):
            say(f"sre: {stays(name)}", err=True)
            sys.exit(USAGE)
        if (root.obj or {}).get("config_file"):
            raise click.UsageError("--config names a file of this machine, and the settings are those of the agent")
        sys.exit(send(words))


@dataclass(frozen=True)
class Place:
    """The service, and what it knows us by."""

    url: str
    token: str

    @property
    def commands(self) -> str:
        """Where commands go."""
        return f"{self.url}/api/commands"


def send(words: list[str]) -> int:
    """Have the command run there, print what it says, and return its exit code."""
    place = _place()
    terminal = sys.stdout.isatty()
    colour = terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    width = shutil.get_terminal_size().columns if terminal else WIDTH_WITHOUT_TERMINAL
    width = min(max(width, NARROWEST), WIDEST)
    if not all(map(_is_text, words)):
        raise BadInput("a word is not written in UTF-8: the terminal here is set to another alphabet")
    asked = {"words": words, "width": width, "colour": colour, "once": secrets.token_urlsafe(16)}
    answer = _asked(place, asked)
    relay(answer["out"], colour=colour)
    relay(answer["err"], colour=False, err=True)
    code: int = answer["exit"]
    return code


def _is_text(word: str) -> bool:
    """Python keeps bytes of the command line that are no UTF-8 as halves of letters, which no JSON holds."""
    return not any("\ud800" <= letter <= "\udfff" for letter in word)


def _place() -> Place:
    """Where to, by the environment. Raises BadSettings."""
    url = os.environ["SRE_API_URL"].rstrip("/")
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise BadSettings("SRE_API_URL is no address: write https://agent.example.com, without a path of a page")
    if parts.username or parts.password:
        raise BadSettings("SRE_API_URL holds a name or a password: leave them out, the token says who you are")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        warning = f"warning: {url} is not encrypted, so others on the way can read the token: use https"
        say(warning, err=True)
    return Place(url, _token())


def _token() -> str:
    """The token; empty where none is given. Raises BadSettings, which never quotes it."""
    token, name = os.environ.get("SRE_API_TOKEN", "").strip(), os.environ.get("SRE_API_TOKEN_FILE", "")
    if not token and name:
        try:
            token = Path(name).read_text(encoding="ascii").strip()
            _warn_of_readers(Path(name))
        except OSError as error:
            raise BadSettings(f"SRE_API_TOKEN_FILE: {name} cannot be read: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise BadSettings(f"SRE_API_TOKEN_FILE: {name} holds no token") from error
    if not re.fullmatch(r"[!-~]*", token):
        raise BadSettings("the token (SRE_API_TOKEN, SRE_API_TOKEN_FILE) holds letters that no token has")
    return token


def _warn_of_readers(file: Path) -> None:
    if file.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH):
        say(
            f"warning: SRE_API_TOKEN_FILE: others can read {file}, and whoever does acts as you: chmod 600 it", err=True
        )


def _asked(place: Place, asked: dict[str, object]) -> dict[str, Any]:
    """The answer, checked; where the service is busy it is asked once more, after as long as it says.

    Raises Unavailable, Refused, BadInput.
    """
    waits = True
    while True:
        status, headers, body = _sent_safely(place, asked)
        if status != HTTPStatus.TOO_MANY_REQUESTS or not waits:
            return _read(place, status, headers, body)
        waits = False
        sleep(min(LONGEST_WAIT, _seconds(headers.get("retry-after", ""))))


def _seconds(text: str) -> float:
    return float(text) if text.isascii() and text.isdigit() else 1.0


def _sent_safely(place: Place, asked: dict[str, object]) -> tuple[int, httpx.Headers, bytes]:
    """Status, headers and body. Raises Unavailable.

    Where the connection broke it is sent once more, under the same `once`, so nothing is done twice.
    """
    import httpx  # noqa: PLC0415 - takes a tenth of a second, which help need not wait for

    from adapters.trust import hint  # noqa: PLC0415 - as above

    again = True
    while True:
        try:
            return _posted(place, asked)
        except httpx.TimeoutException as error:
            raise Unavailable(f"{place.url}: no answer in time; {_unsure(error)}") from error
        except (httpx.RemoteProtocolError, httpx.ReadError) as error:
            if not again:
                raise Unavailable(f"{place.url}: the connection broke; {_unsure(error)}") from error
            again = False
        except httpx.HTTPError as error:
            does = "is the agent up (`sre status` there), and is SRE_API_URL its address?"
            raise Unavailable(f"{place.url} cannot be reached: {error}{hint(error)}; {does}") from error


def _unsure(error: Exception) -> str:
    """What to do when nobody knows whether the command ran."""
    import httpx  # noqa: PLC0415 - as above

    if isinstance(error, httpx.ConnectTimeout):
        return "is the agent up (`sre status` there), and is SRE_API_URL its address?"
    return "whether the command ran is not known, so look before you send it again"


def _posted(place: Place, asked: dict[str, object]) -> tuple[int, httpx.Headers, bytes]:
    import httpx  # noqa: PLC0415 - as above

    headers = {"Authorization": f"Bearer {place.token}"} if place.token else {}
    limits = httpx.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS)
    near = is_loopback(urlsplit(place.url).hostname or "")
    with (
        httpx.Client(timeout=limits, verify=_trusted(place), trust_env=not near) as client,
        client.stream("POST", place.commands, json=asked, headers=headers) as answer,
    ):
        body = b""
        for piece in answer.iter_bytes():
            body += piece
            if len(body) > MOST_ANSWER_BYTES:
                raise Unreadable(f"{place.url}: the answer is longer than {MOST_ANSWER_BYTES / 1e6:g} MB")
        return answer.status_code, answer.headers, body


def _trusted(place: Place) -> bool | ssl.SSLContext:
    """Whose certificates are taken: those of this machine, and of its own `calls.ca_file`."""
    if place.url.startswith("http:"):
        return True
    from adapters.settings_files import load  # noqa: PLC0415 - takes half a second, and only HTTPS needs it
    from adapters.trust import trust, trusted  # noqa: PLC0415 - as above

    trust(load().settings.calls.ca_file)
    return trusted()


def _read(place: Place, status: int, headers: httpx.Headers, body: bytes) -> dict[str, Any]:
    """The answer as the service gives it. Raises Refused and Unavailable with what it says instead."""
    try:
        document = json.loads(body)
    except ValueError:
        document = None
    told = document if isinstance(document, dict) else {}
    if status == HTTPStatus.OK and _is_answer(told):
        return told | {"exit": told["exit"] & 255}
    raise _refusal(place.url, status, headers, told)


def _is_answer(told: dict[str, Any]) -> bool:
    texts = isinstance(told.get("out"), str) and isinstance(told.get("err"), str)
    return texts and isinstance(told.get("exit"), int)


def _refusal(url: str, status: int, headers: httpx.Headers, told: dict[str, Any]) -> SreError:
    """What a status means, and what to do."""
    said = visible(told.get("error") or f"HTTP {status}")[:2_000]
    does = visible(told.get("do") or "")[:500]
    if status // 100 == 3:  # noqa: PLR2004 - HTTP's redirects
        where = visible(headers.get("location", "elsewhere"))[:200]
        return Refused(f"{url} leads to {where}, and a token is sent nowhere else: is SRE_API_URL right?")
    if status == HTTPStatus.UNAUTHORIZED:
        return Refused(LET_IN.format(url=url, said=said))
    if status == HTTPStatus.OK or not told:
        return Unreadable(f"{url}: what answers there is no agent ({status}): is SRE_API_URL right?")
    kind = KINDS.get(status, Refused)
    return kind(f"{url}: {said}" + (f"; {does}" if does and status != HTTPStatus.FORBIDDEN else ""))
