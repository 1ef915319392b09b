"""supervisord's XML-RPC, as far as we need it: typed answers, our errors, a time limit on every call."""

from __future__ import annotations

import http.client
import socket
import xmlrpc.client
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import cast
from urllib.parse import SplitResult, unquote, urlsplit
from xml.parsers.expat import ExpatError

from supervisor.xmlrpc import SupervisorTransport

from domain.errors import BadSettings, Refused, SreError, Unavailable

# What comes of a server that is gone, slow, or no supervisord.
UNREADABLE = (OSError, http.client.HTTPException, xmlrpc.client.Error, ExpatError, UnicodeDecodeError)


class ProgramState(IntEnum):
    """supervisord's process states, with its own numbers."""

    STOPPED = 0
    STARTING = 10
    RUNNING = 20
    BACKOFF = 30
    STOPPING = 40
    EXITED = 100
    FATAL = 200
    UNKNOWN = 1000


class Fault(IntEnum):
    """The fault codes that we treat apart from the rest."""

    SHUTDOWN_STATE = 6
    ALREADY_STARTED = 60
    NOT_RUNNING = 70


@dataclass(frozen=True, slots=True)
class ProcessInfo:
    """One process as supervisord knows it."""

    group: str
    process: str
    state: ProgramState
    pid: int  # 0 when not running
    start: int  # seconds since the epoch, 0 when never started
    exit_status: int  # of its last end
    trouble: str  # why the last spawn failed, empty when it did not

    @property
    def name(self) -> str:
        """Name that supervisord takes in every call."""
        return f"{self.group}:{self.process}"


class UnixConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket, with a time limit."""

    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self.path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Supervisord:
    """One supervisord, at `unix:///path` or `http://[user:password@]host:port`; `timeout` is for each call."""

    def __init__(self, url: str, timeout: float) -> None:
        self.url = _split(url)
        self.timeout = timeout

    @property
    def address(self) -> str:
        """The address without its password, for messages."""
        if self.url.scheme == "unix":
            return f"unix://{self.url.path}"
        return f"http://{self.url.hostname}:{self.url.port or 80}"

    def processes(self) -> tuple[ProcessInfo, ...]:
        """Every process, sorted by name."""
        infos = cast("list[Mapping[str, object]]", self._call("getAllProcessInfo"))
        return tuple(sorted(map(process_info, infos), key=lambda info: info.name))

    def start(self, name: str) -> None:
        """Ask for a start and return at once; fine when it is started already."""
        self._call("startProcess", name, False, unless=Fault.ALREADY_STARTED)

    def stop(self, name: str) -> None:
        """Ask for a stop and return at once; fine when it does not run."""
        self._call("stopProcess", name, False, unless=Fault.NOT_RUNNING)

    def pid(self) -> int:
        """Pid of supervisord itself."""
        return cast("int", self._call("getPID"))

    def shutdown(self) -> None:
        """Stop every process, then supervisord itself; returns at once."""
        self._call("shutdown", unless=Fault.SHUTDOWN_STATE)

    def _call(self, method: str, *arguments: str | bool, unless: Fault | None = None) -> object:
        transport = self._transport()
        try:
            proxy = xmlrpc.client.ServerProxy("http://localhost/RPC2", transport)
            return cast("object", getattr(proxy.supervisor, method)(*arguments))
        except xmlrpc.client.Fault as fault:
            if unless is not None and fault.faultCode == unless:
                return None
            kind = Unavailable if fault.faultCode == Fault.SHUTDOWN_STATE else Refused
            raise kind(f"supervisord {self.address}: {method}{arguments}: {fault.faultString}") from fault
        except xmlrpc.client.ProtocolError as error:
            raise self._not_served(error.errcode) from error
        except UNREADABLE as error:
            raise Unavailable(f"supervisord {self.address}: {method}: {error or type(error).__name__}") from error
        finally:
            transport.close()

    def _not_served(self, status: int) -> SreError:
        if status in (http.client.UNAUTHORIZED, http.client.FORBIDDEN):
            return Refused(f"supervisord {self.address}: login refused ({status})")
        return Unavailable(f"supervisord {self.address}: HTTP status {status}")

    def _transport(self) -> SupervisorTransport:
        """Supervisord's own, whose connections have no time limit by themselves."""
        login = (unquote(self.url.username), unquote(self.url.password or "")) if self.url.username else (None, None)
        transport = SupervisorTransport(*login, self.address)
        transport._get_connection = self._connection  # noqa: SLF001 - the one place where it makes them
        return transport

    def _connection(self) -> http.client.HTTPConnection:
        if self.url.scheme == "unix":
            return UnixConnection(self.url.path, self.timeout)
        return http.client.HTTPConnection(self.url.hostname or "localhost", self.url.port or 80, timeout=self.timeout)


def _split(url: str) -> SplitResult:
    """The address in its parts; the error repeats nothing of it that may be a password."""
    try:
        found = urlsplit(url)
        found.port  # noqa: B018 - it is only now that a wrong one is noticed
    except ValueError as error:
        raise BadSettings("supervisord's address has a host or a port that cannot be one") from error
    if found.scheme not in ("unix", "http"):
        raise BadSettings(
            f"supervisord's address is unix:///path or http://host:port, not {found.scheme or 'such'}://…"
        )
    return found


def process_info(fields: Mapping[str, object]) -> ProcessInfo:
    """The struct that supervisord answers with, as our type."""
    return ProcessInfo(
        group=str(fields["group"]),
        process=str(fields["name"]),
        state=ProgramState(cast("int", fields["state"])),
        pid=cast("int", fields["pid"]),
        start=cast("int", fields["start"]),
        exit_status=cast("int", fields["exitstatus"]),
        trouble=str(fields["spawnerr"]),
    )
