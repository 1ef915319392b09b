"""`/api/commands`: who may send what, what is refused, and that commands that run at once do not mix."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from starlette.exceptions import HTTPException
from starlette.testclient import TestClient

from adapters.store.database import Engine, connect
from console.http import running
from console.http.app import create
from console.http.commands import Answer
from console.http.running import Runs
from console.sent import Sink, TooLong, masked
from domain.access import Scope
from domain.afar import SENT
from domain.ledger import LedgerKind
from domain.people import Role
from tests.parts.afar_part import a_token, wall_clock
from tests.parts.console_part import add_user, filled
from tests.parts.http_part import LOCAL, a_service, all_counts, noted

ELSEWHERE = ("203.0.113.7", 50_000)


@pytest.fixture
def client(sqlite_store: Engine, tmp_path: Path) -> TestClient:
    return a_client(sqlite_store, tmp_path)


@pytest.fixture
def sqlite_store(sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    monkeypatch.setenv("SRE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("LOGNAME", "root")
    engine = connect(sqlite_url)
    yield engine
    engine.dispose()


def a_client(store: Engine, home: Path, client: tuple[str, int] = LOCAL, **changes: Any) -> TestClient:
    made = a_service(store, home, **({"clock": wall_clock} | changes))
    return TestClient(create(made), "http://127.0.0.1", client=client)


def bearer(store: Engine, role: Role = Role.ADMIN, *scopes: Scope) -> dict[str, str]:
    add_user(store, "ann", role)
    return {"Authorization": f"Bearer {a_token(store, 'ann', *scopes)}"}


def send(client: TestClient, *words: str, headers: dict[str, str] | None = None, **more: object) -> Any:
    return client.post("/api/commands", json={"words": list(words)} | more, headers=headers)


def test_this_machine_needs_no_token_while_there_is_no_user(client: TestClient) -> None:
    found = send(client, "incidents")
    assert {"out": "no incidents\n", "err": "", "exit": 0} == found.json()


def test_the_first_user_ends_that_and_a_cookie_counts_for_nothing(client: TestClient, sqlite_store: Engine) -> None:
    token = bearer(sqlite_store)
    assert 401 == send(client, "incidents").status_code
    assert 401 == send(client, "incidents", headers={"Authorization": "Bearer nonsense"}).status_code
    log_in = client.post("/login", data={"name": "ann", "password": "correct horse battery"}, follow_redirects=False)
    assert 303 == log_in.status_code
    assert client.get("/incidents", headers={"Accept": "application/json"}).is_success  # the cookie is good for pages
    assert 401 == send(client, "incidents").status_code
    assert send(client, "incidents", headers=token).is_success


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param({"Host": "evil.example.com"}, 403, id="a name that an attacker's page has"),
        pytest.param({"Origin": "http://evil.example.com"}, 403, id="a page of elsewhere"),
        pytest.param({"Origin": "http://127.0.0.1"}, 403, id="even a page of ours"),
        pytest.param({"Content-Type": "text/plain"}, 415, id="what a form can send"),
        pytest.param({"Content-Type": "application/x-www-form-urlencoded"}, 415, id="a form"),
        pytest.param({"Content-Type": ""}, 415, id="nothing said"),
    ],
)
def test_no_page_of_a_browser_sends_a_command(
    client: TestClient, sqlite_store: Engine, headers: dict[str, str], status: int
) -> None:
    filled(sqlite_store)
    before = all_counts(sqlite_store)["changes"]
    body = json.dumps({"words": ["change", "web", "v1"]})
    found = client.post("/api/commands", content=body, headers={"Content-Type": "application/json"} | headers)
    assert status == found.status_code, found.text
    assert before == all_counts(sqlite_store)["changes"]


def test_elsewhere_there_is_nothing_without_a_user(sqlite_store: Engine, tmp_path: Path) -> None:
    found = send(a_client(sqlite_store, tmp_path, ELSEWHERE), "incidents")
    assert 403 == found.status_code
    assert "only this machine" in found.json()["error"]


def words(*said: object) -> bytes:
    return json.dumps({"words": list(said)}).encode()


@pytest.mark.parametrize(
    ("body", "status"),
    [
        pytest.param(b"", 400, id="nothing"),
        pytest.param(b"{", 400, id="no JSON"),
        pytest.param(b"[]", 400, id="no object"),
        pytest.param(b'{"words": "incidents"}', 400, id="words that are no list"),
        pytest.param(b'{"words": {"0": "incidents"}}', 400, id="an object of words"),
        pytest.param(words(), 400, id="no word"),
        pytest.param(words(1), 400, id="a number"),
        pytest.param(words(["incidents"]), 400, id="a list of lists"),
        pytest.param(words(*["x"] * 201), 400, id="too many words"),
        pytest.param(words("comment", "1", "x" * 20_001), 400, id="a long word"),
        pytest.param(words("comment", "1", *["x" * 20_000] * 6), 400, id="long words"),
        pytest.param(words("comment", "1", "x" * 1_000_000), 413, id="a megabyte"),
        pytest.param(words("comment", "1", "a\0b"), 400, id="NUL"),
        pytest.param(b'{"words": ["comment", "1", "\\ud800"]}', 400, id="half a letter"),
        pytest.param(b'{"words": ["incidents"], "as": "bob"}', 400, id="a key that is none"),
        pytest.param(b'{"words": ["incidents"], "width": 1000000}', 400, id="a wide terminal"),
        pytest.param(b'{"words": ["incidents"], "width": "80"}', 400, id="a width that is a text"),
        pytest.param(b'{"words": ["incidents"], "once": "a b"}', 400, id="a strange nonce"),
        pytest.param(b'{"words": ["incidents"], "colour": "yes"}', 400, id="a colour that is a text"),
    ],
)
def test_what_is_no_command_is_told_of(client: TestClient, body: bytes, status: int) -> None:
    found = client.post("/api/commands", content=body, headers={"Content-Type": "application/json"})
    assert status == found.status_code, found.text
    assert found.json()["error"]


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        pytest.param(("quality", "--docs", "/etc"), "--docs names a file of the agent's machine", id="a folder"),
        pytest.param(("quality", "--docs=/etc"), "--docs names a file", id="… written as one word"),
        pytest.param(("playbooks", "--check", "/etc/passwd"), "--check names a file", id="a file"),
        pytest.param(("playbooks", "--check"), "--check names a file", id="… without a name"),
        pytest.param(("playbooks", "search", "x", "--folder", "/etc"), "--folder names a file", id="… of a subcommand"),
        pytest.param(("on-call", "check", "/etc/passwd"), "FILE names a file", id="an argument"),
        pytest.param(("on-call", "check", "--", "/nonesuch"), "FILE names a file", id="… behind two dashes"),
        pytest.param(("on-call", "export", "--ical", "x", "--out", "x.ics"), "--out names a file", id="to write"),
        pytest.param(("ack", "1", "--as", "bob"), "--as is for the agent's machine", id="somebody else"),
        pytest.param(("--config", "/etc/passwd", "incidents"), "options before the command", id="other settings"),
        pytest.param(("--debug", "incidents"), "options before the command", id="tracebacks"),
        pytest.param(("logs", "--follow"), "--follow does not end", id="what does not end"),
        pytest.param(("logs", "--limit", "10001"), "from afar --limit is 10,000 at most", id="too many logs"),
        pytest.param(("up",), "works on the agent's machine only", id="of the machine"),
        pytest.param(("users", "add", "eve", "--role", "admin"), "works on the agent's machine only", id="a user"),
        pytest.param(("on-call", "import", "--from", "pagerduty", "/etc/passwd"), "machine only", id="an import"),
        pytest.param(("nope",), "No such command 'nope'", id="no command"),
        pytest.param(("../../etc/passwd",), "No such command", id="a path"),
        pytest.param(("",), "No such command", id="an empty word"),
        pytest.param(("silence", "\x1b[2J"), "No such command", id="what steers a terminal"),
        pytest.param(("incident", "\x1b]0;owned\x07"), "Invalid value for 'NUMBER'", id="… as a number"),
        pytest.param(("playbooks", "--json", "search", "x"), "options go behind the command", id="a group's option"),
    ],
)
def test_what_cannot_be_sent_is_refused_in_words(
    client: TestClient, sqlite_store: Engine, typed: tuple[str, ...], says: str
) -> None:
    before = all_counts(sqlite_store)
    found = send(client, *typed).json()
    assert found["exit"] in {1, 2}
    assert says in found["err"]
    assert "" == found["out"]
    assert "\x1b" not in found["err"]
    assert before == all_counts(sqlite_store)


def test_whether_a_file_exists_is_not_told(client: TestClient, tmp_path: Path) -> None:
    there, gone = tmp_path / "on_call.yaml", tmp_path / "gone.yaml"
    there.write_text("users: {}\n")
    assert send(client, "on-call", "check", str(there)).json() == send(client, "on-call", "check", str(gone)).json()


def test_help_comes_as_an_answer_and_not_on_the_output_of_the_service(
    client: TestClient, capfd: pytest.CaptureFixture[str]
) -> None:
    found = send(client, "silence", "add", "--help").json()
    assert found["out"].startswith("Usage: sre silence add")
    assert 0 == found["exit"]
    send(client, "silence")
    send(client, "incidents")
    assert ("", "") == capfd.readouterr()


def test_the_words_of_somebody_who_may_not_are_not_even_read(client: TestClient, sqlite_store: Engine) -> None:
    token = bearer(sqlite_store, Role.VIEWER)
    assert 403 == send(client, "ack", "no number", headers=token).status_code
    (entry,) = noted(sqlite_store, "response.refused")
    assert ("ann", "command", "acknowledge") == (entry["by"], entry["via"], entry["verb"])


def test_a_table_is_as_wide_as_the_terminal_and_coloured_where_that_is_wanted(
    client: TestClient, sqlite_store: Engine
) -> None:
    filled(sqlite_store)
    plain = send(client, "incidents", width=60).json()["out"]
    coloured = send(client, "incidents", width=60, colour=True).json()["out"]
    assert 60 >= max(map(len, plain.splitlines()))
    assert "\x1b[" not in plain
    assert "\x1b[1m" in coloured


def test_what_can_be_sent_is_listed_for_programs(client: TestClient, sqlite_store: Engine) -> None:
    token = bearer(sqlite_store, Role.RESPONDER, Scope.READ)
    found = {one["command"]: one for one in client.get("/api/commands", headers=token).json()["commands"]}
    assert SENT.keys() == found.keys()
    assert ("responder", "answer") == (found["ack"]["needs_role"], found["ack"]["needs_scope"])
    assert "good for reading alone" in found["ack"]["refused"]
    assert "" == found["incidents"]["refused"]
    assert "Usage: sre silence add" in found["silence add"]["help"]
    assert 401 == client.get("/api/commands").status_code


def test_many_at_once_do_not_mix(sqlite_store: Engine, tmp_path: Path) -> None:
    client = a_client(sqlite_store, tmp_path)
    client.app.state.runs = Runs(places=64)  # type: ignore[attr-defined]

    def one(number: int) -> tuple[int, dict[str, Any]]:
        return number, send(client, "why", "not", f"service-{number}", "--json").json()

    with ThreadPoolExecutor(16) as pool:
        for number, found in pool.map(one, range(64)):
            assert f"service-{number}" == json.loads(found["out"])["service"]
            assert ("", 0) == (found["err"], found["exit"])


def test_the_same_that_is_sent_twice_is_done_once(client: TestClient, sqlite_store: Engine) -> None:
    filled(sqlite_store)
    before = len(noted(sqlite_store, LedgerKind.COMMENTED))
    first, again = (send(client, "comment", "1", "it is the disk", once="n1").json() for _ in range(2))
    assert first == again == {"out": "comment on incident 1 kept\n", "err": "", "exit": 0}
    assert before + 1 == len(noted(sqlite_store, LedgerKind.COMMENTED))
    send(client, "comment", "1", "it is the pool", once="n1")
    send(client, "comment", "1", "it is the disk", once="n2")
    send(client, "comment", "1", "it is the disk")
    assert before + 4 == len(noted(sqlite_store, LedgerKind.COMMENTED))


def test_of_many_that_come_at_once_under_one_nonce_one_is_done(client: TestClient, sqlite_store: Engine) -> None:
    filled(sqlite_store)
    client.app.state.runs = Runs(places=8)  # type: ignore[attr-defined]
    before = len(noted(sqlite_store, LedgerKind.COMMENTED))
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: send(client, "comment", "1", "the disk", once="n1").json(), range(8)))
    assert [found[0]] * 8 == found
    assert before + 1 == len(noted(sqlite_store, LedgerKind.COMMENTED))


@pytest.fixture
def blocked() -> Iterator[threading.Event]:
    """Lets go what waits for it when the test ends, however that is."""
    event = threading.Event()
    yield event
    event.set()


def a_sink(**changes: Any) -> Sink:
    return Sink(**({"width": 80, "colour": False, "mask": str} | changes))


def waits_for(event: threading.Event) -> Answer:
    event.wait(60)
    return Answer("done\n", "", 0)


def test_what_takes_too_long_is_told_of_and_holds_its_place(blocked: threading.Event) -> None:
    runs, sink = Runs(seconds=0.01, places=1), a_sink()
    with pytest.raises(HTTPException, match=r"not over within 0\.01 s") as late:
        runs.look(lambda: waits_for(blocked), sink)
    assert 504 == late.value.status_code
    with pytest.raises(TooLong):  # what it still wants to say ends it
        sink.write("late")
    with pytest.raises(HTTPException, match=running.BUSY) as busy:
        runs.look(lambda: waits_for(blocked), a_sink())
    assert (429, "2") == (busy.value.status_code, (busy.value.headers or {})["Retry-After"])
    answers = runs.threads.submit(lambda: "whoever answers has places of their own")
    assert answers.result(60)
    with pytest.raises(HTTPException, match="not over"):
        runs.change("n1", lambda: waits_for(blocked), a_sink())
    with pytest.raises(HTTPException, match="not over"):  # and sent again it does not begin again
        runs.change("n1", lambda: pytest.fail("it ran twice"), a_sink())
    with runs.repeating, pytest.raises(HTTPException, match=running.BUSY):  # nor do many wait for it
        runs.change("n1", lambda: pytest.fail("it ran twice"), a_sink())


def test_an_answer_ends_where_it_is_too_long(
    client: TestClient, sqlite_store: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(sqlite_store)
    monkeypatch.setattr(Sink, "__init__", _short(Sink.__init__))
    found = send(client, "incident", "1", "--json").json()
    assert ("", 1) == (found["out"], found["exit"])
    assert "sre: the answer is longer than 0.001 MB; ask for less by --limit" in found["err"]


def _short(made: Any) -> Any:
    def init(self: Sink, *args: Any, **kwargs: Any) -> None:
        made(self, *args, **kwargs)
        self.most_bytes = 1_000

    return init


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ("a s3cret", "a ***"),
        ({"s3cret": ["s3cret", 1, None, {"x": ("s3cret",)}]}, {"***": ["***", 1, None, {"x": ["***"]}]}),
        (3.5, 3.5),
        (None, None),
        (True, True),
    ],
)
def test_every_text_of_a_document_is_masked(document: object, expected: object) -> None:
    assert expected == masked(document, lambda text: text.replace("s3cret", "***"))
