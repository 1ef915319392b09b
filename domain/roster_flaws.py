"""What is wrong with a roster as a whole, and what should be known of it: each with the place in the file."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

from domain.contacts import Contact
from domain.muting import LABELS
from domain.muting_checks import VALUES
from domain.nearest import nearest
from domain.paging_settings import PagingSettings
from domain.patterns import unusable
from domain.reachable import contact_problem
from domain.roster import Policy, Roster, Route, Schedule, Target, TargetKind, User
from domain.schedules import exists, gaps

Place = tuple[str | int, ...]  # keys and list positions from the top of the file
Flaw = tuple[Place, str]
LOOK_AHEAD = timedelta(days=28)  # how far gaps are looked for


def flaws(roster: Roster, paging: PagingSettings) -> Iterator[Flaw]:
    """Everything that must be mended before the file is used."""
    for user in roster.users.values():
        yield from _of_user(user, paging)
    yield from _of_identities(roster)
    for schedule in roster.schedules.values():
        yield from _of_schedule(schedule)
    yield from _of_routes(roster)


def dead_ends(roster: Roster, paging: PagingSettings) -> Iterator[Flaw]:
    """The policies that can reach nobody, whenever they are followed."""
    for policy in roster.policies.values():
        if not any(_is_usable(contact, paging) for target in targets_of(policy) for contact in behind(target, roster)):
            yield (
                ("policies", policy.name),
                "reaches nobody: neither its steps nor its last resort name a usable contact",
            )


def behind(target: Target, roster: Roster) -> Iterator[Contact]:
    """Every contact that a target may come to, at any time."""
    if target.contact is not None:
        yield target.contact
    for name in _names(target, roster):
        user = roster.users.get(name)
        yield from user.contacts if user else ()


def warnings(roster: Roster, paging: PagingSettings, now: datetime) -> Iterator[Flaw]:
    """What may be meant so: contacts that cannot be used, gaps in schedules, labels that only others send."""
    for user in roster.users.values():
        yield from _unusable(("users", user.name, "contacts"), user.contacts, paging)
    for policy in roster.policies.values():
        channels = tuple(target.contact for target in targets_of(policy) if target.contact)
        yield from _unusable(("policies", policy.name), channels, paging)
    for schedule in roster.schedules.values():
        yield from _gap(schedule, now)
    for number, route in enumerate(roster.routes):
        for matcher in route.matchers:
            if matcher.label not in LABELS:
                text = f"our incidents have no label {matcher.label!r}, only alerts from outside may have it; "
                yield ("routes", number), text + nearest(matcher.label, LABELS)


def _names(target: Target, roster: Roster) -> Iterator[str]:
    if target.kind is TargetKind.USER:
        yield target.name
    yield from roster.teams.get(target.name, ()) if target.kind is TargetKind.TEAM else ()
    schedule = roster.schedules.get(target.name) if target.kind is TargetKind.SCHEDULE else None
    for layer in schedule.layers if schedule else ():
        yield from (*layer.users, *(shift.user for shift in layer.shifts))


def targets_of(policy: Policy) -> Iterator[Target]:
    """Whom a policy names, in order."""
    for step in policy.steps:
        yield from step.notify
    yield from policy.last_resort


def _is_usable(contact: Contact, paging: PagingSettings) -> bool:
    return not contact_problem(contact, paging)


def _of_user(user: User, paging: PagingSettings) -> Iterator[Flaw]:
    if not user.contacts:
        yield ("users", user.name), "has no contact: nobody could be reached"
    elif not any(map(partial(_is_usable, paging=paging), user.contacts)):
        found = "; ".join(f"{contact}: {contact_problem(contact, paging)}" for contact in user.contacts)
        none = "the only contact cannot be used" if len(user.contacts) == 1 else "none of the contacts can be used"
        yield ("users", user.name, "contacts"), f"{none}: {found}"


def _of_identities(roster: Roster) -> Iterator[Flaw]:
    """Two people with one mail address or one Slack id: nobody could tell who answered."""
    owners: dict[tuple[str, str], str] = {}
    for user in roster.users.values():
        for key, value in (("email", user.email), ("slack_id", user.slack_id)):
            owner = owners.setdefault((key, value.casefold()), user.name) if value else user.name
            if owner != user.name:
                yield ("users", user.name, key), f"{value} belongs to {owner} already"


def _of_schedule(schedule: Schedule) -> Iterator[Flaw]:
    zone = ZoneInfo(schedule.zone)
    for number, layer in enumerate(schedule.layers):
        at: Place = ("schedules", schedule.name, "layers", number)
        for key, local in (("begins", layer.begins), ("ends", layer.ends)):
            if local is not None and not exists(local, zone):
                yield (
                    (*at, key),
                    f"{local:%Y-%m-%d %H:%M} does not exist in {schedule.zone}: the clocks go forward then",
                )
        if layer.begins and layer.ends and layer.ends <= layer.begins:
            yield (*at, "ends"), f"it ends at {layer.ends:%Y-%m-%d %H:%M}, not after it begins"


def _of_routes(roster: Roster) -> Iterator[Flaw]:
    before: dict[frozenset[str], int] = {}
    for number, route in enumerate(roster.routes):
        earlier = before.setdefault(frozenset(map(str, route.matchers)), number)
        if earlier != number:
            yield ("routes", number), f"never applies: route {earlier + 1} has the same conditions and stands before it"
        yield from ((("routes", number, "match", index), text) for index, text in _of_matchers(route))


def _of_matchers(route: Route) -> Iterator[tuple[int, str]]:
    for index, matcher in enumerate(route.matchers):
        known = VALUES.get(matcher.label)
        if matcher.op in ("=~", "!~"):
            if problem := unusable(matcher.value):
                yield index, f"{matcher}: {problem}"
        elif known and matcher.value not in known:
            yield (
                index,
                f"{matcher}: nothing has the {matcher.label} {matcher.value!r}; {nearest(matcher.value, known)}",
            )


def _unusable(at: Place, contacts: tuple[Contact, ...], paging: PagingSettings) -> Iterator[Flaw]:
    for contact in contacts:
        if problem := contact_problem(contact, paging):
            yield at, f"{contact} cannot be used: {problem}"


def _gap(schedule: Schedule, now: datetime) -> Iterator[Flaw]:
    found = gaps(schedule, (), now, now + LOOK_AHEAD)
    if found:
        zone = ZoneInfo(schedule.zone)
        begins, ends = (at.astimezone(zone) for at in (found[0].begins, found[0].ends))
        times = f"{begins:%a %Y-%m-%d %H:%M} to {ends:%a %Y-%m-%d %H:%M} {schedule.zone}"
        more = f", the first of {len(found)} in the next {LOOK_AHEAD.days} days" if len(found) > 1 else ""
        yield ("schedules", schedule.name), f"nobody is on call from {times}{more}"
