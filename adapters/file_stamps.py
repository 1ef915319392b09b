"""Whether a file is still the one that was read."""

from __future__ import annotations

from pathlib import Path

Stamp = tuple[int, int]  # when the file was changed, in ns, and its size


def stamp_of(path: Path | None) -> Stamp | None:
    """When the file was changed and how long it is; None where it cannot be looked at."""
    try:
        found = path.stat() if path else None
    except OSError:
        return None
    return (found.st_mtime_ns, found.st_size) if found else None
