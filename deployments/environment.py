"""Which part gets which of our environment variables: credentials reach the worker of `on-call` alone."""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Mapping
from pathlib import Path

from adapters.parts_file import write_private

SECRET_BRANCHES = ("SRE_PAGING__", "SRE_LLM__", "SRE_MITIGATION__")
# Of those branches, what `watch` decides with and is no secret; a new setting is one until it is named here.
PLAIN = frozenset(
    {
        "SRE_PAGING__ENABLED",
        "SRE_PAGING__GROUP_SECONDS",
        "SRE_PAGING__LATE_SECONDS",
        "SRE_MITIGATION__ENABLED",
        "SRE_MITIGATION__COMMON_ERROR_THRESHOLD",
        "SRE_MITIGATION__INVENTORY",
        "SRE_LLM__ENABLED",
    }
)
SECRET_NAMES = frozenset(
    {
        "OPENAI_API_KEY",
        "SRE_LEDGER__ANCHOR",
        "SRE_HTTP__TOKEN",
        "SRE_HTTP__OPENID__CLIENT_SECRET",
        "SRE_CANARY__HEARTBEAT",
    }
)
OURS = ("SRE_", "PREFECT_", "MLFLOW_")  # the workers' variables; what else there is, supervisord hands on
ENCRYPTION_KEYS = "SRE_ENCRYPTION_KEYS"
FOR_ALL = "workers.env"
FOR_ON_CALL = "on-call.env"
# Nothing but loopback is contacted by itself.
QUIET: Mapping[str, str] = {
    "DO_NOT_TRACK": "1",
    "GX_ANALYTICS_ENABLED": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "NO_COLOR": "1",
    "PYTHONUNBUFFERED": "1",
}

# Batches are large and come and go in several threads, each of which would keep the most that it ever needed.
# Arrow's own pool keeps twice what a batch takes.
SMALL: Mapping[str, str] = {"MALLOC_ARENA_MAX": "2", "ARROW_DEFAULT_MEMORY_POOL": "system"}


def secret(name: str) -> bool:
    """Whether a variable may hold a credential of paging, actions or the LLM."""
    upper = name.upper()
    return (upper.startswith(SECRET_BRANCHES) and upper not in PLAIN) or upper in SECRET_NAMES


def for_on_call(environ: Mapping[str, str]) -> dict[str, str]:
    """What only the worker of `on-call` may see."""
    return {name: value for name, value in environ.items() if secret(name)}


def for_workers(environ: Mapping[str, str]) -> dict[str, str]:
    """Our settings, as far as both workers may see them."""
    ours = {name: value for name, value in environ.items() if name.upper().startswith(OURS) and not secret(name)}
    # Every part has the home and the keys; who calls `sre up`, and how many workers there are, is nothing that a
    # worker does, or is restarted for.
    left_out = {"SRE_HOME", "SRE_USER", "SRE_KAFKA__MEMBERS", ENCRYPTION_KEYS, *QUIET}
    return {name: value for name, value in ours.items() if name not in left_out}


def for_parts(environ: Mapping[str, str], home: Path) -> dict[str, str]:
    """What every part sees: the machine's environment, which home it belongs to, and the keys of what is sealed.

    Keys are handed on by supervisord alone: the files of the workers lie beside what the keys seal.
    """
    foreign = {name: value for name, value in environ.items() if not name.upper().startswith(OURS) and not secret(name)}
    keys = {ENCRYPTION_KEYS: environ[ENCRYPTION_KEYS]} if environ.get(ENCRYPTION_KEYS) else {}
    return {**SMALL, **foreign, **QUIET, **keys, "SRE_HOME": str(home)}


def stamp(variables: Mapping[str, str]) -> str:
    """Changes when a variable does, and tells nothing about it."""
    return hashlib.sha256(repr(sorted(variables.items())).encode()).hexdigest()[:16]


def save(path: Path, variables: Mapping[str, str]) -> None:
    """Write variables as `NAME=value` lines quoted for a shell, readable by the owner alone."""
    write_private(path, "".join(f"{name}={shlex.quote(value)}\n" for name, value in sorted(variables.items())))


def load(path: Path) -> dict[str, str]:
    """What `save` wrote; empty when it never did."""
    if not path.exists():
        return {}
    with path.open(newline="") as file:
        pairs = [word.partition("=") for word in shlex.split(file.read())]
    return {name: value for name, _, value in pairs}
