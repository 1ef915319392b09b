"""What people read: a decision of the ledger as a sentence, numbers with their units, evidence in words.

A kind or a reason that is not in a table here is told field by field, so nothing is ever left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from domain.ledger import LedgerKind

Fields = Mapping[str, object]

# How a metric's name ends -> the unit of its numbers.
UNITS: Mapping[str, str] = {
    "_ms": "ms",
    "_seconds": "s",
    "_mb": "MB",
    "_bytes": "bytes",
    "_percent": "%",
    "_usage": "%",
    "_per_second": "a second",
}
# Fields that help programs only.
UNSAID = frozenset({"key", "episode"})
PAGE_REASONS: Mapping[str, str] = {
    "uncommon": "uncommon, no playbook fits",
    "critical": "critical",
    "worse": "worse than when a human was told",
    "approval": "a plan waits for a person's word",
    "resolved": "it is over",
    "objected": "the plan may not run unattended",
    "ineffective": "the action did not help",
    "made worse": "it is worse than before the action",
    "not taken back": "what was done in vain could not be taken back",
    "unknown": "nothing shows whether the action helped",
    "failed": "the action failed",
    "flapping": "it comes back again and again",
    "widespread": "one fault in several services at once, so nothing was done about it",
    "storm": "too many incidents of the service at once",
    "acknowledged": "somebody has it",
    "commented": "somebody said something about it",
    "analysed": "it was looked into",
    "assigned": "it was given to somebody",
    "reminder": "acknowledged long ago, and open still",
    "digest": "what did not deserve a page of its own",
}
OUTCOMES: Mapping[str, str] = {
    "recovered": "it helped",
    "ineffective": "it did not help",
    "worse": "it is worse than before",
    "unknown": "nothing shows whether it helped",
}
FOUND: Mapping[str, str] = {
    "done": "it was done already",
    "half": "it was half done",
    "untouched": "nothing had been done",
    "gone": "its target no longer exists",
}
SUPPRESSED: Mapping[str, str] = {
    "late": "page not sent: the evidence is old, and the service had its one late page",
    "a page told of it before": "not paged again: a human was told before",
}
# From here on digits behind the point say nothing, and from there on digits before it do not either.
WHOLE_FROM, HUGE_FROM = 999.5, 1e15
SHORT = 10  # seconds, of which tenths are said
SHARES = frozenset({"anomaly_rate", "error_rate"})


def printable(text: object) -> str:
    """`text` on one line and free of what would steer a terminal: some of it is a stranger's."""
    flat = " ".join(str(text).split())
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in flat)


def visible(line: object) -> str:
    """The line as it stands, spaces included, free of what would steer a terminal or begin another line."""
    return "".join(_visible(letter) for letter in str(line))


def _visible(letter: str) -> str:
    if letter.isprintable():
        return letter
    return " " if letter.isspace() else "\N{REPLACEMENT CHARACTER}"


def number(value: object) -> str:
    """`10`, `0.05`, `61,204`: as few digits as say what is meant; what is no number as it is."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.0f}" if WHOLE_FROM <= abs(value) < HUGE_FROM else f"{value:.3g}"
    return printable(value)


def share(value: object) -> str:
    """0.05 as `5 %`."""
    return f"{number(value * 100)} %" if isinstance(value, int | float) else number(value)


def measured(metric: str, value: object) -> str:
    """A metric's value with the unit that its name tells: `251.8 ms`."""
    unit = next((unit for ending, unit in UNITS.items() if metric.endswith(ending)), "")
    return f"{number(value)} {unit}".rstrip()


def reading(metric: str, value: object) -> str:
    """A metric's value as people say it: `34 %` for a share, else with its unit."""
    return share(value) if metric in SHARES else measured(metric, value)


def spoken(name: str) -> str:
    """A metric's name in words, without its unit: `request latency`."""
    ending = next((ending for ending in UNITS if name.endswith(ending) and ending != "_usage"), "")
    return printable(name.removesuffix(ending).replace("_", " "))


