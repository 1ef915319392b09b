"""What is wrong with what was sent is told in words, without a path of the server and without names of types."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from adapters.store.database import Engine, connect
from tests.parts.console_part import a_desk
from tests.parts.http_part import a_client

HUGE = "9" * 30


@pytest.fixture
def client(sqlite_url: str, tmp_path: Path) -> Iterator[TestClient]:
    engine: Engine = connect(sqlite_url)
    yield a_client(a_desk(engine, tmp_path))
    engine.dispose()


@pytest.mark.parametrize("accept", ["text/html", "application/json"])
@pytest.mark.parametrize(
    ("path", "status", "says"),
    [
        ("/incidents/abc", 404, "incident: abc is no whole number"),
        ("/incidents/0", 404, "incident: 0 is too small, 1 at least"),
        (f"/incidents/{HUGE}", 404, f"incident: {HUGE} is too large, 9,223,372,036,854,775,807 at most"),
        ("/reports/1.5", 404, "report: 1.5 is no whole number"),
        ("/logs?incident=abc", 400, "incident: abc is no whole number"),
        ("/logs?incident=", 400, "incident: nothing is no whole number"),
        ("/logs?incident=-1", 400, "incident: -1 is too small, 0 at least"),
        ("/logs?incident=a%1b%5B2Jb", 400, "incident: a\ufffd[2Jb is no whole number"),
        ("/templates?new=perhaps", 400, "new: perhaps is neither true nor false"),
    ],
)
def test_a_mistake_is_told_in_words(client: TestClient, path: str, status: int, says: str, accept: str) -> None:
    found = client.get(path, headers={"Accept": accept})
    assert status == found.status_code
    assert says in found.text
    assert found.headers["content-type"].startswith(accept)
    for inside in ("pydantic", "_parsing", ".py", "File", "Input should", "{'"):
        assert inside not in found.text


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("{", "it is no JSON"),
        ("[]", "it is no JSON object"),
        ("{}", "words is missing"),
        ('{"words": "incidents"}', "words is no list"),
        ('{"words": []}', "words is too short: 1 at least"),
        ('{"words": [1]}', "words 1 is no text"),
        ('{"words": ["incidents"], "as": "bob"}', "as is not known"),
        ('{"words": ["incidents"], "width": "80"}', "width: 80 is no whole number"),
        ('{"words": ["incidents"], "width": 5}', "width: 5 is too small, 20 at least"),
        ('{"words": ["incidents"], "once": "a b"}', "once holds letters that it may not"),
    ],
)
def test_a_command_that_cannot_be_read_is_told_of_so_too(client: TestClient, body: str, says: str) -> None:
    found = client.post("/api/commands", content=body, headers={"Content-Type": "application/json"})
    assert 400 == found.status_code
    assert f"no command can be read: {says}" == found.json()["error"]
    assert 'docs/guides/console.md, "From another machine"' in found.json()["do"]
