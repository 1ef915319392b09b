"""Common or uncommon: how sure it is that a playbook is the right one and will help, and why.

The confidence is the mean of a beta distribution. It begins with how well the playbook's patterns fit, which
counts like so many earlier runs; every judged run adds to it, the less the less its incident was like this one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from domain.amounts import share
from domain.experience import NEVER_SEEN, Likeness, Past, Run, tally

# The fit of the patterns counts like so many judged runs.
PRIOR_RUNS = 16.0
WEIGHTS: Mapping[Likeness, float] = {Likeness.SAME: 1.0, Likeness.SERVICE: 0.5, Likeness.ELSEWHERE: 0.25}
# A fault that went by itself says a little against acting on the next one like it.
ALONE_WEIGHT = 0.2


@dataclass(frozen=True, slots=True)
class Classified:
    """What an incident is, with everything that was weighed."""

    common: bool
    confidence: float  # 0-1: how often a playbook was right where this was said
    reasons: tuple[str, ...]  # in words, with numbers


def classify(
    fits: float, why: str, runs: Sequence[Run] = (), past: Past = NEVER_SEEN, *, threshold: float
) -> Classified:
    """Whether the incident is common for a playbook that fits it so well (0-1), after these runs of it."""
    good, bad = PRIOR_RUNS * fits, PRIOR_RUNS * (1 - fits)
    for run in runs:
        good += WEIGHTS[run.likeness] * run.helped
        bad += WEIGHTS[run.likeness] * run.failed
    bad += ALONE_WEIGHT * past.alone
    confidence = round(good / (good + bad), 4)
    common = confidence >= threshold
    compared = "at least" if common else "below"
    verdict = f"{share(confidence)} sure, {compared} the {share(threshold)} that make it common"
    return Classified(common, confidence, (f"{why} ({share(fits)})", *_history(runs), *_typical(past), verdict))


def _history(runs: Sequence[Run]) -> Iterator[str]:
    for likeness in Likeness:
        helped, failed = tally(run for run in runs if run.likeness is likeness)
        if helped or failed:
            yield f"{likeness}: it helped {helped} of {helped + failed} times"
    if not any(run.helped or run.failed for run in runs):
        yield "it was never tried before"


def _typical(past: Past) -> Iterator[str]:
    if past.seen:
        alone = f", {past.alone} of them went by themselves" if past.alone else ""
        yield f"seen {past.seen} times before on the service{alone}"
