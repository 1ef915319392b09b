"""The agent's own log: one JSON line an event, in one file that several processes write.

Every process holds a descriptor of its own, opened for appending, and writes a line with a single
call, so lines never mix. Who finds the file full takes a lock, looks again, and moves the files on;
the others notice at their next line that the name belongs to another file and open that one.
No line is lost: one written meanwhile goes into the file that was just moved.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import sys
from collections.abc import Iterable
from pathlib import Path

from pythonjsonlogger.core import RESERVED_ATTRS
from pythonjsonlogger.json import JsonFormatter

from domain.errors import BadSettings
from domain.masking import MASK, masked_urls
from domain.settings import LoggingSettings

# Our packages log at the level that is set; everything else only what is a warning.
OURS = ("adapters", "console", "deployments", "domain", "flows", "ml", "tasks")

# Prefect's lines about each run and each batch, "Finished in state Completed()" and the like; failures stay.
CHATTY = ("prefect.flow_runs", "prefect.task_runs")

MAX_BYTES = 10_000_000  # of one file
KEPT = 5  # moved files that stay


def configure(settings: LoggingSettings, home: Path, *, secrets: Iterable[str] = (), debug: bool = False) -> None:
    """Send the log to its file below `home`, and to stderr for people with `debug`; again replaces the first.

    `secrets` never reach either. Raises BadSettings when the file cannot be written.
    """
    handlers: list[logging.Handler] = [_file(home / settings.file, secrets)]
    if debug:
        handlers.append(_terminal(secrets))
    level = logging.DEBUG if debug else logging.getLevelNamesMapping()[settings.level]
    for name in OURS:
        _install(logging.getLogger(name), handlers, level)
    foreign = [_file(home / settings.file, secrets)]
    foreign[0].addFilter(_is_foreign)
    _install(logging.getLogger(), foreign, max(level, logging.WARNING))
    for name in CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)


def _install(logger: logging.Logger, handlers: Iterable[logging.Handler], level: int) -> None:
    """Set our handlers and leave those of others, such as Prefect's."""
    for handler in [found for found in logger.handlers if isinstance(found.formatter, _Masked)]:
        logger.removeHandler(handler)
        handler.close()
    for handler in handlers:
        logger.addHandler(handler)
    logger.setLevel(level)


def _is_foreign(record: logging.LogRecord) -> bool:
    return record.name.partition(".")[0] not in OURS


def _file(path: Path, secrets: Iterable[str]) -> logging.Handler:
    handler = SharedFile(path)
    handler.setFormatter(
        _Masked(
            JsonFormatter(
                ["message", "levelname", "name", "process"],
                rename_fields={"message": "event", "levelname": "level", "name": "logger"},
                timestamp="time",
                json_ensure_ascii=False,
            ),
            secrets,
        )
    )
    return handler


def _terminal(secrets: Iterable[str]) -> logging.Handler:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Masked(_Plain("%(asctime)s %(levelname)s %(message)s", "%H:%M:%S"), secrets))
    return handler


class _Masked(logging.Formatter):
    """Another formatter's text without secrets and without the passwords of URLs."""

    def __init__(self, formatter: logging.Formatter, secrets: Iterable[str]) -> None:
        super().__init__()
        self._formatter = formatter
        spellings = {
            spelling for secret in secrets for spelling in (secret, json.dumps(secret, ensure_ascii=False)[1:-1])
        }
        self._secrets = sorted(spellings, key=len, reverse=True)

    def format(self, record: logging.LogRecord) -> str:
        """The finished text, so that nothing can come in behind the masking."""
        text = masked_urls(self._formatter.format(record))
        for secret in self._secrets:
            text = text.replace(secret, MASK)
        return text


class _Plain(logging.Formatter):
    """Event and fields in one line for people."""

    def format(self, record: logging.LogRecord) -> str:
        """The event, then `name=value` for each of its fields."""
        fields = [f"{name}={_printable(value)}" for name, value in vars(record).items() if name not in RESERVED_ATTRS]
        first, *rest = super().format(record).split("\n")
        return "\n".join([" ".join([first, *fields]), *rest])


def _printable(value: object) -> str:
    """The value, quoted where a stranger's text might steer the terminal or forge a line."""
    text = str(value)
    return text if text.isprintable() else repr(text)


class SharedFile(logging.Handler):
    """Appends lines to a file that other processes append to, and moves it on when it is full."""

    def __init__(self, path: Path, *, max_bytes: int = MAX_BYTES, kept: int = KEPT) -> None:
        super().__init__()
        self._path = path
        self._max_bytes = max_bytes
        self._kept = kept
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._descriptor = self._open()
        except OSError as error:
            raise BadSettings(f"logging.file: {path} cannot be written: {error.strerror}") from error

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line; a full disk costs the line and not the work."""
        line = (self.format(record) + "\n").encode("utf-8", "backslashreplace")
        try:
            self._follow()
            if os.fstat(self._descriptor).st_size + len(line) > self._max_bytes:
                self._move_on(len(line))
            os.write(self._descriptor, line)
        except OSError:
            self.handleError(record)

    def close(self) -> None:
        """Close the descriptor; a closed one is -1."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)
        super().close()

    def _open(self) -> int:
        return os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)

    def _follow(self) -> None:
        """Open the file anew when its name belongs to another one by now, or to none."""
        try:
            known, named = os.fstat(self._descriptor), self._path.stat()
            if (known.st_dev, known.st_ino) == (named.st_dev, named.st_ino):
                return
        except FileNotFoundError:
            self._path.parent.mkdir(parents=True, exist_ok=True)
        os.close(self._descriptor)
        self._descriptor = self._open()

    def _move_on(self, coming: int) -> None:
        """Rename file to file.1, file.1 to file.2 and so on, unless another process just did."""
        lock = os.open(self._path.with_name(self._path.name + ".lock"), os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o640)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self._follow()
            size = os.fstat(self._descriptor).st_size
            if size and size + coming > self._max_bytes:
                for number in range(self._kept - 1, 0, -1):
                    if self._moved(number).exists():
                        self._moved(number).rename(self._moved(number + 1))
                self._path.rename(self._moved(1))
                self._follow()
        finally:
            os.close(lock)

    def _moved(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}")
