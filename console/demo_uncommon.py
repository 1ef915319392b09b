"""The demonstration's act about what no playbook is for: it is looked into, and a person writes what it was."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from adapters.store.database import Engine
from adapters.store.look_ups import list_incidents, one_incident
from console.demo_cascade import Claim
from console.demo_on_call import FIRST
from console.demo_view import View
from deployments.shop import control
from deployments.shop.control import UNCOMMON
from domain.analysis_words import stored_lines
from domain.page_sentences import receiver

# How long each step may take before the demonstration gives up.
ANALYSED_SECONDS = 90.0
# The services tell the mean of ten seconds.
CALM_SECONDS = 15.0
MOST_LINES = 12
CAUSE, HELPED = "amounts were rounded twice", "the rounding was switched off"
WITH_A_KEY = (
    "no key of a language model is set, so this is what the logs show by themselves; with llm.api_key, or llm.base_url"
    " of a server of one's own, a model asks further questions of the store, and every claim of it is checked"
)

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Uncommon:
    """What the demonstration saw of it."""

    incident: int
    at: datetime  # when the fault was injected


@dataclass(frozen=True, slots=True)
class UncommonAct:
    """The act, and what it is played on."""

    home: Path
    engine: Engine
    view: View
    sre: Callable[..., None]  # one `sre` command, as a user would type it
    has_model: bool  # whether a key of one's own is set

    def play(self) -> Uncommon:
        """All of it, in order; raises Unavailable when a step does not come to its end."""
        at = datetime.now(UTC)
        control.inject(self.home, UNCOMMON)
        self.view.say(f"fault injected: {UNCOMMON.fault} in {UNCOMMON.service}: no playbook is for it")
        self.view.until(lambda: bool(self.analysed(at)), ANALYSED_SECONDS, "an analysis that people were told of")
        found = self.analysed(at)[0]
        self.view.say(f"incident {found['id']} was paged first, and then looked into:")
        self.view.quote(stored_lines(found["analyses"], found["id"])[:MOST_LINES])
        if not self.has_model:
            self.view.say(WITH_A_KEY)
        control.clear(self.home, UNCOMMON.fault, UNCOMMON.service)
        self.view.pause(CALM_SECONDS)
        self.view.say(f'a person ends it: sre resolve {found["id"]} --cause "{CAUSE}" --helped "{HELPED}"')
        self.sre("resolve", str(found["id"]), "--cause", CAUSE, "--helped", HELPED)
        return Uncommon(found["id"], at)

    def analysed(self, at: datetime) -> Sequence[Row]:
        """Incidents of the faulty service since the fault whose analysis people have."""
        found = list_incidents(self.engine, only_open=True, limit=200)
        mine = [row["id"] for row in found if row["service"] == UNCOMMON.service and row["opened_at"] >= at]
        whole = (one_incident(self.engine, number) for number in mine)
        return [one for one in whole if one and told(one)]


def told(found: Row) -> bool:
    """Whether somebody has the news of its analysis."""
    pages = [page["id"] for page in found["pages"] if page["reason"] == "analysed"]
    return any(one["page_id"] in pages and one["state"] == "sent" for one in found["deliveries"])


def uncommon_document(uncommon: Uncommon, incidents: Sequence[Row]) -> dict[str, Any]:
    """Everything that is claimed of it, as it is stored."""
    found = next(row for row in incidents if row["id"] == uncommon.incident)
    analysis = found["analyses"][-1] if found["analyses"] else {}
    dossier, answer = analysis.get("dossier") or {}, analysis.get("answer") or {}
    first, news = (min((row["sent_at"] for row in _sent(found, news=news)), default=None) for news in (False, True))
    return {
        "fault": UNCOMMON.fault,
        "service": UNCOMMON.service,
        "incident": found["id"],
        "source": answer.get("source"),
        "because": answer.get("because"),
        "suspects": [one["service"] for one in dossier.get("suspects", [])],
        "root_cause": (answer.get("root_cause") or {}).get("text"),
        "lines": stored_lines(found["analyses"], found["id"]),
        "paged_at": first,
        "analysis_told_at": news,
        "told": sorted({one["person"] or receiver(one) for one in _sent(found, news=True)}),
        "notes": [{"cause": note["cause"], "helped": note["helped"], "by": note["by"]} for note in found["notes"]],
    }


def _sent(found: Row, *, news: bool) -> list[Row]:
    """What was delivered of its analysis, or of everything else."""
    pages = {page["id"] for page in found["pages"] if (page["reason"] == "analysed") == news}
    return [one for one in found["deliveries"] if one["page_id"] in pages and one["state"] == "sent"]


CLAIMS: tuple[Claim, ...] = (
    ("it was looked into", lambda said: bool(said["source"])),
    ("the service at fault leads", lambda said: said["suspects"][:1] == [said["service"]]),
    ("the page went first", lambda said: _in_order(said["paged_at"], said["analysis_told_at"])),
    (f"{FIRST} was told of the analysis", lambda said: FIRST in said["told"]),
    ("what a person wrote is kept", lambda said: [note["cause"] for note in said["notes"]] == [CAUSE]),
)


def _in_order(first: datetime | None, then: datetime | None) -> bool:
    return first is not None and then is not None and first <= then


def unmet_of_uncommon(said: Row) -> list[str]:
    """What was promised of it and did not come true."""
    return [words for words, holds in CLAIMS if not holds(said)]
