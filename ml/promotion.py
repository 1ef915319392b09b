"""Whether a candidate would have paged better than what decides now: a pure decision, and its reason in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

# A candidate that would flag more than this share of later, normal logs is refused, whatever else it does.
MOST_FLAGGED = 0.01
# Before the names of the numbers of what decided when a candidate was judged.
PRESENT = "present_"


@dataclass(frozen=True, slots=True)
class Record:
    """What one model, or rules alone, would have done about the same logs."""

    logs: int  # of usual times
    flagged: int  # of these, anomalies by rules or model
    false_incidents: int  # that would have been confirmed from these
    false_pages: int  # to people, that these would have made at once
    incidents: int  # confirmed ones of that time that show in enough logs
    found: int  # of these, with enough anomalous logs to be confirmed
    seconds: (
        float | None
    )  # from an incident's first log to the one that would have confirmed it; median, None: none found
    pairs: int  # (service, metric) pairs seen in usual times
    covered: int  # of these, known to the model
    failed: str = ""  # why rules had to decide although there is a model

    @property
    def metrics(self) -> dict[str, float]:
        """As numbers by name, for a run in MLflow."""
        return {name: float(value) for name, value in asdict(self).items() if isinstance(value, int | float)}


def record_of(numbers: Mapping[str, float], prefix: str = "") -> Record | None:
    """The record that was kept as `metrics` under names with that prefix; None where one of them is missing.

    Why it gave no answer is no number, so it is not among them.
    """
    names = ("logs", "flagged", "false_incidents", "incidents", "found", "pairs", "covered")
    if any(prefix + name not in numbers for name in names):
        return None
    logs, flagged, false_incidents, incidents, found, pairs, covered = (round(numbers[prefix + one]) for one in names)
    seconds = numbers.get(f"{prefix}seconds")
    # Versions from before pages were counted say how many incidents there were.
    false_pages = round(numbers.get(f"{prefix}false_pages", false_incidents))
    return Record(logs, flagged, false_incidents, false_pages, incidents, found, seconds, pairs, covered)


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether to promote, and why or why not."""

    promote: bool
    reason: str


def decide(candidate: Record, present: Record, *, has_champion: bool, flagged_ratio: float) -> Decision:
    """Promote only what would have paged better than the champion, or than rules alone where there is none.

    `flagged_ratio`: share of later normal logs that the candidate alone calls abnormal.
    """
    if candidate.failed:
        return Decision(False, f"gives no answer: {candidate.failed}")
    if flagged_ratio > MOST_FLAGGED:
        return Decision(
            False, f"would flag {flagged_ratio:.1%} of later normal logs, at most {MOST_FLAGGED:.0%} may be"
        )
    told = _told(candidate, present, "the champion does" if has_champion else "rules alone do")
    found, (pages, incidents) = candidate.found - present.found, _more(candidate, present)
    if found < 0 or pages > 0 or incidents > 0:
        return Decision(False, told)
    if found > 0 or pages < 0 or incidents < 0:
        return Decision(True, told)
    return _tied(candidate, present, told, has_champion=has_champion)


def _tied(candidate: Record, present: Record, told: str, *, has_champion: bool) -> Decision:
    """What pages alike: a first model is taken, a further one where it knows more of what is seen."""
    if not has_champion:
        return Decision(True, f"{told}; there is no champion yet")
    if candidate.covered <= present.covered:
        return Decision(False, f"{told}; it is no better")
    seen = f"of the {candidate.pairs:,} metrics of services that are seen it knows {candidate.covered:,}"
    return Decision(True, f"{told}; {seen}, the champion {present.covered:,}")


def _told(candidate: Record, present: Record, others_do: str) -> str:
    return f"{_found(candidate, present, others_do)}, and {_false(candidate, present)}"


def _found(candidate: Record, present: Record, others_do: str) -> str:
    if not candidate.incidents:
        return "had no incident to find"
    found = f"finds {_count(candidate.found)}"
    if candidate.found == present.found:
        return f"{found} as {others_do}"
    return f"{found} of {candidate.incidents} where {others_do} {present.found}"


def _more(candidate: Record, present: Record) -> tuple[int, int]:
    """How many more pages, and how many more incidents, would have been for nothing."""
    return candidate.false_pages - present.false_pages, candidate.false_incidents - present.false_incidents


def _false(candidate: Record, present: Record) -> str:
    pages, incidents = _more(candidate, present)
    if pages:
        said = f"would have paged {_times(abs(pages))} {'more' if pages > 0 else 'less'} for nothing"
    elif candidate.false_pages:
        said = f"would have paged {_times(candidate.false_pages)} for nothing as well"
    else:
        said = "would have paged nobody for nothing"
    if incidents in (0, pages):  # most incidents are one page
        return said
    return f"{said}, with {_count(abs(incidents))} {'more' if incidents > 0 else 'fewer'}"


def _times(many: int) -> str:
    return f"{many} time" + ("" if many == 1 else "s")


def _count(incidents: int) -> str:
    return f"{incidents} incident" + ("" if incidents == 1 else "s")
