"""Who is on call, from a YAML file and calendars."""

from adapters.on_call_files.reading import load, looked_at, roster_text
from adapters.on_call_files.source import Current, RosterSource

__all__ = ["Current", "RosterSource", "load", "looked_at", "roster_text"]
