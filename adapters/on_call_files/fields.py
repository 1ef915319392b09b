"""The keys of the file: each model is one kind of entry, each check says what is wrong with one value of it.

What an entry may name is told by the context of validation (`Names`), so that an unknown name is found together with
everything else that is wrong, and at its own line.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Annotated, Any, cast

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, model_validator

from domain.contacts import Contact, ContactKind
from domain.errors import BadInput
from domain.muting import Matcher
from domain.muting_checks import as_matcher
from domain.nearest import nearest
from domain.roster import Hours, Layer, Policy, PolicyStep, Route, Schedule, Target, TargetKind, Turn, User, Window
from domain.roster_words import as_local, as_span, as_turn, as_window, as_zone

OWN_TARGETS = {kind.value: kind for kind in TargetKind if kind is not TargetKind.CHANNEL}
CONTACTS = {kind.value: kind for kind in ContactKind}


@dataclass(frozen=True, slots=True)
class Names:
    """What stands in the file under each heading, so what entries may name."""

    of: Mapping[str, frozenset[str]]

    def known(self, section: str, noun: str, name: str) -> str:
        """The name; raises ValueError with the nearest one where there is none like it."""
        names = self.of.get(section, frozenset())
        if name not in names:
            raise ValueError(f"no {noun} {name!r} here; {nearest(name, names)}")
        return name


def _reads(make: Callable[[str], Any]) -> BeforeValidator:
    """A text of the file as what `make` makes of it."""

    def read(value: object) -> Any:  # noqa: ANN401 - whatever `make` returns
        if not isinstance(value, str):
            raise ValueError(f"is no text: {value!r}")  # noqa: TRY004 - pydantic wants a ValueError
        try:
            return make(value)
        except BadInput as error:
            raise ValueError(str(error)) from error

    return BeforeValidator(read)


def _local(value: object) -> datetime:
    try:
        return as_local(value)
    except BadInput as error:
        raise ValueError(str(error)) from error


def _named(section: str, noun: str) -> BeforeValidator:
    """A name that stands under another heading."""

    def check(value: object, info: ValidationInfo) -> object:
        return cast("Names", info.context).known(section, noun, value) if isinstance(value, str) else value

    return BeforeValidator(check)


def _pair(value: object, kinds: Mapping[str, Any]) -> tuple[str, str]:
    """One key and its text: `email: ann@example.com`."""
    if not isinstance(value, dict) or len(value) != 1:
        raise ValueError(f"write one of {', '.join(kinds)} and a name, such as `- user: ann`; got {value!r}")
    ((kind, name),) = value.items()
    if kind not in kinds:
        raise ValueError(f"no kind {kind!r}; {nearest(str(kind), kinds)}")
    if not isinstance(name, str) or not name.strip():
        raise ValueError(f"{kind} needs a text, got {name!r}")
    return kind, name


def _contact(value: object) -> Contact:
    kind, name = _pair(value, CONTACTS)
    return Contact(CONTACTS[kind], name)


def _target(value: object, info: ValidationInfo) -> Target:
    kind, name = _pair(value, OWN_TARGETS | CONTACTS)
    if kind in CONTACTS:
        contact = Contact(CONTACTS[kind], name)
        return Target(TargetKind.CHANNEL, str(contact), contact)
    return Target(OWN_TARGETS[kind], cast("Names", info.context).known(f"{kind}s", kind, name))


Span = Annotated[timedelta, _reads(as_span)]
Zone = Annotated[str, _reads(as_zone)]
Part = Annotated[Window, _reads(as_window)]
Condition = Annotated[Matcher, _reads(as_matcher)]
Local = Annotated[datetime, BeforeValidator(_local)]
AContact = Annotated[Contact, BeforeValidator(_contact)]
ATarget = Annotated[Target, BeforeValidator(_target)]
UserName = Annotated[str, _named("users", "user")]
PolicyName = Annotated[str, _named("policies", "policy")]
HoursName = Annotated[str, _named("hours", "working hours")]


class Keys(BaseModel):
    """A closed set of keys; 3 is no text and `yes` no number."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, arbitrary_types_allowed=True)


class AUser(Keys):
    """Somebody."""

    full_name: str = ""
    zone: Zone = "UTC"
    email: str = ""
    slack_id: str = ""
    contacts: list[AContact]

    def noun(self, name: str) -> User:
        mail = next((one.to for one in self.contacts if one.kind is ContactKind.EMAIL), "")
        return User(name, tuple(self.contacts), self.zone, self.full_name, self.slack_id, self.email or mail)


class ALayer(Keys):
    """A rotation or a calendar."""

    name: str = ""
    users: list[UserName] | None = None
    begins: Local | None = None
    every: Annotated[tuple[Turn, int], _reads(as_turn)] = (Turn.WEEKS, 1)
    ends: Local | None = None
    only: list[Part] = []
    calendar: str = ""

    @model_validator(mode="after")
    def _is_one_of_both(self) -> ALayer:
        if bool(self.calendar) == (self.users is not None):
            raise ValueError("a layer has either `users` who take turns or a `calendar`")
        if self.calendar and (self.begins or self.ends or self.only or "every" in self.model_fields_set):
            raise ValueError(
                "a calendar says itself when somebody is on call: `begins`, `every`, `ends`, `only` do not apply"
            )
        if self.users is not None and not self.users:
            raise ValueError("an empty rotation: nobody takes turns")
        if self.users and self.begins is None:
            raise ValueError("`begins` is missing: the first hand-over, such as 2026-01-05T09:00")
        return self

    def noun(self, number: int) -> Layer:
        turn, every = self.every
        name = self.name or ("calendar" if self.calendar else f"layer {number}")
        users, only = tuple(self.users or ()), tuple(self.only)
        return Layer(name, users, self.begins, turn, every, self.ends, only, calendar=self.calendar)


class ASchedule(Keys):
    """Layers, the last one above the others."""

    zone: Zone
    layers: list[ALayer] = Field(min_length=1)

    def noun(self, name: str) -> Schedule:
        return Schedule(name, self.zone, tuple(layer.noun(number) for number, layer in enumerate(self.layers, 1)))


class AStep(Keys):
    """Whom to notify, and how long to wait then."""

    notify: list[ATarget] = Field(min_length=1)
    wait: Span = Field(gt=timedelta())


class APolicy(Keys):
    """Steps."""

    steps: list[AStep] = Field(min_length=1)
    repeat: int = Field(0, ge=0, le=100)
    last_resort: list[ATarget] = []
    ack_lasts: Span = Field(timedelta(hours=4), gt=timedelta())

    def noun(self, name: str) -> Policy:
        steps = tuple(PolicyStep(tuple(step.notify), step.wait) for step in self.steps)
        return Policy(name, steps, self.repeat, tuple(self.last_resort), self.ack_lasts)


class SomeHours(Keys):
    """Working hours."""

    zone: Zone
    only: list[Part] = Field(min_length=1)
    holidays: list[date] = []

    def noun(self, name: str) -> Hours:
        return Hours(name, self.zone, tuple(self.only), frozenset(self.holidays))


class ARoute(Keys):
    """Which policy a page goes by."""

    match: list[Condition] = Field(min_length=1)
    policy: PolicyName
    hours: HoursName | None = None
    otherwise: PolicyName | None = None

    @model_validator(mode="after")
    def _says_both_or_none(self) -> ARoute:
        if (self.hours is None) != (self.otherwise is None):
            raise ValueError("`hours` and `otherwise` go together: the policy outside of these hours")
        return self

    def noun(self) -> Route:
        return Route(tuple(self.match), self.policy, self.hours or "", self.otherwise or "")
