"""Where the master keys come from: the environment, a file or a command; never from the settings."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from adapters.parts_file import PROJECT
from adapters.sealing import PLAIN, Keyring
from domain.encryption_keys import MasterKey, parse_keys
from domain.encryption_settings import EncryptionSettings
from domain.errors import BadSettings

VARIABLE = "SRE_ENCRYPTION_KEYS"
WHERE = f"set {VARIABLE}, encryption.keys_file or encryption.keys_command"


def keyring_of(settings: EncryptionSettings, environ: Mapping[str, str] = os.environ) -> Keyring:
    """The keyring of this process. Raises BadSettings when no key can be had though encryption is on, or it is wrong.

    Off, and with keys: what is sealed can still be read, so that `sre encryption rotate` can write it plain again.
    """
    return _keyring(settings, environ.get(VARIABLE, ""))


def given_keys(settings: EncryptionSettings, environ: Mapping[str, str] = os.environ) -> tuple[MasterKey, ...]:
    """The keys themselves, for whoever carries them elsewhere; none where none are given. Raises BadSettings."""
    return _keys(settings, environ.get(VARIABLE, ""))


@lru_cache(maxsize=8)
def _keyring(settings: EncryptionSettings, given: str) -> Keyring:
    """A command is asked once for each process."""
    keys = _keys(settings, given)
    if not keys:
        if settings.enabled:
            raise BadSettings(f"encryption.enabled: there is no key; {WHERE}")
        return PLAIN
    return Keyring(keys, seals=settings.enabled)


def _keys(settings: EncryptionSettings, given: str) -> tuple[MasterKey, ...]:
    if given and (settings.keys_file or settings.keys_command):
        other = "keys_file" if settings.keys_file else "keys_command"
        raise BadSettings(f"{VARIABLE} and encryption.{other} are both set: keep one of them")
    if settings.keys_file:
        return parse_keys(_file(PROJECT / settings.keys_file), f"encryption.keys_file: {settings.keys_file}")
    if settings.keys_command:
        return parse_keys(_printed(settings), "encryption.keys_command")
    return parse_keys(given, VARIABLE) if given else ()


def _file(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "is not text"
        raise BadSettings(f"encryption.keys_file: {path} cannot be read: {why}") from error


def _printed(settings: EncryptionSettings) -> str:
    """What the command prints; its errors are shown, its output never."""
    place = "encryption.keys_command"
    try:
        command = shlex.split(settings.keys_command)
        done = subprocess.run(  # noqa: S603 - the command of the settings, without a shell
            command, capture_output=True, text=True, timeout=settings.command_seconds, check=True, cwd=PROJECT
        )
    except ValueError as error:
        raise BadSettings(f"{place}: {error}") from error
    except OSError as error:
        raise BadSettings(f"{place}: {command[0]} cannot be run: {error.strerror}") from error
    except subprocess.TimeoutExpired as error:
        raise BadSettings(f"{place}: no answer within {settings.command_seconds:g} s") from error
    except subprocess.CalledProcessError as error:
        raise BadSettings(f"{place}: exit code {error.returncode}: {error.stderr.strip()[:300]}") from error
    return done.stdout
