"""What the pages show beside the store's rows: settings, playbooks' services, who is on call, models."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from adapters.store.database import Engine
from console.http.web.known import Known
from domain.settings import Settings
from tasks.templates import Templates

TEMPLATES_KEPT = timedelta(seconds=60)


@dataclass
class Desk:
    """The settings with where each came from, and what was read of files and stores lately."""

    tree: Settings = field(default_factory=Settings)
    origins: Mapping[str, str] = field(default_factory=dict)
    home: Path | None = None
    _templates: Known[Templates] | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def templates(self, engine: Engine, now: datetime) -> Templates:
        """The templates of messages, as they were stored a minute ago at most."""
        with self._lock:
            if self._templates is None:
                self._templates = Known(lambda: Templates.of(engine), TEMPLATES_KEPT)
        return self._templates.at(now)
