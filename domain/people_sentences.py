"""What people answered, who came in, and what they hold back or take over, as the ledger tells it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from domain.amounts import number
from domain.ledger import LedgerKind
from domain.shown_texts import printable
from domain.told_fields import Fields, by_whom, listed


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
    return by_whom(f"user {printable(fields.get('user'))}{called} {printable(fields.get('what'))}{role}", fields)


def _muted(fields: Fields) -> str:
    until = f"until {fields.get('until')}" + (f", every {fields['every']}" if fields.get("every") else "")
    what = f"{printable(fields.get('rule', ''))} for {listed(fields.get('matchers', []))}"
    return printable(f"{by_whom(f'{what} added', fields)} from {fields.get('from')} {until}: {fields.get('comment')}")


def _override(fields: Fields) -> str:
    what = f"{printable(fields.get('person'))} takes schedule {printable(fields.get('schedule'))}"
    why = f": {printable(fields['why'])}" if fields.get("why") else ""
    return by_whom(f"{what} from {fields.get('from')} until {fields.get('until')}, said", fields) + why


PEOPLE_SENTENCES: Mapping[str, Callable[[Fields], str]] = {
    LedgerKind.ACKED: lambda fields: by_whom("acknowledged", fields),
    LedgerKind.SNOOZED: lambda fields: by_whom(f"snoozed until {printable(fields.get('until', ''))}", fields),
    LedgerKind.ASSIGNED: lambda fields: by_whom(f"given to {printable(fields.get('to', ''))}", fields),
    LedgerKind.COMMENTED: lambda fields: printable(f"{fields.get('by')} says: {fields.get('text', '')}"),
    LedgerKind.RESPONSE: _answered,
    LedgerKind.RESPONSE_REFUSED: _not_answered,
    LedgerKind.LOGGED_IN: lambda fields: by_whom(
        f"{printable(fields.get('user'))} logged in from {printable(fields.get('from'))}", fields
    ),
    LedgerKind.LOGIN_REFUSED: _login_refused,
    LedgerKind.USER_CHANGED: _user_changed,
    LedgerKind.MUTE_ADDED: _muted,
    LedgerKind.MUTE_EXPIRED: lambda fields: by_whom(f"{printable(fields.get('rule', ''))} ended early", fields),
    LedgerKind.OVERRIDE_ADDED: _override,
    LedgerKind.OVERRIDE_REMOVED: lambda fields: by_whom(
        f"override {fields.get('override')} of schedule {printable(fields.get('schedule'))} taken back",
        {"by": fields.get("removed_by")},
    ),
}
