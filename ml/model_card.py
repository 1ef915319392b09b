"""The card of a model version: what it is, what it learned from, how it was judged, and where it ends."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from domain.amounts import counted
from ml.promotion import Decision, Record
from ml.training import Trained
from ml.training_data import Fingerprint

MOST_NAMED = 20  # of the metrics that drift
LIMITS = """\
- Log by log: each metric, the metrics of the log together, its level and its text; what services do in a minute is
  judged beside it.
- What was usual in training is usual until the next one, also where it is a sign of a fault that nobody named.
- Habits are those of services with enough lines; a text is usual that came often and was in no real incident.
- An incident that only the champion's own flags opened counts as one that a candidate must find, unless people
  called it a false alarm.
- Metrics that drift, and those with fewer than 30 values, are not looked at.
- A service that was first seen in the later part is not known to it before the next training.
"""


@dataclass(frozen=True)
class Card:
    """What the card is made of."""

    trained: Trained
    data: Fingerprint
    left_out: str  # of the training, in words
    candidate: Record
    present: Record
    champion: int  # version, 0 where rules decided alone
    decision: Decision


def written(card: Card) -> str:
    """The card as Markdown."""
    trained, data = card.trained, card.data
    kind = type(trained.candidate).__name__
    services = len(trained.candidate.services_) if trained.candidate else 0
    outcome = "promoted" if card.decision.promote else "not promoted"
    return f"""# {kind} of {services:,} services

How far each metric of each service is from what it was in normal times, whether the metrics of a log go together as
they did, and which levels and texts are usual.

## Data

{data.rows:,} normal logs from {_time(data.begins)} to {_time(data.ends)}, some of every service over all of that time.
Left out: {card.left_out}.
SHA-256 of the sample: `{data.sha256}`.
Fitted on the {trained.rows_fitted:,} logs before {_time(trained.split_at)}, judged by what came later.
Not looked at: {_unsteady(trained)}.
Metrics are judged together in {_joint(trained)}.
Habits were learned from {_lines(trained)}.

## Judgement

{outcome.capitalize()}: it {card.decision.reason}.

{_table(card)}

Both went over the same later logs, through the same scoring and correlation as live.
Of the normal logs of the sample it would flag {trained.flagged_ratio:.2%} by itself.

## Limits

{LIMITS}"""


def _time(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC" if at is not None else "nothing"


def _unsteady(trained: Trained) -> str:
    named = ", ".join(f"`{one}`" for one in trained.unsteady[:MOST_NAMED]) or "no metric for drifting"
    rest = len(trained.unsteady) - MOST_NAMED
    more = f" and {rest:,} more for drifting" if rest > 0 else (" for drifting" if trained.unsteady else "")
    return f"{named}{more}, {trained.thin:,} for too few values"


def _joint(trained: Trained) -> str:
    model = trained.candidate
    many = int((model.joint_.sets_ >= 0).any(axis=1).sum()) if model else 0
    apart = ", ".join(f"`{one}`" for one in trained.apart[:MOST_NAMED])
    return f"{counted(many, 'service')}" + (
        f", and not in {apart}, where they do not keep going together" if apart else ""
    )


def _lines(trained: Trained) -> str:
    services = len(trained.candidate.habits_.services_) if trained.candidate else 0
    false, real = trained.told
    told = f"{counted(false, 'line')} of false alarms and {real:,} of incidents"
    return f"{counted(trained.lines, 'line')}, among them {told}; they are known of {counted(services, 'service')}"


def _table(card: Card) -> str:
    other = f"champion (version {card.champion})" if card.champion else "rules alone"
    rows = [
        ("logs of usual times", *(f"{one.logs:,}" for one in (card.candidate, card.present))),
        ("of these flagged", *(f"{one.flagged:,}" for one in (card.candidate, card.present))),
        ("pages for nothing", *(f"{one.false_pages:,}" for one in (card.candidate, card.present))),
        ("incidents opened for nothing", *(f"{one.false_incidents:,}" for one in (card.candidate, card.present))),
        ("incidents found", *(f"{one.found:,} of {one.incidents:,}" for one in (card.candidate, card.present))),
        ("median time to find one", *(_seconds(one.seconds) for one in (card.candidate, card.present))),
        ("metrics of services known", *(f"{one.covered:,} of {one.pairs:,}" for one in (card.candidate, card.present))),
    ]
    head = [("", "this version", other), ("---", "---", "---")]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in [*head, *rows])


def _seconds(seconds: float | None) -> str:
    return "none found" if seconds is None else f"{seconds:.1f} s"
