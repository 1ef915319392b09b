"""The agent's own log: one JSON line an event, in one file that several processes write.

The library takes a lock for each line, so lines never mix; who finds the file full moves the files on.
"""

from __future__ import annotations

import copy
import json
import logging
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from concurrent_log_handler import ConcurrentRotatingFileHandler
from pythonjsonlogger.core import RESERVED_ATTRS
from pythonjsonlogger.json import JsonFormatter

from adapters.redaction import redaction
from domain.errors import BadSettings
from domain.masking import MASK, masked_urls
from domain.quoted import Mask, masked_within
from domain.settings import LoggingSettings
from domain.shown_texts import visible

# Our packages log at the level that is set; everything else only what is a warning.
OURS = ("adapters", "console", "deployments", "domain", "flows", "ml", "tasks")

# Prefect's lines about each run and each batch, "Finished in state Completed()" and the like; failures stay.
CHATTY = ("prefect.flow_runs", "prefect.task_runs")

RESERVED = frozenset(RESERVED_ATTRS)

# Fields of events in which a log may be repeated.
QUOTING = frozenset({"template", "text", "lines", "evidence", "quoted", "body"})
NOT_QUOTED = "(not repeated: encryption is on)"

MAX_BYTES = 10_000_000  # of one file
KEPT = 5  # moved files that stay


def configure(
    settings: LoggingSettings,
    home: Path,
    *,
    secrets: Iterable[str] = (),
    patterns: tuple[str, ...] = (),
    debug: bool = False,
    quotes: bool = True,
) -> None:
    """Send the log to its file below `home`, and to stderr for people with `debug`; again replaces the first.

    Without `quotes` no field that repeats what a log said is written: the file itself is not encrypted.
    `secrets`, those in quoted logs and what `patterns` match never reach either. Raises BadSettings when the file
    cannot be written.
    """
    hidden = Hidden(tuple(secrets), redaction(patterns), quotes=quotes)
    handlers: list[logging.Handler] = [_file(home / settings.file, hidden)]
    if debug:
        handlers.append(_terminal(hidden))
    level = logging.DEBUG if debug else logging.getLevelNamesMapping()[settings.level]
    for name in OURS:
        _install(logging.getLogger(name), handlers, level)
    foreign = [_file(home / settings.file, hidden)]
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


@dataclass(frozen=True, slots=True)
class Hidden:
    """What must not be read in the log."""

    secrets: tuple[str, ...]  # of the settings, wherever they occur
    quoted: Mask  # takes secrets and personal data out of quoted logs
    quotes: bool = True  # whether what logs said may be repeated at all


def _file(path: Path, hidden: Hidden) -> logging.Handler:
    handler = shared_file(path)
    handler.setFormatter(
        _Masked(
            JsonFormatter(
                ["message", "levelname", "name", "process"],
                rename_fields={"message": "event", "levelname": "level", "name": "logger"},
                timestamp="time",
                json_ensure_ascii=False,
            ),
            hidden,
        )
    )
    return handler


def _terminal(hidden: Hidden) -> logging.Handler:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Masked(_Plain("%(asctime)s %(levelname)s %(message)s", "%H:%M:%S"), hidden))
    return handler


class _Masked(logging.Formatter):
    """Another formatter's text without secrets, those of quoted logs included, and without the passwords of URLs."""

    def __init__(self, formatter: logging.Formatter, hidden: Hidden) -> None:
        super().__init__()
        self._formatter = formatter
        self._quoted = hidden.quoted
        self._left_out = frozenset() if hidden.quotes else QUOTING
        spellings = {
            spelling for secret in hidden.secrets for spelling in (secret, json.dumps(secret, ensure_ascii=False)[1:-1])
        }
        self._secrets = sorted(spellings, key=len, reverse=True)

    def format(self, record: logging.LogRecord) -> str:
        """The finished text, so that nothing can come in behind the masking."""
        text = masked_urls(self._formatter.format(self._without_quoted(record)))
        for secret in self._secrets:
            text = text.replace(secret, MASK)
        return text

    def _without_quoted(self, record: logging.LogRecord) -> logging.LogRecord:
        """A copy whose message, fields and traceback are masked, each for itself: a line of JSON stays one."""
        kept = copy.copy(record)
        kept.msg, kept.args = self._quoted(record.getMessage()), None
        if record.exc_info:
            kept.exc_info, kept.exc_text = None, self._quoted(self.formatException(record.exc_info))
        for name in vars(record).keys() - RESERVED:
            value = NOT_QUOTED if name in self._left_out else masked_within(getattr(record, name), self._quoted)
            setattr(kept, name, value)
        return kept


class _Plain(logging.Formatter):
    """Event and fields in one line for people."""

    def format(self, record: logging.LogRecord) -> str:
        """The event, then `name=value` for each of its fields."""
        fields = [f"{name}={_printable(value)}" for name, value in vars(record).items() if name not in RESERVED_ATTRS]
        first, *rest = super().format(record).split("\n")
        return "\n".join(visible(line) for line in [" ".join([first, *fields]), *rest])


def _printable(value: object) -> str:
    """The value, quoted where a stranger's text might steer the terminal or forge a line."""
    text = str(value)
    return text if text.isprintable() else repr(text)


def shared_file(path: Path, *, max_bytes: int = MAX_BYTES, kept: int = KEPT) -> logging.Handler:
    """Appends lines to a file that other processes append to, and moves it on when it is full.

    A full disk costs the line and not the work. Raises BadSettings when the file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.open("ab").close()
        return ConcurrentRotatingFileHandler(
            path, maxBytes=max_bytes, backupCount=kept, encoding="utf-8", chmod=0o640, unicode_error_policy="replace"
        )
    except OSError as error:
        raise BadSettings(f"logging.file: {path} cannot be written: {error.strerror}") from error
