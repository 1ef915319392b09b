"""A template as sessions of several services have it: with the service that said it."""

from __future__ import annotations

# Stands between the two, and in no text that a person wrote.
PARTED = "\x1f"


def event(service: str, text: str) -> str:
    """The template `text` as that service said it."""
    return f"{service.replace(PARTED, ' ')}{PARTED}{text}"


def service_of(name: str) -> str:
    """The service of an event; empty where it has none."""
    return name.partition(PARTED)[0] if PARTED in name else ""


def text_of(name: str) -> str:
    """The text of an event."""
    return name.partition(PARTED)[2] if PARTED in name else name
