"""systemd's manager over D-Bus, as far as we need it: typed answers, our errors, a time limit on every call."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from jeepney import DBusAddress, HeaderFields, Message, MessageType, Properties, new_method_call
from jeepney.auth import AuthenticationError
from jeepney.io.blocking import DBusConnection, open_dbus_connection

from domain.errors import BadSettings, Refused, Unavailable

MANAGER = DBusAddress(
    "/org/freedesktop/systemd1", bus_name="org.freedesktop.systemd1", interface="org.freedesktop.systemd1.Manager"
)
ANSWER_SECONDS = 10.0
# What a start or restart may be told: whatever waits for the same unit gives way.
REPLACE = "replace"
NO_SUCH = frozenset({"org.freedesktop.systemd1.NoSuchUnit", "org.freedesktop.systemd1.LoadFailed"})
DENIED = frozenset(
    {
        "org.freedesktop.DBus.Error.AccessDenied",
        "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired",
    }
)
# The bus or systemd itself is not there, or did not answer in time.
AWAY = frozenset(
    {
        "org.freedesktop.DBus.Error.ServiceUnknown",
        "org.freedesktop.DBus.Error.NoReply",
        "org.freedesktop.DBus.Error.NameHasNoOwner",
        "org.freedesktop.DBus.Error.Spawn.ChildExited",
    }
)


@dataclass(frozen=True, slots=True)
class Unit:
    """One unit as systemd knows it."""

    name: str
    load: str  # loaded | not-found | masked | error | …
    active: str  # active | inactive | failed | activating | deactivating | reloading
    pid: int  # 0 when it has no main process
    started: float  # of the main process, seconds since the epoch; 0 when never
    job: int  # that is under way for it; 0 for none
    properties: Mapping[str, Any]  # all of the unit's and the service's


class SystemdBus:
    """One manager, the system's or the user's; a connection for each block of calls."""

    def __init__(self, bus: str) -> None:
        self.bus = bus
        self.connection = self._connect()

    def _connect(self) -> DBusConnection:
        try:
            return open_dbus_connection(_address(self.bus), auth_timeout=ANSWER_SECONDS)
        except (OSError, AuthenticationError, KeyError, RuntimeError, ValueError) as error:
            raise Unavailable(f"systemd ({self.bus} bus): {error or type(error).__name__}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()

    def matching(self, pattern: str) -> list[str]:
        """Names of the loaded units that match a pattern."""
        (found,) = self._ask("ListUnitsByPatterns", "asas", ([], [pattern]))
        return sorted(row[0] for row in found)

    def unit(self, name: str) -> Unit | None:
        """The unit as it is now; None when there is none of that name."""
        try:
            (path,) = self._ask("LoadUnit", "s", (name,))
        except Refused:
            return None
        found = self._properties(path, "org.freedesktop.systemd1.Unit")
        if found["LoadState"] in ("not-found", "bad-setting", "error"):
            return None
        found |= self._properties(path, "org.freedesktop.systemd1.Service")
        return Unit(
            name=str(found["Id"]),
            load=str(found["LoadState"]),
            active=str(found["ActiveState"]),
            pid=int(found.get("MainPID", 0)),
            started=int(found.get("ExecMainStartTimestamp", 0)) / 1e6,
            job=int(found["Job"][0]),
            properties=found,
        )

    def start(self, name: str) -> None:
        """Ask for a start and return at once."""
        self._call("StartUnit", "ss", (name, REPLACE))

    def stop(self, name: str) -> None:
        """Ask for a stop and return at once."""
        self._call("StopUnit", "ss", (name, REPLACE))

    def restart(self, name: str) -> None:
        """Ask for a restart and return at once; systemd completes it whoever asked for it lives on."""
        self._call("RestartUnit", "ss", (name, REPLACE))

    def set_property(self, name: str, key: str, value: int) -> None:
        """Set a numeric property until the next boot."""
        self._call("SetUnitProperties", "sba(sv)", (name, True, [(key, ("t", value))]))

    def _properties(self, path: str, interface: str) -> dict[str, Any]:
        address = DBusAddress(path, bus_name=MANAGER.bus_name, interface=interface)
        (found,) = self._exchange(Properties(address).get_all(), f"properties of {path}")
        return {name: value for name, (_, value) in found.items()}

    def _ask(self, method: str, signature: str, arguments: Sequence[object]) -> Sequence[Any]:
        """A call that changes nothing: where a busy bus has dropped us, it is made once more."""
        try:
            return self._call(method, signature, arguments)
        except Unavailable as error:
            if not isinstance(error.__cause__, ConnectionError):
                raise
            self.connection.close()
            self.connection = self._connect()
            return self._call(method, signature, arguments)

    def _call(self, method: str, signature: str, arguments: Sequence[object]) -> Sequence[Any]:
        return self._exchange(new_method_call(MANAGER, method, signature, tuple(arguments)), method)

    def _exchange(self, message: Message, what: str) -> Sequence[Any]:
        try:
            answer = self.connection.send_and_get_reply(message, timeout=ANSWER_SECONDS)
        except (OSError, TimeoutError, EOFError) as error:
            raise Unavailable(f"systemd ({self.bus} bus): {what}: {error or type(error).__name__}") from error
        if answer.header.message_type is not MessageType.error:
            body: Sequence[Any] = answer.body
            return body
        name = str(answer.header.fields.get(HeaderFields.error_name, "an error"))
        told = f"systemd ({self.bus} bus): {what}: {' '.join(map(str, answer.body)) or name}"
        if name in DENIED:
            raise Refused(f"{told}. A polkit rule for org.freedesktop.systemd1.manage-units allows it")
        raise (Unavailable if name in AWAY else Refused)(told)


def _address(bus: str) -> str:
    """What to connect to. Raises BadSettings where a user has no bus."""
    if bus == "system":
        return "SYSTEM"
    if address := os.environ.get("DBUS_SESSION_BUS_ADDRESS"):
        return address
    if folder := os.environ.get("XDG_RUNTIME_DIR"):
        return f"unix:path={folder}/bus"
    raise BadSettings("mitigation.systemd_bus is user, and neither DBUS_SESSION_BUS_ADDRESS nor XDG_RUNTIME_DIR is set")
