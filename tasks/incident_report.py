"""The page that Prefect shows for an incident, as Markdown in which log text is only text."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any

MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+\-.!|~>@:])")
LONGEST = 600


def text(value: object) -> str:
    """`value` as text that is neither markup nor Markdown, on one line."""
    flat = " ".join(str(value)[:LONGEST].split())
    return MARKDOWN.sub(r"\\\1", html.escape(flat, quote=False))


def _when(value: datetime | str | None) -> str:
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    return f"{moment:%H:%M:%S}" if moment else "–"


def _told(fields: dict[str, Any]) -> str:
    return ", ".join(f"{text(name)} {text(value)}" for name, value in fields.items())


def _section(title: str, lines: Iterable[str]) -> list[str]:
    found = [f"- {line}" for line in lines]
    return ["", f"## {title}", "", *(found or ["none"])]


def markdown(incident: dict[str, Any]) -> str:
    """Timeline, evidence, plan, objections and outcome of one incident, as `look_ups.one_incident` gives it."""
    plan = incident["plan"] or {}
    actions = [
        f"{text(row['kind'])} {text(row['target'])}: {row['state']}, pids {_pids(row['before'])} to"
        f" {_pids(row['after'])}, verdict {text(row['verdict'] or 'none yet')} {_told(row['verdict_numbers'] or {})}"
        for row in incident["actions"]
    ]
    pages = [
        f"{_when(row['created_at'])} {row['channel']}: {row['reason']}, {row['state']}, attempts {row['attempts']}"
        for row in incident["pages"]
    ]
    lines = [
        f"# Incident {incident['id']}: {text(incident['service'])}",
        "",
        f"{text(incident['signature'])}",
        "",
        f"State **{incident['state']}**, {incident['logs']:,} logs, detector {text(incident['detector'])}.",
        *_section(
            "Timeline",
            (f"{_when(row['at'])} **{text(row['kind'])}** {_told(row['fields'])}" for row in incident["ledger"]),
        ),
        *_section(
            "Evidence",
            (
                f"{_when(kept['at'])} {text(kept['message'])} ({kept['reason']}: {_told(kept['numbers'])})"
                for kept in incident["evidence"]
            ),
        ),
        *_section("Plan", [f"{text(plan['source'])}: {text(plan['actions'])}"] if plan else []),
        *_section("Objections", map(text, incident["objections"])),
        *_section("Actions", actions),
        *_section("Pages", pages),
        *_section("Outcome", [f"{incident['state']} {text(incident['resolution'] or '')}"]),
    ]
    return "\n".join(lines)


def _pids(snapshot: dict[str, Any] | None) -> str:
    pids = [process["pid"] for process in (snapshot or {}).get("processes", []) if process["pid"]]
    return ", ".join(map(str, pids)) or "none"
