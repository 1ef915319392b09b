"""What a demonstration came to, as tables and as `.sre/demo.json`."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes
from pathlib import Path
from typing import Any, Self

from console.demo_addresses import closing_lines
from console.demo_cascade import Cascade, Claim, cascade_document, unmet
from console.demo_paging import Answered, Kept, in_words, paging_document, unmet_of_paging
from console.demo_uncommon import Uncommon, uncommon_document, unmet_of_uncommon
from console.output import plain, say, show_table
from domain.ledger_sentences import sentence
from domain.page_sentences import receiver
from domain.shown_texts import printable
from domain.told_fields import listed

Position = tuple[int, int]  # partition, offset


@dataclass(slots=True)
class Fault:
    """A fault that was injected, and the incident that answered it."""

    name: str
    service: str
    at: datetime
    incident: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Summary:
    """Everything counted; `document` is what is written."""

    document: dict[str, Any]

    @classmethod
    def of(  # noqa: PLR0913 - one argument per source that is compared
        cls,
        *,
        sent: Sequence[Position],
        stored: Sequence[Position],
        champion: int,
        faults: Sequence[Fault],
        uncommon: Uncommon,
        cascade: Cascade,
        answered: Answered,
        incidents: Sequence[dict[str, Any]],
        kept: Kept,
        addresses: dict[str, str],
        changed: dict[str, str],
        kafka: str,
        seconds: float,
    ) -> Self:
        """Compare broker and store as sets, and gather what was done."""
        logs = sum(found["logs"] for found in incidents)
        pages = [_page(row, found["deliveries"], kept.mails) for found in incidents for row in found["pages"]]
        return cls(
            {
                "kafka": kafka,
                "logs": counted(sent, stored),
                "model": champion,
                "anomalous_logs_in_incidents": logs,
                "faults": [_fault(fault) for fault in faults],
                "incidents": [_incident(found) for found in incidents],
                "actions": [_action(row) for found in incidents for row in found["actions"]],
                "verifications": [
                    {"incident": found["id"], "outcome": row["outcome"], **(row["outcome_numbers"] or {})}
                    for found in incidents
                    for row in found["actions"]
                ],
                "pages": pages,
                "uncommon": uncommon_document(uncommon, incidents),
                "cascade": cascade_document(cascade, incidents, pages),
                "paging": paging_document(answered, incidents, kept),
                "addresses": addresses,
                "changed_settings": changed,
                "seconds": round(seconds, 1),
            }
        )

    @property
    def unmet(self) -> list[str]:
        """What it promises and did not show, in words."""
        found = [words for words, holds in CLAIMS if not holds(self.document)]
        cascade = (f"the cascade: {words}" for words in unmet(self.document["cascade"]))
        uncommon = (f"the uncommon fault: {words}" for words in unmet_of_uncommon(self.document["uncommon"]))
        return [
            *found,
            *uncommon,
            *cascade,
            *(f"paging: {words}" for words in unmet_of_paging(self.document["paging"])),
        ]

    @property
    def passed(self) -> bool:
        """Whether it showed what it promises."""
        return not self.unmet


# What the demonstration promises of everything but the cascade and the paging.
CLAIMS: tuple[Claim, ...] = (
    ("no log is lost", lambda told: told["logs"]["lost"] == 0),
    ("no log is stored twice", lambda told: told["logs"]["repeated"] == 0),
    ("both faults are mended", lambda told: all(fault["resolved"] for fault in told["faults"])),
    ("both services were restarted", lambda told: all(fault["restarted"] for fault in told["faults"])),
    ("a page was delivered", lambda told: any(page["mail_file"] for page in told["pages"])),
)


def counted(sent: Sequence[Position], stored: Sequence[Position]) -> dict[str, int]:
    """What the broker holds against what the store holds; `lost` and `repeated` are numbers of logs."""
    times = Counter(stored)
    return {
        "sent": len(set(sent)),
        "stored": len(times),
        "lost": len(set(sent) - times.keys()),
        "repeated": sum(count - 1 for count in times.values()),
    }


def _first(found: dict[str, Any], kind: str) -> datetime | None:
    at: datetime | None = next((entry["at"] for entry in found["ledger"] if entry["kind"] == kind), None)
    return at


def _fault(fault: Fault) -> dict[str, Any]:
    found = fault.incident
    told: dict[str, Any] = {"fault": fault.name, "service": fault.service, "injected_at": fault.at}
    if found is None:
        return told | {"resolved": False, "restarted": False}
    confirmed = _first(found, "incident.confirmed")
    actions = [_action(row) for row in found["actions"]]
    return told | {
        "incident": found["id"],
        "detector": found["detector"],
        "seconds_to_detect": round((confirmed - fault.at).total_seconds(), 1) if confirmed else None,
        "resolved": found["state"] == "resolved",
        "restarted": any(action["pid_before"] and action["pid_before"] != action["pid_after"] for action in actions),
    }


def _incident(found: dict[str, Any]) -> dict[str, Any]:
    return {
        "incident": found["id"],
        "service": found["service"],
        "template": found["template"],
        "playbook": found["playbook"],
        "detector": found["detector"],
        "logs": found["logs"],
        "state": found["state"],
        "resolution": found["resolution"],
        "objections": found["objections"],
    }


def _pids(snapshot: dict[str, Any] | None) -> list[int]:
    return [process["pid"] for process in (snapshot or {}).get("processes", []) if process["pid"]]


def _action(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "incident": row["incident_id"],
        "action": f"{row['kind']} {row['target']}",
        "state": row["state"],
        "pid_before": _pids(row["before"]),
        "pid_after": _pids(row["after"]),
        "outcome": row["outcome"],
    }


def _page(row: dict[str, Any], sent: Sequence[dict[str, Any]], mails: Path) -> dict[str, Any]:
    told = [one for one in sent if one["page_id"] == row["id"]]
    ids = [one["receipt"]["message_id"] for one in told if one["receipt"] and one["channel"] == "email"]
    message_id = ids[0] if ids else ""
    return {
        "incident": row["incident_id"],
        "reason": row["reason"],
        "state": row["state"],
        "to": [receiver(one) for one in told],
        "message_id": message_id,
        "mail_file": _mail(mails, message_id),
    }


def _mail(folder: Path, message_id: str) -> str:
    """The file of the mail that the sink received, empty when there is none."""
    for file in sorted(folder.glob("*.eml")) if message_id else []:
        if message_from_bytes(file.read_bytes())["Message-ID"] == message_id:
            return str(file)
    return ""


def why_not(service: str, incidents: Sequence[dict[str, Any]]) -> str:
    """What the store says about a repair that did not come, an incident a line."""
    if not incidents:
        return f"no incident of {service} was opened since the fault"
    return "\n".join(_state_of(found) for found in incidents)


def _state_of(found: dict[str, Any]) -> str:
    told = [f"incident {found['id']} ({printable(found['template'])}) is {found['state']}"]
    if found["objections"]:
        told.append(f"not carried out: {listed(found['objections'])}")
    told += [
        f"{row['kind']} {row['target']}: {row['error'] or row['outcome'] or row['state']}" for row in found["actions"]
    ]
    if len(told) == 1 and found["ledger"]:
        last = found["ledger"][-1]
        told.append(f"last of all: {sentence(last['kind'], last['fields'])}")
    return "; ".join(told)


def write_summary(home: Path, summary: Summary) -> Path:
    """Write `demo.json` into the home; its path."""
    path = home / "demo.json"
    document = summary.document | {"passed": summary.passed, "unmet": summary.unmet}
    path.write_text(json.dumps(document, indent=2, default=plain) + "\n")
    return path


def show_cascade(cascade: dict[str, Any]) -> None:
    """Print what became of the last fault."""
    names = ("fault", "service", "incident", "likely_origin", "who_suffers", "further_incidents")
    show_table([{name: cascade[name] for name in names}], title="The cascade")
    show_table(cascade["alerts"], title="What it is made of", empty="no alerts")
    show_table([cascade["approval"]] if cascade["approval"] else [], title="A person's word", empty="nobody was asked")
    show_table([cascade["action"]] if cascade["action"] else [], title="What did not help", empty="nothing was done")


def show_uncommon(told: dict[str, Any]) -> None:
    """Print what was found out about the fault that no playbook is for."""
    names = ("fault", "service", "incident", "source", "suspects")
    show_table([{name: told[name] for name in names}], title="The uncommon fault")
    say("", "What was found out", *(f"  {line}" for line in told["lines"]))


def show_paging(told: dict[str, Any]) -> None:
    """Print who was paged how, and what they answered."""
    shown = [{name: one[name] for name in ("at", "reason", "to", "channel")} for one in told["messages"]]
    show_table(shown, title=f"Who was told of incident {told['incident']}", empty="nobody was told")
    say(*in_words(told))
    if told["looking_changed_nothing"]:
        say("opening the link of the mail changed nothing; the buttons there did")


def show_summary(summary: Summary, *, path: Path, kept: Path | None) -> None:
    """Print what was shown."""
    document = summary.document
    show_table([document["logs"]], title="Logs, broker against store")
    show_table(document["faults"], title="Faults")
    show_table(document["incidents"], title="Incidents")
    show_table(document["actions"], title="Actions", empty="no actions")
    show_table(document["pages"], title="Pages", empty="no pages")
    show_uncommon(document["uncommon"])
    show_cascade(document["cascade"])
    show_paging(document["paging"])
    for words in summary.unmet:
        say(f"this did not come true: {words}")
    say(f"{'passed' if summary.passed else 'FAILED'} in {document['seconds']:.0f} s; all of it is in {path}")
    say(*closing_lines(document["addresses"], kept))
