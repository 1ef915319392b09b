"""Grafana OnCall's users, schedules, shifts, escalation chains and policies, as its HTTP API answers them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from adapters.on_call_files.foreign import DAY, Draft, Entry, entries, layer, parts_of_week
from domain.errors import BadInput
from domain.roster import Turn
from domain.roster_words import as_zone, span_text

DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
REPEATS = 5  # how often `repeat_escalation` begins again
LAST_WAIT = timedelta(minutes=5)  # behind a step that no wait follows
_TURNS: Mapping[str, tuple[Turn, timedelta]] = {
    "hourly": (Turn.HOURS, timedelta(hours=1)),
    "daily": (Turn.DAYS, DAY),
    "weekly": (Turn.WEEKS, timedelta(weeks=1)),
}
# Steps that have no place here, and what does the same.
_NO_STEP: Mapping[str, str] = {
    "notify_user_group": "a user group of Slack; name a team",
    "notify_whole_channel": 'a whole channel of Slack; name it as a target: `- slack: "#channel"`',
    "trigger_webhook": "a webhook; name it as a target: `- webhook: NAME` (paging.webhooks)",
    "trigger_action": "a webhook; name it as a target: `- webhook: NAME` (paging.webhooks)",
    "resolve": "incidents are resolved by people or when they are over",
    "notify_if_time_from_to": "a time of day; use a route with `hours` and `otherwise`",
    "notify_if_num_alerts_in_window": "a number of alerts; incidents are grouped before they page",
    "declare_incident": "incidents are declared by the agent itself",
}


def convert(document: Entry, draft: Draft, now: datetime) -> None:  # noqa: ARG001 - the other formats need it
    """Write everything into the draft that has a place there."""
    for user in entries(document, "users"):
        _user(user, draft)
    for team in entries(document, "teams"):
        draft.lost.append(f"team {team.get('name')}: its members are not in the export; write it under `teams`")
    shifts = {str(one.get("id")): one for one in entries(document, "on_call_shifts")}
    for schedule in entries(document, "schedules"):
        _schedule(schedule, shifts, draft)
    steps = entries(document, "escalation_policies")
    for chain in entries(document, "escalation_chains"):
        mine = [one for one in steps if one.get("escalation_chain_id") == chain.get("id")]
        _chain(chain, sorted(mine, key=lambda one: int(one.get("position", 0))), draft)


def _user(user: Entry, draft: Draft) -> None:
    name = draft.name(user, str(user.get("username") or user.get("name") or ""), draft.users)
    slack = [one.get("user_id") for one in user.get("slack") or [] if isinstance(one, dict)]
    mail = [user["email"]] if user.get("email") else []
    contacts = [*({"slack": one} for one in slack if one), *({"email": one} for one in mail)]
    entry: dict[str, Any] = {"slack_id": slack[0]} if slack else {}
    draft.users[name] = entry | {"contacts": contacts}
    draft.carried.append(f"user {name}: {', '.join(str(next(iter(one))) for one in contacts) or 'no contact'}")
    if not contacts:
        draft.lost.append(f"user {name}: neither a mail address nor Slack; add a contact before the file is used")
    draft.lost.append(f"user {name}: personal notification rules; contacts stand in the order in which they are tried")


def _schedule(schedule: Entry, shifts: Mapping[str, Entry], draft: Draft) -> None:
    name = draft.name(schedule, str(schedule.get("name", "")), draft.schedules)
    what = f"schedule {name}"
    try:
        zone = as_zone(str(schedule.get("time_zone") or "UTC"))
    except BadInput as error:
        draft.lost.append(f"{what}: {error}; UTC stands there now")
        zone = "UTC"
    layers: list[dict[str, Any]] = []
    if schedule.get("ical_url_primary"):
        layers.append({"name": "calendar", "calendar": schedule["ical_url_primary"]})
    mine = [shifts[str(one)] for one in schedule.get("shifts") or [] if str(one) in shifts]
    missing = [str(one) for one in schedule.get("shifts") or [] if str(one) not in shifts]
    draft.lost += [f"{what}: shift {one} is not in the export" for one in missing]
    for shift in sorted(mine, key=lambda one: int(one.get("level") or 0)):
        layers += _shift(shift, ZoneInfo(zone), draft, what)
    if schedule.get("ical_url_overrides"):
        layers.append({"name": "overrides", "calendar": schedule["ical_url_overrides"]})
    if not layers:
        draft.lost.append(f"{what}: no layer is left of it")
        del draft.names[str(schedule.get("id", name))]
        return
    draft.schedules[name] = {"zone": zone, "layers": layers}
    draft.carried.append(f"{what}: {len(layers)} layers, in {zone}")


def _shift(shift: Entry, zone: ZoneInfo, draft: Draft, what: str) -> list[dict[str, Any]]:
    """A shift as a layer, or nothing and why."""
    name = str(shift.get("name", ""))
    what = f"{what}, shift {name}"
    if problem := _problem(shift):
        draft.lost.append(f"{what}: {problem}")
        return []
    users = _users(shift, draft, what)
    if not users:
        draft.lost.append(f"{what}: nobody of it is in the export")
        return []
    begins, moved = _begins(shift, zone)
    if moved:
        draft.lost.append(f"{what}: its own zone {shift['time_zone']}; its times are those of {zone} now")
    length = timedelta(seconds=int(shift["duration"]))
    if shift.get("type") == "single_event":
        return [layer(name, users, begins) | {"ends": f"{begins + length:%Y-%m-%dT%H:%M}"}]
    turn, unit = _TURNS[str(shift["frequency"])]
    made = layer(name, users, _hand_over(shift, begins), (turn, _interval(shift)))
    if until := shift.get("until"):
        made["ends"] = f"{_in_zone(until, shift, zone):%Y-%m-%dT%H:%M}"
    if shift.get("by_day") or length < unit * _interval(shift):
        made["only"] = parts_of_week(_days(shift, begins), begins.time(), length)
    return [made]


def _problem(shift: Entry) -> str:
    """Why a shift has no place here, or an empty text."""
    if shift.get("type") == "single_event":
        return ""
    frequency, interval = str(shift.get("frequency")), _interval(shift)
    if frequency not in _TURNS or shift.get("by_month") or shift.get("by_monthday"):
        return "it recurs by the month; use a calendar"
    partly = timedelta(seconds=int(shift["duration"])) < _TURNS[frequency][1] * interval
    if interval > 1 and (partly or shift.get("by_day")):
        return f"it recurs every {interval} times only, and not all of that time; use a calendar"
    if frequency == "hourly" and partly:
        return "it recurs by the hour and not all of that time; use a calendar"
    several = len(shift.get("rolling_users") or []) > 1
    if frequency != "weekly" and several and 0 < len(shift.get("by_day") or ()) < len(DAYS):
        return "it goes on by the days that it names, here by all days: who has which day would differ"
    return ""


def _users(shift: Entry, draft: Draft, what: str) -> list[str]:
    """Who takes turns, from the one on with whom it begins; of several at once the first."""
    rolling = shift.get("rolling_users") or ([shift["users"]] if shift.get("users") else [])
    first = int(shift.get("start_rotation_from_user_index") or 0)
    found = []
    for together in [*rolling[first:], *rolling[:first]]:
        names = draft.known(together, what)
        found += names[:1]
        draft.lost += [f"{what}: {name} together with {names[0]}; one at a time is on call here" for name in names[1:]]
    return found


def _hand_over(shift: Entry, begins: datetime) -> datetime:
    """When the first turn begins: where days of the week are named, at the beginning of that week."""
    if shift.get("frequency") != "weekly" or not shift.get("by_day"):
        return begins
    first = DAYS.index(str(shift.get("week_start") or "SU"))
    midnight = begins.replace(hour=0, minute=0, second=0)
    return midnight - timedelta(days=(begins.weekday() - first) % len(DAYS))


def _interval(shift: Entry) -> int:
    return int(shift.get("interval") or 1)


def _days(shift: Entry, begins: datetime) -> list[int]:
    """The days of the week on which a shift begins, in the schedule's zone."""
    if not shift.get("by_day"):
        return list(range(7)) if shift.get("frequency") == "daily" else [begins.weekday()]
    # What begins on a Monday in one zone may begin on a Sunday in another.
    moved = (begins.date() - datetime.fromisoformat(str(shift["start"])).date()).days
    return [(DAYS.index(day) + moved) % 7 for day in shift["by_day"] if day in DAYS]


