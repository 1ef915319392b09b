"""Plans, actions and what they came to, as the ledger tells it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from domain.amounts import SHARES, counted, number, share
from domain.ledger import LedgerKind
from domain.shown_texts import printable
from domain.told_fields import Fields, by_whom, listed, told, with_more, with_role

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


def proof(fields: Fields) -> str:
    """What a verification saw: `0 % of 275 fresh logs, at most 5 % allowed`."""
    if "at_most" not in fields:
        return ""
    shown = share if fields.get("measure", "anomaly_rate") in SHARES else number
    samples = counted(fields.get("samples", 0), "fresh log")
    if fields.get("value") is None:
        return f"only {samples}" if fields.get("samples") else samples
    return f"{shown(fields['value'])} in {samples}, at most {shown(fields['at_most'])} allowed"


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
    return with_more(f"verified: {OUTCOMES.get(outcome, outcome)}{why}", proof(fields))


def _autonomy(fields: Fields) -> str:
    who, service = printable(fields.get("playbook", "")), printable(fields.get("service", ""))
    change = f"from {printable(fields.get('before', ''))} to {printable(fields.get('after', ''))}"
    return f"autonomy of {who} on {service}: {change}, because {printable(fields.get('why', ''))}"


ACTION_SENTENCES: Mapping[str, Callable[[Fields], str]] = {
    LedgerKind.PLAN: _plan,
    LedgerKind.OBJECTED: lambda fields: f"not carried out: {listed(fields.get('objections', []))}",
    LedgerKind.HELD_OFF: lambda fields: f"not carried out yet: {listed(fields.get('objections', []))}",
    LedgerKind.AUTONOMY: _autonomy,
    LedgerKind.ASKED: _asked,
    LedgerKind.APPROVED: lambda fields: with_role(by_whom("plan allowed", fields), fields),
    LedgerKind.REJECTED: lambda fields: with_role(by_whom("plan refused", fields), fields),
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
    LedgerKind.PAUSED: lambda fields: by_whom("every action paused", fields),
    LedgerKind.RESUMED: lambda fields: by_whom("actions allowed again", fields),
}
