"""PagerDuty's users, schedules and escalation policies, as its REST API v2 answers them, as a file of ours."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from adapters.on_call_files.foreign import Draft, Entry, entries, layer, parts_of_week, turn_of
from domain.errors import BadInput
from domain.roster import Turn
from domain.roster_words import as_zone, span_text

WHOLE_WEEK = range(7)
_LENGTH = {Turn.HOURS: timedelta(hours=1), Turn.DAYS: timedelta(days=1), Turn.WEEKS: timedelta(weeks=1)}
# Ways to reach somebody that need a provider of one's own here.
_BY_PROVIDER = {"sms_contact_method": "text messages", "phone_contact_method": "phone calls"}


def convert(document: Entry, draft: Draft, now: datetime) -> None:
    """Write everything into the draft that has a place there."""
    for user in entries(document, "users"):
        _user(user, draft)
    for schedule in entries(document, "schedules"):
        _schedule(schedule, draft, now)
    for policy in entries(document, "escalation_policies"):
        _policy(policy, draft)


def _user(user: Entry, draft: Draft) -> None:
    mail = str(user.get("email", ""))
    name = draft.name(user, mail.partition("@")[0] or str(user.get("name", "")), draft.users)
    methods = [one for one in user.get("contact_methods", []) if isinstance(one, dict)]
    mails = [one["address"] for one in methods if one.get("type") == "email_contact_method" and one.get("address")]
    contacts = [{"email": address} for address in dict.fromkeys([*mails, *([mail] if mail else [])])]
    draft.lost += [f"user {name}: {text}" for one in methods for text in _no_contact(one, name)]
    if not contacts:
        draft.lost.append(f"user {name}: has no mail address, so no contact here; add one before the file is used")
    entry = {"full_name": user.get("name", ""), "email": mail, "zone": _zone(user, draft, f"user {name}") or "UTC"}
    draft.users[name] = {key: value for key, value in entry.items() if value} | {"contacts": contacts}
    draft.carried.append(f"user {name}: {len(contacts)} mail address{'' if len(contacts) == 1 else 'es'}")


def _no_contact(method: Entry, name: str) -> Iterator[str]:
    kind, label = str(method.get("type", "")), method.get("label") or method.get("summary") or "without a label"
    if kind in _BY_PROVIDER:
        help_ = f"set paging.apprise.{name} to a provider's URL and add `- apprise: {name}`"
        yield f"{_BY_PROVIDER[kind]} ({label}): they need a provider: {help_}"
    elif not kind.startswith("email_contact_method"):
        yield f"{kind} ({label}): it belongs to PagerDuty's own app"


def _schedule(schedule: Entry, draft: Draft, now: datetime) -> None:
    name = draft.name(schedule, str(schedule.get("name", "")), draft.schedules)
    what = f"schedule {name}"
    zone = _zone(schedule, draft, what)
    # The API answers with the layer that counts most first; here it stands last.
    layers = [one for one in reversed(entries(schedule, "schedule_layers")) if isinstance(one, dict)]
    made = [made for one in layers if zone and (made := _layer(one, ZoneInfo(zone), (draft, what, now)))]
    draft.lost += [f"{what}: {text}" for text in _overrides(schedule, name, draft)]
    if not made:
        draft.lost.append(f"{what}: no layer is left of it")
        del draft.names[str(schedule.get("id", name))]
        return
    draft.schedules[name] = {"zone": zone, "layers": made}
    draft.carried.append(f"{what}: {len(made)} of {len(layers)} layers, in {zone}")


def _layer(one: Entry, zone: ZoneInfo, around: tuple[Draft, str, datetime]) -> dict[str, Any] | None:
    draft, what, now = around
    what = f"{what}, layer {one.get('name', '')}"
    if one.get("end") and _moment(one["end"]) <= now:
        draft.lost.append(f"{what}: it ended on {_moment(one['end']):%Y-%m-%d}")
        return None
    turn = turn_of(timedelta(seconds=int(one.get("rotation_turn_length_seconds", 0))))
    ids = [(user.get("user") or user).get("id") for user in one.get("users", [])]
    users = draft.known(ids, what)
    if turn is None or not users or len(users) < len(ids):
        why = "nobody of it is in the export" if turn else "its turn is no whole number of hours"
        draft.lost.append(f"{what}: {why if not users or turn is None else 'who has which turn would differ'}")
        return None
    begins, first = _first_turn(one, zone, turn)
    first %= len(users)
    made = layer(str(one.get("name", "")), [*users[first:], *users[:first]], begins, turn)
    if one.get("end"):
        made["ends"] = f"{_local(one['end'], zone):%Y-%m-%dT%H:%M}"
    if only := [text for restriction in one.get("restrictions", []) for text in _restriction(restriction)]:
        made["only"] = only
    return made


def _first_turn(one: Entry, zone: ZoneInfo, turn: tuple[Turn, int]) -> tuple[datetime, int]:
    """When the turn began that holds when the layer starts, and its number: turns are counted from a virtual start."""
    virtual, start = (_local(one[key], zone) for key in ("rotation_virtual_start", "start"))
    number = max(0, (start - virtual) // (_LENGTH[turn[0]] * turn[1]))
    return virtual + number * _LENGTH[turn[0]] * turn[1], number


def _restriction(restriction: Entry) -> list[str]:
    """When a layer counts at all; a day of the week is numbered from Monday, 1."""
    begins = time.fromisoformat(str(restriction["start_time_of_day"])[:5])
    length = timedelta(seconds=int(restriction["duration_seconds"]))
    weekly = restriction.get("type") == "weekly_restriction"
    return parts_of_week([int(restriction["start_day_of_week"]) - 1] if weekly else WHOLE_WEEK, begins, length)


def _overrides(schedule: Entry, name: str, draft: Draft) -> Iterator[str]:
    """Overrides are no part of a file here; each is told as the command that adds it."""
    for one in entries(schedule, "overrides"):
        person = draft.names.get(str((one.get("user") or {}).get("id")), "PERSON")
        times = f"--from {_moment(one['start']):%Y-%m-%dT%H:%M} --to {_moment(one['end']):%Y-%m-%dT%H:%M}"
        yield f"an override; add it by `sre on-call override '{name}' {person} {times}`"


def _policy(policy: Entry, draft: Draft) -> None:
    name = draft.name(policy, str(policy.get("name", "")), draft.policies)
    what, steps = f"policy {name}", []
    for number, rule in enumerate(entries(policy, "escalation_rules"), 1):
        notify = [
            target for one in entries(rule, "targets") for target in _target(one, draft, f"{what}, rule {number}")
        ]
        minutes = int(rule.get("escalation_delay_in_minutes", 0)) or 1
        if notify:
            steps.append({"notify": notify, "wait": span_text(timedelta(minutes=minutes))})
        else:
            draft.lost.append(f"{what}, rule {number}: it names nobody who is here")
        if (rule.get("escalation_rule_assignment_strategy") or {}).get("type") == "round_robin":
            draft.lost.append(f"{what}, rule {number}: one after the other (round robin); here all are told at once")
    for service in entries(policy, "services"):
        title = service.get("summary") or service.get("id")
        draft.lost.append(f"{what}: service {title}; add a route: match: [service=NAME], policy: {name}")
    if not steps:
        draft.lost.append(f"{what}: no rule is left of it")
        return
    draft.policies[name] = {"steps": steps, "repeat": int(policy.get("num_loops", 0))}
    draft.carried.append(f"{what}: {len(steps)} steps, gone through {int(policy.get('num_loops', 0)) + 1} times")


def _target(one: Entry, draft: Draft, what: str) -> Iterator[dict[str, str]]:
    kind = str(one.get("type", "")).removesuffix("_reference")
    if kind not in ("user", "schedule"):
        draft.lost.append(f"{what}: a target of the type {kind or 'none'}")
        return
    for name in draft.known([one.get("id")], what):
        yield {kind: name}


def _zone(entry: Entry, draft: Draft, what: str) -> str:
    try:
        return as_zone(str(entry.get("time_zone") or "UTC"))
    except BadInput as error:
        draft.lost.append(f"{what}: {error}")
        return ""


def _moment(text: object) -> datetime:
    found = datetime.fromisoformat(str(text))
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _local(text: object, zone: ZoneInfo) -> datetime:
    return _moment(text).astimezone(zone).replace(tzinfo=None)