def compared(numbers: Fields) -> str:
    """What a verdict compared, in words: `error rate 34 %, normally 0.2 %`; empty where it compared no metric."""
    if numbers.get("text"):
        return _said(numbers)
    metric, normal = printable(numbers.get("metric", "")), numbers.get("normal")
    if not metric or numbers.get("value") is None:
        return ""
    against = "" if normal is None else f", normally {reading(metric, normal)}"
    return f"{spoken(metric)} {reading(metric, numbers['value'])}{against}"


def _said(numbers: Fields) -> str:
    """`“retry N of M” 34 in 100 logs, normally 0.2`."""
    value, normal = (number(numbers.get(name)) for name in ("value", "normal"))
    return f"{printable(numbers['text'])} {value} in 100 logs, normally {normal}"


def cut(text: str, longest: int) -> str:
    """`text` in at most that many characters, ended behind a word."""
    if len(text) <= longest:
        return text
    kept = text[: longest - 1]
    whole = kept.rpartition(" ")[0].rstrip(" ,;:")
    return f"{whole if len(whole) > longest // 2 else kept}…"


def brief(text: str, longest: int) -> str:
    """`text` cut to about that many characters, with how much is left out in words."""
    if len(text) <= longest:
        return text
    kept = cut(text, longest)
    return f"{kept} ({len(text) - len(kept) + 1:,} more characters)"


def counted(amount: object, noun: str) -> str:
    """`no log`, `1 log`, `2,042 logs`."""
    if amount == 0:
        return f"no {noun}"
    return f"{number(amount)} {noun}{'' if amount == 1 else 's'}"


