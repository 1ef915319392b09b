"""What `sre` does with a service that is away, wrong, busy or hostile; and that the token stays where it belongs."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from adapters.trust import trust
from console.http.starting import server
from deployments.ports import unused
from domain.access import Scope
from domain.http_settings import HttpSettings
from domain.people import Role
from tests.parts.afar_part import Said, a_token, agent, running, served, sre
from tests.parts.certificates_part import certificates
from tests.parts.console_part import add_user

PROJECT = Path(__file__).resolve().parents[2]
TOKEN = "the-token-that-nobody-may-see"
FINE = {"out": "no incidents\n", "err": "", "exit": 0}


class Asked:
    """Answers by a list of answers, the last one again and again; keeps what was asked."""

    def __init__(self, *answers: Callable[[], Response]) -> None:
        self.answers = list(answers)
        self.requests: list[tuple[str, dict[str, object]]] = []

    async def __call__(self, request: Request) -> Response:
        self.requests.append((request.headers.get("authorization", ""), await request.json()))
        return (self.answers.pop(0) if len(self.answers) > 1 else self.answers[0])()


@contextmanager
def answering(*answers: Callable[[], Response]) -> Iterator[tuple[str, Asked]]:
    asked = Asked(*answers)

    async def commands(request: Request) -> Response:
        return await asked(request)

    routes = [Route("/api/commands", commands, methods=["POST"]), Route("/elsewhere", commands, methods=["POST"])]
    with served(Starlette(routes=routes)) as url:
        yield url, asked


def said_by(monkeypatch: pytest.MonkeyPatch, *answers: Callable[[], Response], words: tuple[str, ...] = ()) -> Said:
    with answering(*answers) as (url, _):
        monkeypatch.setenv("SRE_API_URL", url)
        monkeypatch.setenv("SRE_API_TOKEN", TOKEN)
        return sre(*(words or ("incidents",)))


def wrong(status: int, error: str = "no", headers: dict[str, str] | None = None) -> Callable[[], Response]:
    return lambda: JSONResponse({"error": error, "do": "do that"}, status, headers)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        pytest.param(wrong(400, "no command can be read"), "no command can be read; do that", id="400"),
        pytest.param(wrong(401), "`sre users token NAME --scope read --scope answer` makes a token", id="401"),
        pytest.param(wrong(403, "ann is viewer"), ": ann is viewer\n", id="403"),
        pytest.param(wrong(404), "no; do that", id="404"),
        pytest.param(wrong(413, "too long"), "too long; do that", id="413"),
        pytest.param(wrong(503), "no; do that", id="503"),
        pytest.param(wrong(504, "not over"), "not over; do that", id="504"),
        pytest.param(wrong(500, "\x1b[2Jred"), "\N{REPLACEMENT CHARACTER}[2Jred", id="what steers"),
        pytest.param(lambda: PlainTextResponse("<html>"), "what answers there is no agent (200)", id="another page"),
        pytest.param(lambda: PlainTextResponse("x", 502), "what answers there is no agent (502)", id="a proxy's"),
        pytest.param(lambda: JSONResponse([]), "what answers there is no agent (200)", id="no object"),
        pytest.param(lambda: JSONResponse({"out": 1, "err": "", "exit": 0}), "no agent (200)", id="no text"),
        pytest.param(lambda: JSONResponse({"out": "", "err": ""}), "no agent (200)", id="no exit code"),
        pytest.param(lambda: PlainTextResponse("x" * 21_000_000), "is longer than 20 MB", id="a flood"),
    ],
)
def test_what_went_wrong_is_told_in_words(
    monkeypatch: pytest.MonkeyPatch, answer: Callable[[], Response], says: str
) -> None:
    done = said_by(monkeypatch, answer)
    assert (1, "") == (done.exit, done.out)
    assert says in done.err
    assert done.err.startswith("sre: http://127.0.0.1:")
    assert TOKEN not in done.err


def test_a_redirect_is_not_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    with answering(lambda: RedirectResponse("/elsewhere", 307)) as (url, asked):
        monkeypatch.setenv("SRE_API_URL", url)
        monkeypatch.setenv("SRE_API_TOKEN", TOKEN)
        assert "leads to /elsewhere, and a token is sent nowhere else" in sre("incidents").err
    assert 1 == len(asked.requests)


def test_a_busy_service_is_asked_once_more(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    monkeypatch.setattr("console.afar.sleep", waited.append)
    busy = wrong(429, "too many commands run at once", {"Retry-After": "7"})
    assert "no incidents\n" == said_by(monkeypatch, busy, lambda: JSONResponse(FINE)).out
    assert "too many commands run at once" in said_by(monkeypatch, busy).err
    said_by(monkeypatch, wrong(429, "x", {"Retry-After": "1000000"}))
    said_by(monkeypatch, wrong(429, "x", {"Retry-After": "soon"}))
    assert [7.0, 7.0, 60.0, 1.0] == waited


def test_what_is_sent_are_the_words_as_they_were_typed(monkeypatch: pytest.MonkeyPatch) -> None:
    with answering(lambda: JSONResponse(FINE | {"exit": 3, "err": "warning: x\n"})) as (url, asked):
        monkeypatch.setenv("SRE_API_URL", f"{url}/")
        monkeypatch.setenv("SRE_API_TOKEN", TOKEN)
        done = sre("comment", "17", "two words", "--new-option", "-x")
    assert Said("no incidents\n", "warning: x\n", 3) == done
    ((authorization, body),) = asked.requests
    assert f"Bearer {TOKEN}" == authorization
    assert ["comment", "17", "two words", "--new-option", "-x"] == body["words"]
    assert (160, False) == (body["width"], body["colour"])
    assert 16 <= len(str(body["once"]))


def test_a_word_that_is_no_text_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SRE_API_URL", "http://127.0.0.1:1")
    assert "sre: a word is not written in UTF-8" in sre("comment", "1", "\udce9").err


class Broken(Response):
    """Ends the connection in the middle of the answer."""

    async def __call__(self, scope: object, receive: object, send: Callable[..., object]) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"100")]})  # type: ignore[misc]
        await send({"type": "http.response.body", "body": b"{", "more_body": False})  # type: ignore[misc]


def test_a_broken_connection_is_tried_once_more_under_the_same_nonce(monkeypatch: pytest.MonkeyPatch) -> None:
    with answering(Broken, lambda: JSONResponse(FINE)) as (url, asked):
        monkeypatch.setenv("SRE_API_URL", url)
        assert "no incidents\n" == sre("incidents").out
    first, second = (body["once"] for _, body in asked.requests)
    assert first == second
    done = said_by(monkeypatch, Broken)
    assert "whether the command ran is not known, so look before you send it again" in done.err


@pytest.mark.parametrize(
    ("variables", "says"),
    [
        ({"SRE_API_URL": "ftp://agent"}, "SRE_API_URL is no address"),
        ({"SRE_API_URL": "agent:8088"}, "SRE_API_URL is no address"),
        ({"SRE_API_URL": "https://agent/?a=b"}, "SRE_API_URL is no address"),
        ({"SRE_API_URL": f"https://ann:{TOKEN}@agent"}, "holds a name or a password"),
        ({"SRE_API_TOKEN": f"{TOKEN}\r\nX-Other: 1"}, "holds letters that no token has"),
        ({"SRE_API_TOKEN": f"{TOKEN}\u2026"}, "holds letters that no token has"),
        ({"SRE_API_TOKEN_FILE": "/nonesuch"}, "SRE_API_TOKEN_FILE: /nonesuch cannot be read"),
        ({"SRE_API_URL": "http://127.0.0.1:1"}, "http://127.0.0.1:1 cannot be reached"),
        ({"SRE_API_URL": "http://agent.invalid"}, "is not encrypted, so others on the way can read the token"),
    ],
)
def test_what_the_variables_say_wrongly(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], says: str) -> None:
    for name, value in ({"SRE_API_URL": "http://127.0.0.1:1"} | variables).items():
        monkeypatch.setenv(name, value)
    done = sre("incidents")
    assert 1 == done.exit
    assert says in done.err
    assert TOKEN not in done.err + done.out


def test_the_token_may_be_in_a_file_and_is_no_option(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with agent(sqlite_url, tmp_path / "home", monkeypatch) as there:
        (tmp_path / "token").write_text(f"{there.token()}\n")
        monkeypatch.setenv("SRE_API_URL", there.url)
        monkeypatch.setenv("SRE_API_TOKEN_FILE", str(tmp_path / "token"))
        (tmp_path / "token").chmod(0o644)
        assert "warning: SRE_API_TOKEN_FILE: others can read" in sre("incidents").err
        (tmp_path / "token").chmod(0o600)
        assert ("no incidents\n", "") == (sre("incidents").out, sre("incidents").err)
        assert "No such option '--token'" in sre("--token", TOKEN, "incidents").err.replace(": --", " '--")
        monkeypatch.setenv("SRE_API_TOKEN", TOKEN)
        assert "the token is missing" not in sre("incidents").out
        assert 1 == sre("incidents").exit


def test_https_takes_the_certificates_that_the_settings_name(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files, port = certificates(tmp_path / "certificates"), unused()
    settings = HttpSettings(certificate=str(files.certificate), key=str(files.key), per_minute=100_000)
    with (
        agent(sqlite_url, tmp_path / "home", monkeypatch, settings=settings) as there,
        running(server(there.service, "127.0.0.1", port)),
    ):
        monkeypatch.setenv("SRE_API_URL", f"https://127.0.0.1:{port}")
        monkeypatch.setenv("SRE_API_TOKEN", there.token("ann", Role.VIEWER, Scope.READ))
        done = sre("incidents")
        assert "cannot be reached" in done.err
        assert "see calls.ca_file" in done.err
        monkeypatch.setenv("SRE_CALLS__CA_FILE", str(files.ca))
        assert "no incidents\n" == sre("incidents").out
    trust("")


def test_nothing_heavy_is_imported_to_send_a_command() -> None:
    """Whoever is paged waits for no library of the agent's."""
    program = (
        "import sys; sys.argv = ['sre', 'incidents']\n"
        "from console.main import main\n"
        "try:\n    main()\n"
        "except SystemExit as ended:\n    assert ended.code == 1\n"
        "heavy = {'pandas', 'pyarrow', 'numpy', 'sqlalchemy', 'mlflow', 'prefect', 'fastapi', 'duckdb', 'sklearn'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    environment = {"SRE_API_URL": "http://127.0.0.1:1", "SRE_API_TOKEN": TOKEN, "PATH": "/usr/bin:/bin"}
    done = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True, cwd=PROJECT, env=environment
    )
    assert "[]\n" == done.stdout
    assert "cannot be reached" in done.stderr
    assert TOKEN not in done.stderr


def test_an_agents_own_processes_send_nothing_away(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The service itself would otherwise send what it was sent, again and again."""
    with agent(sqlite_url, tmp_path / "home", monkeypatch) as there:
        monkeypatch.setenv("SRE_API_URL", there.url)
        monkeypatch.setenv("SRE_API_TOKEN", there.token())
        assert "no incidents\n" == sre("incidents").out
        add_user(there.store, "bob")
        monkeypatch.setenv("SRE_API_TOKEN", a_token(there.store, "bob", Scope.READ))
        assert "good for reading alone" in sre("pause").err