def _begins(shift: Entry, zone: ZoneInfo) -> tuple[datetime, bool]:
    """The local time of the first hand-over, and whether it was another one in the shift's own zone."""
    found = _in_zone(shift["start"], shift, zone)
    return found, found != datetime.fromisoformat(str(shift["start"])).replace(tzinfo=None)


def _in_zone(text: object, shift: Entry, zone: ZoneInfo) -> datetime:
    found = datetime.fromisoformat(str(text))
    own = ZoneInfo(str(shift.get("time_zone") or zone.key))
    return (found if found.tzinfo else found.replace(tzinfo=own)).astimezone(zone).replace(tzinfo=None)


def _chain(chain: Entry, parts: list[Entry], draft: Draft) -> None:
    """One policy; what is notified without a wait between is one step."""
    name = draft.name(chain, str(chain.get("name", "")), draft.policies)
    what, repeat, waited = f"policy {name}", 0, True
    steps: list[dict[str, Any]] = []
    for number, part in enumerate(parts, 1):
        kind = str(part.get("type"))
        at = f"{what}, step {number}"
        if kind == "wait":
            waited = _wait(part, steps, draft, at)
        elif kind == "repeat_escalation":
            repeat = REPEATS
            draft.carried.append(f"{at}: begins again, {REPEATS} times at most")
        elif notify := _notify(kind, part, draft, at):
            if waited:
                steps.append({"notify": [], "wait": ""})
            steps[-1]["notify"] += notify
            waited = False
    _finish(name, steps, repeat, draft)


