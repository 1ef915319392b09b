"""The settings of what may be done: how long it takes, which commands and webhooks there are, how trust is earned."""

from __future__ import annotations

import re
from typing import Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator

from domain.plans import ActionKind
from domain.settings_branch import Branch

PLACE = re.compile(r"\{([a-z_]+)\}")  # of a parameter in an argument


class EffectSettings(Branch):
    """The longest that one effect may take, by kind; a lease lasts as long. In seconds."""

    restart: float = Field(300, gt=0, le=86_400)
    """A rollout may take minutes."""
    scale: float = Field(300, gt=0, le=86_400)
    """Until all workers run."""
    configure: float = Field(300, gt=0, le=86_400)
    """Until everything runs with the new value."""
    rollback_deploy: float = Field(600, gt=0, le=86_400)
    """Until the earlier release runs everywhere."""
    monitor: float = Field(30, gt=0, le=86_400)
    """One write."""
    run_command: float = Field(120, gt=0, le=86_400)
    """A command's own limit may be less."""
    call_webhook: float = Field(30, gt=0, le=86_400)
    """One call and its answer."""

    def of(self, kind: ActionKind) -> float:
        """The longest for that kind, in seconds."""
        return float(getattr(self, kind.value))


class ParameterSettings(Branch):
    """What a parameter of a command may be."""

    type: Literal["text", "integer"] = "text"
    """text or integer."""
    pattern: str = r"[A-Za-z0-9_.:/-]{1,100}"
    """Regular expression that the whole value matches; a value never begins with a hyphen."""
    least: int | None = None
    """Least integer."""
    most: int | None = None
    """Greatest integer."""


class CommandSettings(Branch):
    """A command that may be run, in a sandbox without network and with a read-only root."""

    argv: tuple[str, ...] = Field(min_length=1)
    """The program and its arguments; {name} in an argument is a parameter. There is no shell."""
    parameters: dict[str, ParameterSettings] = Field(default_factory=dict)
    """Parameter to what it may be."""
    undo: str = ""
    """Name of the command that takes it back, with the same parameters; empty: nothing does."""
    seconds: float = Field(30, gt=0, le=86_400)
    """Longest run; `effect_seconds.run_command` where that is less."""
    memory_mb: int = Field(256, gt=0, le=1_000_000)
    """Most memory, in MiB."""
    cpu_seconds: int = Field(10, gt=0, le=86_400)
    """Most processor time."""
    output_kb: int = Field(64, gt=0, le=1_000_000)
    """Most output that is kept, in KiB; more ends the command."""
    writable: tuple[str, ...] = ()
    """Folders that it may write to; everything else is read-only, its own /tmp aside."""

    @model_validator(mode="after")
    def _every_place_has_a_parameter(self) -> Self:
        places = {found for part in self.argv for found in PLACE.findall(part)}
        if unknown := sorted(places - set(self.parameters)):
            raise ValueError(f"argv names {{{unknown[0]}}}, which is not among its parameters")
        if unused := sorted(set(self.parameters) - places):
            raise ValueError(f"parameter {unused[0]} does not occur in argv")
        if "{" in self.argv[0]:
            raise ValueError("the program itself cannot be a parameter")
        return self


class WebhookSettings(Branch):
    """A webhook that may be called."""

    url: SecretStr
    """http(s) address that takes a POST."""
    secret: SecretStr = SecretStr("")
    """Key of the signature, HMAC-SHA256 in the header X-SRE-Signature; empty: unsigned."""

    @field_validator("url")
    @classmethod
    def _an_address(cls, url: SecretStr) -> SecretStr:
        if not re.match(r"https?://[^\s/]", url.get_secret_value()):
            raise ValueError("must be an http(s) address")
        return url


class AutonomySettings(Branch):
    """How a playbook earns the right to act on a service."""

    start: str = Field("ask", pattern="^(observe|suggest|ask|act)$")
    """Where a playbook begins on a service on which it has proved nothing."""
    most: str = Field("act", pattern="^(observe|suggest|ask|act)$")
    """The most that any playbook may reach."""
    proofs: int = Field(3, gt=0, le=1_000_000)
    """Proved recoveries in a row that lift it by one level."""
    failures: int = Field(1, gt=0, le=1_000_000)
    """Plans in a row that did not help, or of which nobody can say, that lower it by one level."""
