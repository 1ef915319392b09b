"""To whom a person may give an incident: a user, a schedule or a team that the roster knows."""

from __future__ import annotations

from collections.abc import Mapping

from domain.errors import BadInput
from domain.nearest import nearest
from domain.roster import Roster, Target, TargetKind


def target_of(argument: str) -> Target:
    """`user ann`, `schedule primary`, `team web`; a name alone is a user. Raises BadInput."""
    kind, _, name = argument.strip().partition(" ")
    if not name:
        kind, name = TargetKind.USER, kind
    if kind not in (TargetKind.USER, TargetKind.SCHEDULE, TargetKind.TEAM) or not name:
        raise BadInput(f"{argument[:60]!r} names nobody: user NAME, schedule NAME or team NAME is needed")
    return Target(TargetKind(kind), name.strip())


def known_target(argument: str, roster: Roster) -> Target:
    """The same, where it names somebody of the roster; whoever it is where the roster names nobody.

    A name alone is the user, the schedule or the team of that name. Raises BadInput, also where it is several of them.
    """
    named: Mapping[TargetKind, Mapping[str, object]] = {
        TargetKind.USER: roster.users,
        TargetKind.SCHEDULE: roster.schedules,
        TargetKind.TEAM: roster.teams,
    }
    alone = argument.strip()
    kinds = [kind for kind, names in named.items() if alone in names]
    if len(kinds) > 1:
        which = " or ".join(f"`{kind} {alone}`" for kind in kinds)
        raise BadInput(f"{alone[:60]!r} is a {' and a '.join(kinds)}: write {which}")
    target = Target(kinds[0], alone) if kinds else target_of(argument)
    if any(named.values()) and target.name not in named[target.kind]:
        raise BadInput(f"no {target.kind} {target.name[:60]!r}; {nearest(target.name[:200], named[target.kind])}")
    return target
