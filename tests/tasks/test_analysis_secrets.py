"""Of two hundred secrets none is asked about, stored with an analysis, told, traced or logged."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import pytest

from adapters.own_log import CHATTY, OURS, configure
from adapters.redaction import redaction
from adapters.store import changes, resolution_notes
from adapters.store.closing import close_by_hand
from adapters.store.database import Engine, connect, transaction
from benchmarks.evals.answers import as_json
from benchmarks.evals.behaviours import Behaviour
from benchmarks.evals.minds import answer, brief, honest, may_explore
from benchmarks.evals.scripted import Script, Server, Turn, call, say, serve
from domain.changes import Change, ChangeKind
from domain.page_sections import as_text
from domain.quoted import masked_within
from domain.resolution_notes import ResolutionNote
from domain.settings import LoggingSettings
from flows.incident_page import markdown
from tasks.delivering import run
from tasks.paging import Pager
from tests.contracts.fakes import RecordingChannel
from tests.parts.analyst_part import UNKNOWN, Desk, llm
from tests.parts.answering_part import PLAYBOOKS, World, acting
from tests.parts.judged_part import rows
from tests.parts.logs_part import a_log, an_error
from tests.parts.roster_part import FixedRoster
from tests.parts.secrets_part import Planted, planted

SECRETS = planted(200, seed=11)
# Where texts are cut: a secret that begins a little before must not be cut in half.
CUTS = (160, 200, 300, 400, 600, 1_200)
STORED = {
    "analyses": "SELECT signature, because, source, dossier, options, turns, answer FROM analyses",
    "llm_calls": "SELECT outcome FROM llm_calls",
    "pages": "SELECT lines FROM pages WHERE reason = 'analysed'",
    "deliveries": "SELECT * FROM deliveries",
    "ledger": "SELECT fields FROM ledger WHERE kind = 'analysed'",
}


@pytest.fixture(autouse=True)
def _loggers_as_before() -> Iterator[None]:
    loggers = [logging.getLogger(), *(logging.getLogger(name) for name in (*OURS, *CHATTY))]
    before = [(logger, list(logger.handlers), logger.level) for logger in loggers]
    yield
    for logger, handlers, level in before:
        for handler in set(logger.handlers) - set(handlers):
            handler.close()
        logger.handlers[:] = handlers
        logger.setLevel(level)


def at_a_cut(text: str, place: int) -> str:
    """The text behind so many words that a limit falls into it."""
    before = CUTS[place % len(CUTS)] - 20 - 7 * (place % 3)
    return ("failed at the very end of it all, " * 40)[:before].rsplit(" ", 1)[0] + " " + text


def parts(many: int) -> Sequence[Sequence[Planted]]:
    """The secrets in so many parts, of every kind in each."""
    return [SECRETS[place::many] for place in range(many)]


MESSAGES, ERRORS, CUT, ATTRIBUTES, METRICS, CHANGES, NOTES, BOOKS, REPLIES, ARGUMENTS = parts(10)


def echoing(texts: Sequence[str], arguments: Sequence[str]) -> Script:
    """A model that repeats what it should never have seen: in words, calls, names, ids and its answer."""
    told, asked = cycle(texts), cycle(arguments)

    def script(request: Mapping[str, Any]) -> Turn:
        if may_explore(request):
            secret = next(asked)
            kinds = cycle(
                [
                    call("logs", {"text": secret, "service": "web", secret: secret}),
                    call("incidents", {"text": at_a_cut(secret, 1)}),
                    call("playbooks", {"text": secret}),
                    call(secret, {"argv": [secret]}),
                    call("metric", {"service": "web", "metric": secret}),
                    call("changes", '{"service": "' + secret),
                ]
            )
            return sum((one for one in islice(kinds, 1, 4)), say(f"I saw {next(told)}")) + call(
                "templates", {"service": "web"}
            )
        said = answer(brief(request))
        claims = [
            {"text": f"web says {next(told)}", "service": next(told), "cites": [{"exhibit": next(told)}]}
            for _ in range(8)
        ]
        return say(
            said
            | {"hypotheses": claims, "impact": claims, "plans": list(islice(told, 5)), "tell": list(islice(told, 5))}
        )

    return script


def refusing(texts: Sequence[str]) -> Behaviour:
    """It refuses each request with another text."""
    return lambda request, _: as_json({"error": {"message": f"No: {texts[request.number % len(texts)]}"}}, 400)


def furnished(engine: Engine, **settings: Any) -> Desk:
    """An analyst whose playbooks, past incidents, changes and logs hold secrets."""
    books = [
        replace(one, body=f"{one.body}\n\n{book.text}") for one, book in zip(PLAYBOOKS, cycle(BOOKS), strict=False)
    ]
    desk = Desk(World(engine, knowledge=acting(playbooks=tuple(books))), llm(**settings))
    past = desk.world.fault(UNKNOWN)
    note = ResolutionNote(
        past,
        1,
        desk.world.now,
        "ann",
        cause=at_a_cut(NOTES[0].text, 2),
        helped=", ".join(one.text for one in NOTES[1:]),
    )
    close_by_hand(engine, past, by="ann", now=desk.world.now)
    with transaction(engine) as connection:
        resolution_notes.add(connection, note)
    desk.world.forward(3_600)
    told = [Change(desk.world.now, "web", ChangeKind.CONFIG, one.text, by=one.text) for one in CHANGES]
    changes.keep(engine, told, now=desk.world.now)
    return desk


def beside(desk: Desk) -> None:
    """Logs with secrets in messages, attributes and names of metrics."""
    world = desk.world
    stamp = world.now.isoformat()
    told = [a_log(message=one.text, timestamp=stamp, level="ERROR") for one in MESSAGES]
    told += [a_log(message=at_a_cut(one.text, place), timestamp=stamp, level="ERROR") for place, one in enumerate(CUT)]
    told += [
        a_log(message="served", timestamp=stamp, **{"service.version": one.text, "user": {"note": one.text}})
        for one in ATTRIBUTES
    ]
    told += [
        a_log(message="measured", timestamp=stamp, metrics={one.text: 17.0 * place})
        for place, one in enumerate(METRICS)
    ]
    world.feed.take(*told, now=world.now)


def played(engine: Engine, server: Server, traced: list[Any], pages: list[Any]) -> Desk:
    desk = furnished(engine, server=server, incident={"calls": 12, "tokens": 500_000, "cost": 100.0})
    desk.analyst.trace = lambda *told: traced.append(told)
    world = desk.world
    for _ in range(6):
        world.traffic(10)
        world.feed.take(
            *(a_log(message="measured", timestamp=world.now.isoformat(), metrics={one.text: 1.0}) for one in METRICS),
            now=world.now,
        )
        world.forward(60)
    for place, one in enumerate(ERRORS):
        stamp = world.now.isoformat()
        world.feed.take(
            *(an_error(timestamp=stamp, message=f"{UNKNOWN}: {at_a_cut(one.text, place)}") for _ in range(3)),
            now=world.now,
        )
        beside(desk) if place == 0 else None
        world.forward(1)
    for _ in range(2):
        world.run()
        tree, channel = world.knowledge.settings, RecordingChannel()
        run(Pager(tree, engine, world.knowledge.inventory, lambda: world.now, channel, rosters=FixedRoster()), "t")
        pages += channel.pages
        world.forward(15)
        desk.work()
    return desk


def found_in(where: str, text: str) -> list[str]:
    """The secrets of which a piece stands there, by kind, with what is around it."""
    pieces = ((one.kind, text.find(piece)) for one in SECRETS for piece in one.pieces)
    return [f"{where}: {kind}: {text[max(0, at - 60) : at + 30]!r}" for kind, at in pieces if at >= 0]


def left(desk: Desk, server: Server, traced: list[Any], pages: list[Any], log: Path) -> list[str]:
    """Every place in which a secret can be read."""
    engine = desk.world.engine
    texts = {table: repr(rows(engine, query)) for table, query in STORED.items()}
    texts["requests"] = "\n".join(one.text for one in server.requests)
    texts["traces"] = repr(traced)
    texts["pages told"] = "\n".join(as_text(page) for page in pages) + repr(pages)
    numbers = [row["incident_id"] for row in rows(engine, "SELECT incident_id FROM analyses")]
    shown = [markdown(masked_within(desk.world.stored(number), redaction())) for number in numbers]
    texts["Markdown"] = "\n".join(shown).replace("\\", "")
    assert log.exists()
    texts["our log"] = log.read_text()
    return [line for where, text in texts.items() for line in found_in(where, text)]


def test_no_secret_is_repeated(store: Engine, tmp_path: Path) -> None:
    configure(LoggingSettings(level="DEBUG"), tmp_path)
    traced: list[Any] = []
    pages: list[Any] = []
    with serve(echoing([one.text for one in REPLIES], [one.text for one in ARGUMENTS])) as server:
        desk = played(store, server, traced, pages)
        assert len(server.requests) >= 5
        assert traced
        assert pages
        assert left(desk, server, traced, pages, tmp_path / LoggingSettings().file) == []


def test_no_secret_is_repeated_of_a_server_that_refuses(sqlite_url: str, tmp_path: Path) -> None:
    configure(LoggingSettings(level="DEBUG"), tmp_path)
    few = [one for one in SECRETS if one.kind != "private_key"][:22]
    texts = [one.text for one in few[:11]] + [at_a_cut(one.text, 1) for one in few[11:]]
    with serve(honest, behaviour=refusing(texts)) as server:
        desk = Desk(World(connect(sqlite_url)), llm(server, break_after=100))
        for place in range(len(texts)):
            desk.world.run(desk.world.fault(UNKNOWN, service=f"service-{place}"))
            desk.world.forward(16)
            desk.work(2)
            desk.world.forward(1_200)
        outcomes = [one["outcome"] for one in desk.calls()]
        assert len(outcomes) > 20
        assert all("HTTP status 400: No: " in one for one in outcomes)
        assert left(desk, server, [], [], tmp_path / LoggingSettings().file) == []


def test_the_secrets_are_some() -> None:
    assert len({one.secret for one in SECRETS}) == 200
    assert json.dumps([one.text for one in SECRETS])
