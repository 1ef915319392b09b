"""Who is on call from the export of another tool: what has a place here, and line by line what has none and why."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from adapters.located_yaml import read_json
from adapters.on_call_files import grafana, pagerduty
from adapters.on_call_files.foreign import Draft, Entry
from domain.errors import BadInput

SOURCES: Mapping[str, tuple[str, Callable[[Entry, Draft, datetime], None]]] = {
    "grafana-oncall": ("Grafana OnCall", grafana.convert),
    "pagerduty": ("PagerDuty", pagerduty.convert),
}


@dataclass(frozen=True, slots=True)
class Imported:
    """A file of ours, what of the export is in it, and what is not."""

    text: str
    carried: tuple[str, ...]
    lost: tuple[str, ...]


def read_foreign(path: Path, source: str, now: datetime | None = None) -> Imported:
    """The export as a file of ours; `source` is a key of SOURCES. Raises BadInput where it is none."""
    try:
        document = read_json(path.read_text(encoding="utf-8-sig")).value
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path}: cannot be read: {error}") from error
    except BadInput as error:
        raise BadInput(f"{path}:{error}") from error
    if not isinstance(document, dict):
        raise BadInput(f"{path}: must be one JSON object with users, schedules and escalation policies")
    title, convert = SOURCES[source]
    draft = Draft(title)
    try:
        convert(document, draft, now or datetime.now(UTC))
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise BadInput(f"{path}: is no export of {title} that can be read: {type(error).__name__} {error}") from error
    if not (draft.users or draft.schedules or draft.policies):
        raise BadInput(f"{path}: holds no users, schedules or policies of {title}")
    return Imported(draft.text(), tuple(draft.carried), tuple(draft.lost))
