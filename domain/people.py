"""Who may say what: people, each with a role that includes those below it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from domain.errors import Refused


class Role(StrEnum):
    """What a person may do; ordered, each role includes those before it."""

    VIEWER = "viewer"  # look
    RESPONDER = "responder"  # take incidents, close and silence them, stop and allow actions
    APPROVER = "approver"  # allow a plan that may not run unattended, or refuse it
    ADMIN = "admin"  # everything

    def includes(self, other: Role) -> bool:
        """Whether whoever has this role may do what `other` may."""
        order = list(Role)
        return order.index(self) >= order.index(other)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who says something, with the role at that moment."""

    name: str
    role: str  # in words: a role, and why where nobody gave it


@dataclass(frozen=True, slots=True)
class People:
    """Everybody who is known; as long as nobody is, whoever can run `sre` on this home may do everything."""

    roles: Mapping[str, Role] = field(default_factory=dict)

    def who_may(self, least: Role) -> list[str]:
        """The names of those who may, each with the role."""
        return [f"{name} ({role})" for name, role in self.roles.items() if role.includes(least)]

    def told(self, least: Role) -> str:
        """Who may, in words."""
        if not self.roles:
            return "whoever can run `sre` here, as no people are configured"
        return ", ".join(self.who_may(least)) or f"nobody: no {least} is configured (people)"

    def person(self, name: str, least: Role) -> Person:
        """Who says it. Raises Refused, with who may instead, where the role does not suffice."""
        if not self.roles:
            return Person(name, f"{Role.ADMIN}, as no people are configured")
        role = self.roles.get(name)
        if role is None or not role.includes(least):
            have = f"is {role}" if role else "is not known"
            raise Refused(f"{name} {have}, and this needs the role {least}; who may: {self.told(least)}")
        return Person(name, role)
