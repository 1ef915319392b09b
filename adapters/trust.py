"""Whose certificates our HTTP calls take: those of the machine, and those of `calls.ca_file` beside them."""

from __future__ import annotations

import ssl
from functools import lru_cache
from pathlib import Path

import httpx

from adapters.parts_file import PROJECT
from domain.errors import BadSettings

_ca_file = ""


def trust(ca_file: str) -> None:
    """Take these certificates too, in all of this process from now on. Raises BadSettings."""
    global _ca_file  # noqa: PLW0603 - a client is made in many places, and all trust alike
    _with(ca_file)
    _ca_file = ca_file


def trusted() -> ssl.SSLContext:
    """For a client of ours. Certificates that the machine gets later are seen at a restart."""
    return _with(_ca_file)


@lru_cache(maxsize=4)
def _with(ca_file: str) -> ssl.SSLContext:
    """Reading what a machine trusts takes 30 ms, so it is kept."""
    context = httpx.create_ssl_context()
    if not ca_file:
        return context
    path = Path(PROJECT / ca_file)
    try:
        context.load_verify_locations(path)
    except ssl.SSLError as error:
        raise BadSettings(f"calls.ca_file: {path} holds no certificate in PEM") from error
    except OSError as error:
        raise BadSettings(f"calls.ca_file: {path} cannot be read: {error.strerror}") from error
    return context


def hint(error: BaseException | None) -> str:
    """` (…, see calls.ca_file)` where the call failed because of a certificate, else nothing."""
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return f" ({error.verify_message}, see calls.ca_file)"
        error = error.__cause__ or error.__context__
    return ""