def lasting(seconds: object) -> str:
    """`9 s`, `15 min`, `2 h`, `3 days`."""
    if not isinstance(seconds, int | float):
        return number(seconds)
    for unit, length in (("days", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * length or (seconds >= length and seconds % length == 0 and unit != "days"):
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"


def seconds(taken: float) -> str:
    """How long something took: `0.3 s`, `41 s`, `12 minutes`."""
    return f"{taken:.2g} s" if taken < SHORT else lasting(taken)


def ago(age: timedelta) -> str:
    """How long ago something was: `9 s ago`."""
    return f"{lasting(max(0.0, age.total_seconds()))} ago"


def listed(value: object) -> str:
    """A list as people write it: `a, b`; `none` for an empty one."""
    if isinstance(value, str) or not isinstance(value, Iterable):
        return number(value)
    if isinstance(value, Mapping):
        return told(value) or "none"
    return ", ".join(map(listed, value)) or "none"


def told(fields: Fields) -> str:
    """Fields without a sentence of their own: `name value, other value`."""
    kept = {name: value for name, value in fields.items() if name not in UNSAID and value not in (None, "")}
    return ", ".join(f"{name.replace('_', ' ')} {listed(value)}" for name, value in kept.items())


def because(reason: str, numbers: Fields, detector: str = "") -> str:
    """Why a log was an anomaly: `pool_in_use 10, normally 0 (model 2)`."""
    by = f" ({detector})" if detector else ""
    return f"{_because(reason, numbers)}{by}"


def _because(reason: str, numbers: Fields) -> str:
    if make := OF_REASONS.get(reason.upper()):
        return make(numbers)
    if numbers.get("text"):
        return _said(numbers)
    if metric := printable(numbers.get("metric", "")):
        against = "limit" if reason.upper() == "LIMIT" else "normally"
        value, normal = (measured(metric, numbers.get(name)) for name in ("value", "normal"))
        return f"{metric} {value}, {against} {normal}"
    if word := numbers.get("word"):
        return f"the word “{printable(word)}” in its message"
    return f"{reason.lower()}: {told(numbers)}" if numbers else reason.lower()


def _jointly(numbers: Fields) -> str:
    metric = printable(numbers.get("metric", ""))
    value, fits = (measured(metric, numbers.get(name)) for name in ("value", "normal"))
    return f"{metric} {value}, where {fits} would go with its other metrics"


def _together(numbers: Fields) -> str:
    metric = printable(numbers.get("metric", ""))
    beside = f" beside {metric} {measured(metric, numbers.get('value'))}" if metric else " beside unusual metrics"
    return f"the word “{printable(numbers.get('word', ''))}” in its message{beside}"


def habit(numbers: Fields) -> str:
    """What the habits of a service say of a log: `CRITICAL, which this service logs once in 40,000 lines`."""
    level, lines, at_level, times = (numbers.get(name, 0) for name in ("level", "lines", "at_level", "times"))
    if numbers.get("usual"):
        called = "called a false alarm before" if numbers.get("called") == "false" else "usual here"
        return f"{called}: {counted(times, 'time')} in training"
    if isinstance(lines, int) and isinstance(at_level, int) and at_level:
        rare = f"{level}, which this service logs once in {number(max(1, round(lines / at_level)))} lines"
    else:
        rare = f"{level}, which this service never logged in {number(lines)} lines"
    text = f"its text came {counted(times, 'time')} in training" if times else "its text is new"
    text = "its text was one of a real incident" if numbers.get("called") == "real" else text
    word = f", with the word “{printable(numbers['word'])}”" if numbers.get("word") else ""
    return f"{rare}; {text}{word}"


# Reasons of logs that have words of their own.
OF_REASONS: Mapping[str, Callable[[Fields], str]] = {"HABIT": habit, "JOINTLY": _jointly, "TOGETHER": _together}


def action(entry: object) -> str:
    """An action of a plan, however it is kept: `restart web`, `scale web (workers 4)`."""
    if not isinstance(entry, Mapping):
        return printable(entry)
    parameters = told(entry.get("parameters") or {})
    return printable(f"{entry.get('kind', '')} {entry.get('target', '')}") + (f" ({parameters})" if parameters else "")


def processes(pids: object) -> str:
    """`process 17`, `processes 17, 18`, `no process`."""
    found = list(pids) if isinstance(pids, list | tuple) else [pids] if pids else []
    if not found:
        return "no process"
    return f"process{'es' if len(found) > 1 else ''} {', '.join(map(str, found))}"


def page_reason(reason: object) -> str:
    """Why a human is paged."""
    return PAGE_REASONS.get(str(reason), printable(reason))


def proof(fields: Fields) -> str:
    """What a verification saw: `0 % of 275 fresh logs, at most 5 % allowed`."""
    if "at_most" not in fields:
        return ""
    shown = share if fields.get("measure", "anomaly_rate") in SHARES else number
    samples = counted(fields.get("samples", 0), "fresh log")
    if fields.get("value") is None:
        return f"only {samples}" if fields.get("samples") else samples
    return f"{shown(fields['value'])} in {samples}, at most {shown(fields['at_most'])} allowed"


def _opened(fields: Fields) -> str:
    if "message" in fields:
        return f"opened: {printable(fields['message'])}"
    what = "a storm of incidents" if fields.get("kind") == "storm" else printable(fields.get("template", ""))
    answer = {"playbook": "; a playbook fits", "human": "; no playbook fits"}.get(str(fields.get("route")), "")
    return f"opened by {printable(fields.get('detector', 'the agent'))}: {what}{answer}"


RELATIONS: Mapping[str, str] = {
    "first": "it was seen first",
    "service": "the same service",
    "words": "{to} says the same",
    "playbook": "the same fault as in {to} and others",
    "dependency": "the inventory relates it to {to}",
    "order": "it began to wait right after {to} failed",
}


def relation(name: object, to: object) -> str:
    """Why an alert belongs to its incident."""
    return RELATIONS.get(str(name), "").format(to=printable(to))


def _related(fields: Fields) -> str:
    why = relation(fields.get("relation"), fields.get("to"))
    return f"{printable(fields.get('service'))} shows it, too: {printable(fields.get('template'))} ({why})"


def _merged(fields: Fields) -> str:
    if "open" in fields:
        return f"became part of a storm: {fields['open']} incidents were open"
    return f"became part of incident {fields.get('into', '?')}: the same fault in several services at once"


def _quiet(fields: Fields) -> str:
    seconds = fields.get("quiet_seconds")
    return f"no anomalous log for {lasting(seconds) if seconds is not None else 'long enough'}"


def _with_origin(fields: Fields) -> str:
    return f"a symptom of {printable(fields.get('origin', 'another incident'))}, silent since that was over"


# Why an incident was closed, in words.
RESOLUTIONS: Mapping[str, Callable[[Fields], str]] = {
    "quiet": _quiet,
    "verified": lambda fields: _with("the action helped", proof(fields)),
    "origin repaired": _with_origin,
    "works again": lambda fields: printable(fields.get("why", "it works again")),
    "source": lambda _: "its source says that it is over",
    "source silent": lambda fields: f"its source said nothing for {lasting(fields.get('silent_seconds'))}",
}


def _resolved(fields: Fields) -> str:
    if in_words := RESOLUTIONS.get(str(fields.get("resolution", ""))):
        return f"resolved: {in_words(fields)}"
    return _by("resolved by hand", fields)


def _answered(fields: Fields) -> str:
    what = f"{printable(fields.get('verb', ''))} {printable(fields.get('argument', ''))}".rstrip()
    return f"{printable(fields.get('by', ''))} answered by {printable(fields.get('via', ''))}: {what}"


def _not_answered(fields: Fields) -> str:
    who = f" of {printable(fields['by'])}" if fields.get("by") else ""
    what = f": {printable(fields['verb'])}" if fields.get("verb") else ""
    answer = f"an answer{who} by {printable(fields.get('via', ''))} was refused{what}"
    return f"{answer}, because {printable(fields.get('why', ''))}{_unsaid(fields)}"


def _unsaid(fields: Fields) -> str:
    return f"; {number(fields['unsaid'])} more like it since the last one" if fields.get("unsaid") else ""


def _login_refused(fields: Fields) -> str:
    who, where = printable(fields.get("user", "")), printable(fields.get("from", ""))
    how = f"by {printable(fields['by'])}" if fields.get("by") else f"as {who}"
    return f"a login {how} from {where} was refused, because {printable(fields.get('why', ''))}{_unsaid(fields)}"


def _user_changed(fields: Fields) -> str:
    role = f", {fields['role']}" if fields.get("role") else ""
    person = printable(fields.get("person", ""))
    called = f" (on call as {person})" if person and person != fields.get("user") else ""
    return _by(f"user {printable(fields.get('user'))}{called} {printable(fields.get('what'))}{role}", fields)


def _queued(fields: Fields) -> str:
    begin = "paged again" if fields.get("again") else "page queued"
    late = ", marked late: the evidence is old" if fields.get("late") else ""
    return f"{begin}: {page_reason(fields.get('reason', ''))}{late}"


def _suppressed(fields: Fields) -> str:
    why = str(fields.get("why") or fields.get("error") or fields.get("reason") or "not wanted any more")
    return SUPPRESSED.get(why, f"page not sent: {printable(why)}")


def _joined(fields: Fields) -> str:
    # The first version wrote the template alone, under another name.
    return f"covered by the page about {printable(fields.get('told_with') or fields.get('with', ''))}"


def _sent(fields: Fields) -> str:
    attempt = fields.get("attempt", 1)
    to = f" to {printable(fields['person'])}" if fields.get("person") else ""
    merged = f", with {fields['merged']} more" if fields.get("merged") else ""
    tries = f", at try {attempt}" if attempt != 1 else ""
    return f"page sent by {printable(fields.get('channel', ''))}{to}{merged}{tries}"


def _muted(fields: Fields) -> str:
    until = f"until {fields.get('until')}" + (f", every {fields['every']}" if fields.get("every") else "")
    what = f"{printable(fields.get('rule', ''))} for {listed(fields.get('matchers', []))}"
    return printable(f"{_by(f'{what} added', fields)} from {fields.get('from')} {until}: {fields.get('comment')}")


def _override(fields: Fields) -> str:
    what = f"{printable(fields.get('person'))} takes schedule {printable(fields.get('schedule'))}"
    why = f": {printable(fields['why'])}" if fields.get("why") else ""
    return _by(f"{what} from {fields.get('from')} until {fields.get('until')}, said", fields) + why


def _plan(fields: Fields) -> str:
    actions = fields.get("actions")
    what = ", ".join(map(action, actions)) if isinstance(actions, list | tuple) else ""
    source = str(fields.get("source", "")).replace(":", " ", 1)
    why = f": {printable(fields['why'])}" if fields.get("why") else ""
    return f"plan made: {what or 'nothing'} ({source}, confidence {number(fields.get('confidence'))}{why})"


def _started(fields: Fields) -> str:
    return f"{action(fields)} started ({processes(fields.get('pids'))})"


def _done(fields: Fields) -> str:
    before, after = processes(fields.get("pids_before")), processes(fields.get("pids_after"))
    return f"done on {printable(fields.get('target', ''))}: {before} before, {after} now"


def _about(verb: str) -> Callable[[Fields], str]:
    """A sentence about an action: what, and why or with which error."""

    def sentence_of(fields: Fields) -> str:
        more = fields.get("why") or fields.get("error")
        return f"{action(fields)} {verb}" + (f": {printable(more)}" if more else "")

    return sentence_of


def _asked(fields: Fields) -> str:
    until = str(fields.get("until", ""))[11:16]
    return f"a person is asked until {until} UTC: {listed(fields.get('objections', []))}"


def _step_failed(fields: Fields) -> str:
    return f"step {fields.get('step')} failed, try {fields.get('tries')}: {printable(fields.get('error', ''))}"


def _verified(fields: Fields) -> str:
    outcome = str(fields.get("outcome") or fields.get("verdict") or "")
    why = f", {printable(fields['because'])}" if fields.get("because") else ""
    return _with(f"verified: {OUTCOMES.get(outcome, outcome)}{why}", proof(fields))


def _topic(fields: Fields) -> str:
    return f"topic {printable(fields.get('topic', ''))} is another one than before: it was made anew"


def _with(sentence: str, more: str) -> str:
    return f"{sentence}; {more}" if more else sentence


def _by(sentence: str, fields: Fields) -> str:
    return f"{sentence} by {printable(fields['by'])}" if fields.get("by") else sentence


def _as(sentence: str, fields: Fields) -> str:
    return f"{sentence}, {printable(fields['role'])}" if fields.get("role") else sentence


def _classified(fields: Fields) -> str:
    kind = "common" if fields.get("common") else "uncommon"
    return f"{kind}, by playbook {printable(fields.get('playbook', ''))}: {listed(fields.get('reasons', []))}"


def _analysed(fields: Fields) -> str:
    source = printable(fields.get("source", ""))
    who = "analysed without a model" if source == "deterministic" else f"analysed by {source.removeprefix('llm:')}"
    reused = fields.get("reused_from")
    told = [f"that of incident {reused}, the same fault"] if reused else []
    told += [printable(fields["because"])] if fields.get("because") else []
    told += [f"{counted(fields['struck'], 'claim')} struck out"] if fields.get("struck") else []
    if fields.get("calls"):
        cost = f", cost {number(fields.get('cost'))}" if fields.get("cost") else ""
        told.append(f"{counted(fields['calls'], 'call')}, {counted(fields.get('tokens', 0), 'token')}{cost}")
    return ": ".join([who, "; ".join(told)]) if told else who


def _autonomy(fields: Fields) -> str:
    who, service = printable(fields.get("playbook", "")), printable(fields.get("service", ""))
    change = f"from {printable(fields.get('before', ''))} to {printable(fields.get('after', ''))}"
    return f"autonomy of {who} on {service}: {change}, because {printable(fields.get('why', ''))}"


def champion(fields: Fields) -> str:
    """`version 8 of the model decides instead of version 7: promoted by ada`."""
    instead = f" instead of version {fields['before']}" if fields.get("before") else ""
    how = _by(printable(fields.get("how", "chosen")), fields)
    return f"version {fields.get('version')} of the model decides{instead}: {how}"


def findings(fields: Fields) -> list[str]:
    """What a note says: `cause: a slow disk`, `helped: swapped it`, `the analysis was right`."""
    said = [f"{name}: {printable(fields[name])}" for name in ("cause", "helped", "origin") if fields.get(name)]
    return said + ([f"the analysis was {printable(fields['verdict'])}"] if fields.get("verdict") else [])


def _confirmed(fields: Fields) -> str:
    if not fields.get("logs", 0):
        return "confirmed by a minute that was not as usual"
    return f"confirmed by {counted(fields['logs'], 'anomalous log')}"


VERDICTS = {"real": "a real one", "false-alarm": "a false alarm"}


def _verdict(fields: Fields) -> str:
    said = VERDICTS.get(str(fields.get("verdict", "")), "something else")
    return f"{printable(fields.get('by', 'somebody'))} calls it {said}"


def _noted(fields: Fields) -> str:
    return f"{printable(fields.get('by', 'somebody'))} noted {'; '.join(findings(fields)) or 'something'}"


def _ack_expired(fields: Fields) -> str:
    by = printable(fields.get("by", "somebody"))
    return f"the snooze of {by} is over" if fields.get("was") == "snoozed" else f"what {by} acknowledged expired"


SENTENCES: Mapping[str, Callable[[Fields], str]] = {
    LedgerKind.OPENED: _opened,
    LedgerKind.CONFIRMED: _confirmed,
    LedgerKind.REOPENED: lambda fields: f"came back {lasting(fields.get('after_seconds'))} after it was resolved",
    LedgerKind.JOINED: _related,
    LedgerKind.ORIGIN: lambda fields: (
        f"its likely origin is {printable(fields.get('service'))}: {printable(fields.get('template'))}"
    ),
    LedgerKind.WIDESPREAD: lambda fields: (
        f"the same fault in {counted(fields.get('services', 0), 'service')} within a minute: one cause is likely, so"
        " nothing is done about it unattended"
    ),
    LedgerKind.MERGED: _merged,
    LedgerKind.RESOLVED: _resolved,
    LedgerKind.ACKED: lambda fields: _by("acknowledged", fields),
    LedgerKind.ESCALATED: lambda fields: f"given to a human: {page_reason(fields.get('reason', ''))}",
    LedgerKind.PAGE_QUEUED: _queued,
    LedgerKind.PAGE_SUPPRESSED: _suppressed,
    LedgerKind.PAGE_JOINED: _joined,
    LedgerKind.PAGE_EXPANDED: lambda fields: f"goes to {listed(fields.get('to', []))}",
    LedgerKind.PAGE_SENT: _sent,
    LedgerKind.STEP_FIRED: lambda fields: (
        f"nobody acknowledged, so step {fields.get('step')} tells {listed(fields.get('to', []))}"
    ),
    LedgerKind.ESCALATION_OVER: lambda fields: f"nobody else is told: {printable(fields.get('why', ''))}",
    LedgerKind.ACK_EXPIRED: _ack_expired,
    LedgerKind.SNOOZED: lambda fields: _by(f"snoozed until {printable(fields.get('until', ''))}", fields),
    LedgerKind.ASSIGNED: lambda fields: _by(f"given to {printable(fields.get('to', ''))}", fields),
    LedgerKind.COMMENTED: lambda fields: printable(f"{fields.get('by')} says: {fields.get('text', '')}"),
    LedgerKind.NOTED: _noted,
    LedgerKind.VERDICT: _verdict,
    LedgerKind.MENDED: lambda fields: f"its policy begins anew: {printable(fields.get('why', ''))}",
    LedgerKind.PAGE_FAILED: lambda fields: f"page refused by {fields.get('channel')}: {printable(fields.get('error'))}",
    LedgerKind.PAGE_MUTED: lambda fields: f"page held back: {printable(fields.get('rule', ''))}",
    LedgerKind.PAGE_UNDELIVERED: lambda fields: (
        f"page not delivered for long, it goes on being tried: {printable(fields.get('error', ''))}"
    ),
    LedgerKind.PLAN: _plan,
    LedgerKind.OBJECTED: lambda fields: f"not carried out: {listed(fields.get('objections', []))}",
    LedgerKind.HELD_OFF: lambda fields: f"not carried out yet: {listed(fields.get('objections', []))}",
    LedgerKind.ASSESSED: lambda fields: f"{fields.get('severity')}: {printable(fields.get('impact'))}",
    LedgerKind.CLASSIFIED: _classified,
    LedgerKind.ANALYSED: _analysed,
    LedgerKind.AUTONOMY: _autonomy,
    LedgerKind.CHAMPION: champion,
    LedgerKind.ASKED: _asked,
    LedgerKind.APPROVED: lambda fields: _as(_by("plan allowed", fields), fields),
    LedgerKind.REJECTED: lambda fields: _as(_by("plan refused", fields), fields),
    LedgerKind.ACTION_RESERVED: _about("is to be carried out"),
    LedgerKind.ACTION_DROPPED: _about("not carried out"),
    LedgerKind.UNDO_STARTED: _about("is being taken back"),
    LedgerKind.UNDO_FAILED: _about("could not be taken back"),
    LedgerKind.STEP_FAILED: _step_failed,
    LedgerKind.ACTION_STARTED: _started,
    LedgerKind.ACTION_DONE: _done,
    LedgerKind.ACTION_FAILED: lambda fields: f"the action failed: {printable(fields.get('error', ''))}",
    LedgerKind.ACTION_TAKEN_OVER: lambda fields: (
        f"taken over from a run that ended: {FOUND.get(str(fields.get('found')), printable(fields.get('found', '')))}"
    ),
    LedgerKind.UNDONE: lambda fields: f"taken back on {printable(fields.get('target', ''))}",
    LedgerKind.VERIFIED: _verified,
    LedgerKind.PAUSED: lambda fields: _by("every action paused", fields),
    LedgerKind.RESUMED: lambda fields: _by("actions allowed again", fields),
    LedgerKind.RESPONSE: _answered,
    LedgerKind.RESPONSE_REFUSED: _not_answered,
    LedgerKind.LOGGED_IN: lambda fields: _by(
        f"{printable(fields.get('user'))} logged in from {printable(fields.get('from'))}", fields
    ),
    LedgerKind.LOGIN_REFUSED: _login_refused,
    LedgerKind.USER_CHANGED: _user_changed,
    LedgerKind.MUTE_ADDED: _muted,
    LedgerKind.MUTE_EXPIRED: lambda fields: _by(f"{printable(fields.get('rule', ''))} ended early", fields),
    LedgerKind.OVERRIDE_ADDED: _override,
    LedgerKind.OVERRIDE_REMOVED: lambda fields: _by(
        f"override {fields.get('override')} of schedule {printable(fields.get('schedule'))} taken back",
        {"by": fields.get("removed_by")},
    ),
    LedgerKind.TOPIC_CHANGED: _topic,
    LedgerKind.CUT: lambda fields: f"entries of closed incidents went; the chain begins after link {fields.get('seq')}",
    LedgerKind.RESTORED: lambda fields: f"restored from the backup of {fields.get('made_at')}; acting is paused",
}


def receiver(row: Fields) -> str:
    """Whom a delivery goes to: `ann by email ann@example.org`."""
    way = f"{row.get('channel')} {printable(row.get('receiver', ''))}"
    return f"{printable(row['person'])} by {way}" if row.get("person") else way


def escalation(row: Fields) -> str:
    """How far telling people has come: `the next people are told at 13:05:00 UTC, if nobody acknowledges`."""
    due, by = row.get("due_at"), printable(row.get("by", ""))
    at = f"at {clock(due)}" if due else "not any more"
    found = {
        "running": f"the next people are told {at}, if nobody acknowledges",
        "acknowledged": f"{by} has it, and is reminded {at}",
        "reminded": f"{by} was reminded; others are told {at}, if {by} says nothing",
        "snoozed": f"{by} snoozed it; people are told again {at}",
        "exhausted": f"everybody was told and nobody acknowledged; they are told again {at}",
    }
    return found.get(str(row.get("state")), f"nobody else is told: {printable(row.get('why', ''))}")


def clock(moment: object) -> str:
    """A time of today as people say it: `13:22:43 UTC`."""
    return f"{moment:%H:%M:%S} UTC" if isinstance(moment, datetime) else printable(moment)


def waiting(due: Sequence[Fields], state: str) -> str:
    """What an incident waits for and until when; `due`: its row in the queue, if it has one."""
    if not due:
        return "waits for a person" if state == "escalated" else "waits for nothing"
    (row,) = due
    until = f", until {clock(row['until'])}" if row["until"] else ""
    error = f" ({printable(row['error'])})" if row["error"] else ""
    return f"waits for {row['waits_for']}{until}, next look at {clock(row['due_at'])}{error}"


def sentence(kind: str, fields: Fields) -> str:
    """One entry of the ledger in words, without its incident and time."""
    if make := SENTENCES.get(kind):
        return make(fields)
    return ": ".join(filter(None, (kind.replace(".", " ").replace("-", " "), told(fields))))
