"""Which commands of `sre` another machine may send, what each needs, and which belong to the agent's machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from domain.access import Deed
from domain.errors import Refused
from domain.responses import Verb

# A command as it is typed -> what whoever sends it does. What is in neither table is refused.
SENT: Mapping[str, Deed | Verb] = {
    "dead-letters": Deed.LOOK,
    "quality": Deed.LOOK,
    "incidents": Deed.LOOK,
    "incident": Deed.LOOK,
    "logs": Deed.LOOK,
    "changes": Deed.LOOK,
    "stats": Deed.LOOK,
    "templates": Deed.LOOK,
    "findings": Deed.LOOK,
    "models": Deed.LOOK,
    "models drift": Deed.LOOK,
    "why log": Deed.LOOK,
    "why page": Deed.LOOK,
    "why action": Deed.LOOK,
    "why not": Deed.LOOK,
    "why minute": Deed.LOOK,
    "slo": Deed.LOOK,
    "ledger verify": Deed.LOOK,
    "playbooks": Deed.LOOK,
    "playbooks search": Deed.LOOK,
    "silence list": Deed.LOOK,
    "maintenance list": Deed.LOOK,
    "autonomy": Deed.LOOK,
    "autonomy changes": Deed.LOOK,
    "on-call": Deed.LOOK,
    "on-call check": Deed.LOOK,
    "on-call export": Deed.LOOK,
    "config": Deed.LOOK_AT_SETTINGS,
    "ack": Verb.ACKNOWLEDGE,
    "snooze": Verb.SNOOZE,
    "escalate": Verb.ESCALATE,
    "reassign": Verb.REASSIGN,
    "comment": Verb.COMMENT,
    "approve": Verb.APPROVE,
    "reject": Verb.REJECT,
    "resolve": Verb.RESOLVE,
    "note": Deed.NOTE,
    "change": Deed.TELL,
    "silence add": Deed.MUTE,
    "silence expire": Deed.MUTE,
    "maintenance add": Deed.MUTE,
    "maintenance expire": Deed.MUTE,
    "pause": Deed.PAUSE,
    "resume": Deed.PAUSE,
    "on-call override": Deed.TAKE,
    "autonomy set": Deed.TRUST,
    "models promote": Deed.PROMOTE,
    "models rollback": Deed.ROLL_BACK,
}
# What an option makes of a command, beside what the command is: (command, parameter) -> what it does.
BY_OPTION: Mapping[tuple[str, str], Deed] = {
    ("incident", "verdict"): Deed.VERDICT,
    ("logs", "sql"): Deed.QUERY,
}
# Options that make no sense from afar: (command, parameter) -> why, and what to do.
NOT_SENT: Mapping[tuple[str, str], str] = {
    ("logs", "follow"): "--follow does not end, and an answer from afar must; repeat `sre logs --since 1m` instead",
}
# They need files, keys or processes of the agent's machine, or credentials that the service has not.
OF_THE_MACHINE = frozenset(
    {
        "up",
        "down",
        "scale",
        "status",
        "pools",
        "init",
        "send",
        "peek",
        "score",
        "replay",
        "report",
        "act",
        "canary",
        "compact",
        "clean-up",
        "backup",
        "restore",
        "encryption",
        "inventory",
        "users",
        "demo",
        "playbooks import",
        "playbooks draft",
        "on-call import",
    }
)


class NotSent(Refused):
    """What was sent cannot be done from afar."""


def of_the_machine(words: Sequence[str]) -> str:
    """The command among the words that belongs to the agent's machine; empty for another one."""
    return next((name for name in (" ".join(words[:1]), " ".join(words[:2])) if name in OF_THE_MACHINE), "")


def stays(command: str) -> str:
    """Why a command of the agent's machine is not sent, in a sentence."""
    return f"`sre {command}` works on the agent's machine only: call it there, or unset SRE_API_URL to call it here"


def deed_of(command: str) -> Deed | Verb:
    """What whoever sends the command does. Raises NotSent."""
    if name := of_the_machine(command.split()):
        raise NotSent(stays(name))
    if command not in SENT:
        raise NotSent(f"`sre {command}` cannot be sent from afar; GET /api/commands lists what can")
    return SENT[command]
