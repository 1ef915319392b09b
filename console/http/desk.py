"""What the pages show beside the store's rows: settings, playbooks' services, who is on call, models."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from adapters.on_call_files import looked_at
from adapters.on_call_files.calendars import FOLDER
from adapters.parts_file import PROJECT
from adapters.store.database import Engine
from console.http.web.known import Known
from domain.roster import Roster
from domain.settings import Settings
from ml.model_comparison import Comparison, comparisons
from ml.model_versions import ModelVersion, versions, way_back
from ml.registry import ALIAS
from tasks.bootstrap import knowledge
from tasks.judging import Knowledge
from tasks.retraining import registry
from tasks.templates import Templates

TEMPLATES_KEPT = FILES_KEPT = timedelta(seconds=60)
MODELS_KEPT = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Models:
    """The versions of the detector, the newest first, and what challenger and champion were judged by."""

    versions: list[ModelVersion]
    comparisons: list[Comparison]
    before: int  # which version decided before, and would again after a rollback; 0 for none

    @property
    def champion(self) -> int:
        """Which version decides; 0 where rules do alone."""
        return next((one.version for one in self.versions if ALIAS in one.aliases), 0)


def _models(tree: Settings) -> Models:
    """Raises BadSettings and Unavailable."""
    found = registry(tree)
    return Models(versions(found), comparisons(found), way_back(found) or 0)


@dataclass
class Desk:
    """The settings with where each came from, and what was read of files and stores lately."""

    tree: Settings = field(default_factory=Settings)
    origins: Mapping[str, str] = field(default_factory=dict)
    home: Path | None = None
    _templates: Known[Templates] | None = None
    _knowledge: Known[Knowledge] | None = None
    _models: Known[Models] | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def knowledge(self, now: datetime) -> Knowledge:
        """Playbooks and inventory, as their files were a minute ago at most."""
        with self._lock:
            if self._knowledge is None:
                self._knowledge = Known(lambda: knowledge(self.tree), FILES_KEPT)
        return self._knowledge.at(now)

    def models(self, now: datetime) -> Models:
        """The versions of the detector, as of half a minute ago at most. Raises BadSettings and Unavailable."""
        with self._lock:
            if self._models is None:
                self._models = Known(lambda: _models(self.tree), MODELS_KEPT)
        return self._models.at(now)

    def forget_models(self) -> None:
        """They are changed, or about to be: whoever asks next gets them as they are."""
        with self._lock:
            self._models = None

    def roster(self, now: datetime) -> Roster | None:
        """Who is on call by the file as it is now; None without a file. Raises BadSettings."""
        if not self.tree.paging.on_call:
            return None
        copies = (self.home or PROJECT) / FOLDER
        return looked_at(PROJECT / self.tree.paging.on_call, self.tree.paging, copies=copies, now=now)

    def templates(self, engine: Engine, now: datetime) -> Templates:
        """The templates of messages, as they were stored a minute ago at most."""
        with self._lock:
            if self._templates is None:
                self._templates = Known(lambda: Templates.of(engine), TEMPLATES_KEPT)
        return self._templates.at(now)
