"""What is wrong with a rule that somebody is about to add: what could never apply, or would apply to everything."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from domain.errors import BadInput
from domain.incidents import Kind, Severity
from domain.lengths import LONGEST_VALUE, too_long
from domain.muting import LABELS, Matcher, Mute, MuteKind, Phase, phase
from domain.nearest import nearest
from domain.patterns import unusable
from domain.recurrence import PERIODS
from domain.shown_texts import printable

_MATCHER = re.compile(r"\s*([^=!~\s]+)\s*(=~|!~|!=|=)(.*)", re.DOTALL)
# Labels that have few values, which are all known.
VALUES: Mapping[str, tuple[str, ...]] = {
    "severity": tuple(severity.name.lower() for severity in Severity),
    "kind": tuple(kind.value for kind in Kind),
}
# Values that nothing has by chance: what matches all of them matches whatever comes.
_ANY = ("no such value 0", "x", "№ \u00df")
_NEVER_EMPTY = frozenset({"service", "id", *VALUES})
LONGEST_AHEAD = timedelta(days=366)  # what was meant for longer is a change of what is watched
MOST_MATCHERS = 20  # each is looked at for each incident, at each look
LONGEST_LABEL = 40  # characters of a label that is none, as they are quoted
ADD: Mapping[MuteKind, str] = {MuteKind.SILENCE: "sre silence add", MuteKind.MAINTENANCE: "sre maintenance add"}


def as_matcher(text: str) -> Matcher:
    """The condition that somebody wrote. Raises BadInput."""
    found = _MATCHER.fullmatch(text)
    if found is None:
        raise BadInput(f"matcher {text[:100]!r}: not a condition; write LABEL=VALUE, or != =~ !~ in place of =")
    return Matcher(*found.groups())


def bounded(mute: Mute, *, now: datetime) -> Mute:
    """The rule with an end: what recurs without one does so for as long as a rule may."""
    return replace(mute, until=now + LONGEST_AHEAD) if mute.every and mute.until is None else mute


def flaws(mute: Mute, *, everything: bool, now: datetime) -> list[str]:
    """Everything that speaks against adding it; `everything`: that it matches all incidents is meant so."""
    found = [*_of_times(mute, now), *_of_matchers(mute)]
    if not mute.comment.strip():
        found.append("no comment: say why, for those who wonder later")
    if long := too_long("the comment", mute.comment):
        found.append(long)
    if not found and not everything and all(map(_matches_all, mute.matchers)):
        found.append("its matchers match every incident: name a service or severity, or say --everything")
    return found


def _of_times(mute: Mute, now: datetime) -> Iterator[str]:
    if mute.ends_at <= mute.starts_at:
        yield f"it ends at {mute.ends_at:%Y-%m-%d %H:%M} UTC, not after it starts ({mute.starts_at:%Y-%m-%d %H:%M} UTC)"
    elif phase(mute, now) is Phase.ENDED:
        yield f"it would be over: its end lies before now ({now:%Y-%m-%d %H:%M} UTC)"
    if mute.ends_at > now + LONGEST_AHEAD:
        most = f"at most {LONGEST_AHEAD.days} days ahead"
        yield f"it would end at {mute.ends_at:%Y-%m-%d %H:%M} UTC, and may end {most}: give an earlier end"
    if mute.every and mute.every not in PERIODS:
        yield f"every {mute.every}: write day or week"
    elif mute.every and mute.ends_at - mute.starts_at > PERIODS[mute.every]:
        yield f"it lasts longer than a {mute.every}, so it would begin again before it ends: leave --every out"
    if mute.until is not None and not mute.every:
        yield "--ends says when what recurs ends: give --every day or week with it"
    elif mute.until is not None and mute.until > now + LONGEST_AHEAD:
        most = f"may recur at most {LONGEST_AHEAD.days} days ahead"
        yield f"it would recur until {mute.until:%Y-%m-%d %H:%M} UTC, and {most}: give an earlier end"


def _of_matchers(mute: Mute) -> Iterator[str]:
    if not mute.matchers:
        yield f"no matcher: name what is meant, for example `{ADD[mute.kind]} service=web …`"
    elif len(mute.matchers) > MOST_MATCHERS:
        together = "say several values of one label by a pattern, such as service=~web|db"
        yield f"it has {len(mute.matchers):,} matchers, at most {MOST_MATCHERS}: {together}"
    else:
        for matcher in mute.matchers:
            yield from _of_matcher(matcher)


def _of_matcher(matcher: Matcher) -> Iterator[str]:
    label = printable(matcher.label)[:LONGEST_LABEL]
    if long := too_long(f"matcher {label}: its value", matcher.value, LONGEST_VALUE):
        yield long
    elif matcher.label not in LABELS:
        known = ", ".join(LABELS)
        yield f"matcher {str(matcher)[:300]}: there is no label {label}; {nearest(label, LABELS)} (of {known})"
    elif matcher.op in ("=~", "!~"):
        yield from _of_pattern(matcher)
    elif (values := VALUES.get(matcher.label)) and matcher.value not in values:
        yield f"matcher {matcher}: no {matcher.label} is called so; {nearest(matcher.value, values)}"
    elif matcher.label == "id" and not matcher.value.isdigit():
        yield f"matcher {matcher}: an id is a number, as `sre incidents` shows it"


def _of_pattern(matcher: Matcher) -> Iterator[str]:
    if flaw := unusable(matcher.value):
        yield f"matcher {matcher}: the pattern {flaw}"
        return
    values = VALUES.get(matcher.label, ())
    if values and not any(Matcher(matcher.label, "=~", matcher.value).matches({matcher.label: one}) for one in values):
        yield f"matcher {matcher}: no {matcher.label} is like that; they are {', '.join(values)}"


def _matches_all(matcher: Matcher) -> bool:
    """Whether it says nothing: whatever has a label of that name has one that matches."""
    label = matcher.label
    empty = () if label in _NEVER_EMPTY else ("",)
    own = (matcher.value,) if matcher.value else ()
    return all(matcher.matches({label: value}) for value in VALUES.get(label, (*_ANY, *empty, *own)))
