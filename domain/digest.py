"""The daily digest: what did not deserve a page of its own, and why not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from domain.amounts import counted
from domain.incidents import Resolution
from domain.ledger import LedgerKind
from domain.page_sentences import SUPPRESSED
from domain.shown_texts import printable

DAY = timedelta(days=1)
# When `on-call` was away for longer than that, the digest of that day is not sent.
LATEST = timedelta(hours=1)
MOST_LINES = 50
MOST_NUMBERS = 8
MORE = "… and {left} more: sre incidents"

# Why an incident was over before anybody was paged.
OVER: Mapping[Resolution, str] = {
    Resolution.VERIFIED: "a playbook answered it",
    Resolution.QUIET: "it was over by itself",
    Resolution.HUMAN: "a person closed it",
    Resolution.ORIGIN: "it came of another one, which was repaired",
    Resolution.SOURCE: "its source says that it is over",
    Resolution.SILENT: "its source said nothing more of it",
    Resolution.WORKS: "what did not work does again",
}
UNCONFIRMED = "not confirmed: too few anomalous logs"
LATE = "late: its evidence was old when it came"


@dataclass(frozen=True, slots=True)
class NotPaged:
    """One incident, and why nobody was paged for it, or not once more."""

    incident: int
    service: str
    what: str  # untrusted text
    why: str  # in words


def due(at: str, now: datetime) -> datetime | None:
    """The moment of the digest that is to be sent now, or None; `at` is HH:MM in UTC, or empty for never."""
    if not at:
        return None
    hour, minute = map(int, at.split(":"))
    today = datetime.combine(now.astimezone(UTC).date(), time(hour, minute), UTC)
    return next((moment for moment in (today, today - DAY) if moment <= now < moment + LATEST), None)


def key_of(moment: datetime) -> str:
    """The key of the page: one a day."""
    return f"digest {moment:%Y-%m-%d}"


def why_over(resolution: Resolution, *, confirmed: bool, late: bool) -> str:
    """Why an incident without a page had none."""
    if resolution is Resolution.QUIET and not confirmed:
        return UNCONFIRMED
    return LATE if resolution is Resolution.QUIET and late else OVER[resolution]


def why_noted(kind: LedgerKind, fields: Mapping[str, object]) -> str:
    """Why a page was not sent, as the ledger has it."""
    if kind is LedgerKind.PAGE_JOINED:
        return f"covered by the page about {printable(fields.get('told_with') or fields.get('with', ''))}"
    if kind is LedgerKind.PAGE_MUTED:
        return f"held back by {printable(fields.get('rule', ''))}"
    why = str(fields.get("why") or fields.get("error") or "not wanted any more")
    return LATE if why == "late" else SUPPRESSED.get(why, printable(why))


def digest_lines(found: Sequence[NotPaged], moment: datetime) -> list[str]:
    """A headline, then each reason with its number of incidents and what these were; empty when nothing is to tell."""
    incidents = {one.incident for one in found}
    if not incidents:
        return []
    head = f"DIGEST of {moment:%Y-%m-%d}: {counted(len(incidents), 'incident')} deserved no page"
    reasons: dict[str, list[NotPaged]] = {}
    for one in dict.fromkeys(found):
        reasons.setdefault(one.why, []).append(one)
    often = sorted(reasons.items(), key=lambda pair: -len(pair[1]))
    lines = [line for why, those in often for line in _of_reason(why, those)]
    return [head, *_at_most(lines, MOST_LINES - 1)]


def _of_reason(why: str, found: Sequence[NotPaged]) -> list[str]:
    numbers: dict[tuple[str, str], list[int]] = {}
    for one in found:
        numbers.setdefault((one.service, one.what), []).append(one.incident)
    each = [f"{_named(service, what)} ({_numbered(those)})" for (service, what), those in numbers.items()]
    return [f"{counted(len({one.incident for one in found}), 'incident')}: {why}", *each]


def _named(service: str, what: str) -> str:
    return f"{printable(service)}: {printable(what)}" if what else printable(service)


def _numbered(numbers: Sequence[int]) -> str:
    shown = ", ".join(map(str, numbers[:MOST_NUMBERS]))
    left = len(numbers) - MOST_NUMBERS
    return f"incident{'s' * (len(numbers) > 1)} {shown}" + (f" and {left} more" if left > 0 else "")


def _at_most(lines: list[str], most: int) -> list[str]:
    if len(lines) <= most:
        return lines
    return [*lines[: most - 1], MORE.format(left=counted(len(lines) - most + 1, "line"))]
