"""The live view of the demonstration: counts on top, decisions as they are made below."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Self

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from adapters.store.database import Engine
from adapters.store.look_ups import ledger_since, totals
from domain.errors import Unavailable
from domain.ledger_sentences import sentence
from domain.shown_texts import printable, visible

POLL_SECONDS = 0.5
LONGEST = 170
COLOURS = {
    "incident.opened": "yellow",
    "incident.resolved": "green",
    "action.started": "magenta",
    "action.done": "magenta",
    "approval.asked": "yellow",
    "approval.given": "green",
    "undo.done": "magenta",
    "verification": "cyan",
    "page.queued": "red",
    "page.sent": "red",
}


def told(entry: Mapping[str, Any]) -> str:
    """One ledger entry in a line."""
    about = f"incident {entry['incident_id']}: " if entry["incident_id"] else ""
    return f"{entry['at']:%H:%M:%S} {about}{sentence(entry['kind'], entry['fields'])}"[:LONGEST]


class View:
    """Shows what the store says, twice a second; on a pipe, one line per decision."""

    def __init__(self, engine: Engine, console: Console) -> None:
        self.engine = engine
        self.console = console
        self.after = 0  # id of the last entry that was shown
        self.live = Live(console=console, auto_refresh=False, transient=True) if console.is_terminal else None

    def __enter__(self) -> Self:
        if self.live:
            self.live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.live:
            self.live.stop()

    def say(self, text: str) -> None:
        """A step of the story."""
        self._line(f"{datetime.now(UTC):%H:%M:%S} {text}", "bold")

    def quote(self, lines: Sequence[str]) -> None:
        """What somebody else is told."""
        for line in lines:
            self._line(f"  | {printable(line)}"[:LONGEST])

    def _line(self, line: str, style: str = "") -> None:
        self.console.print(Text(visible(line), style=style), soft_wrap=True)

    def look(self) -> None:
        """Show what is new."""
        for entry in ledger_since(self.engine, self.after, limit=200):
            self.after = entry["id"]
            self._line(told(entry), COLOURS.get(entry["kind"], ""))
        if self.live:
            self.live.update(self._panel(), refresh=True)

    def _panel(self) -> Group:
        counts = totals(self.engine)
        table = Table(title="SRE Agent, live")
        for name in counts:
            table.add_column(name.replace("_", " "), justify="right")
        table.add_row(*(f"{value:,}" for value in counts.values()))
        return Group(table)

    def pause(self, seconds: float) -> None:
        """Go on showing for so long."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.look()
            time.sleep(POLL_SECONDS)

    def until(self, question: Callable[[], bool], seconds: float, what: str) -> None:
        """Go on showing until it holds. Raises Unavailable when it takes too long."""
        deadline = time.monotonic() + seconds
        while not question():
            if time.monotonic() > deadline:
                raise Unavailable(f"{what} did not come within {seconds:.0f} s")
            self.pause(POLL_SECONDS)
        self.look()