def _wait(part: Entry, steps: list[dict[str, Any]], draft: Draft, at: str) -> bool:
    if not steps:
        draft.lost.append(f"{at}: a wait before anybody is told")
        return True
    steps[-1]["wait"] = span_text(timedelta(seconds=int(float(part.get("duration") or 60))))
    return True


def _finish(name: str, steps: list[dict[str, Any]], repeat: int, draft: Draft) -> None:
    what = f"policy {name}"
    if not steps:
        draft.lost.append(f"{what}: no step is left of it")
        return
    if not steps[-1]["wait"]:
        steps[-1]["wait"] = span_text(LAST_WAIT)
        draft.carried.append(f"{what}: no wait follows the last step; {span_text(LAST_WAIT)} stands there now")
    draft.policies[name] = {"steps": steps} | ({"repeat": repeat} if repeat else {})
    draft.carried.append(f"{what}: {len(steps)} steps")


def _persons(part: Entry, draft: Draft, at: str) -> list[dict[str, str]]:
    return [{"user": name} for name in draft.known(part.get("persons_to_notify") or [], at)]


def _next_persons(part: Entry, draft: Draft, at: str) -> list[dict[str, str]]:
    draft.lost.append(f"{at}: another one each time; here all are told at once")
    return [{"user": name} for name in draft.known(part.get("persons_to_notify_next_each_time") or [], at)]


def _on_call(part: Entry, draft: Draft, at: str) -> list[dict[str, str]]:
    return [{"schedule": name} for name in draft.known([part.get("notify_on_call_from_schedule")], at)]


def _team(part: Entry, draft: Draft, at: str) -> list[dict[str, str]]:
    draft.lost.append(f"{at}: team {part.get('team_to_notify')}; write it under `teams` and name it here")
    return []


_NOTIFY: Mapping[str, Callable[[Entry, Draft, str], list[dict[str, str]]]] = {
    "notify_persons": _persons,
    "notify_person_next_each_time": _next_persons,
    "notify_on_call_from_schedule": _on_call,
    "notify_team_members": _team,
}


def _notify(kind: str, part: Entry, draft: Draft, at: str) -> list[dict[str, str]]:
    if kind in _NOTIFY:
        return _NOTIFY[kind](part, draft, at)
    draft.lost.append(f"{at}: {_NO_STEP.get(kind, f'a step of the type {kind}')}")
    return []
