"""Which model decides right now; a new champion is taken up without a restart."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

from domain.errors import BadInput, SreError, Unavailable
from ml.registry import Registry, load_file
from ml.scoring import Champion
from tasks.judging import NO_MODEL, Knowledge

log = logging.getLogger(__name__)


class ChampionSource:
    """Keeps `knowledge` up to date with the registry.

    Without a registry the folder `detection.model_path` is used, then the newest version that was
    ever loaded here, then rules alone.
    """

    def __init__(self, knowledge: Knowledge, registry: Registry | None) -> None:
        self.registry = registry
        self.knowledge = knowledge
        self.challenger: Champion | None = None  # scores beside the champion, and decides nothing
        self.had_one = knowledge.champion is not None
        self.refused: int | None = None  # a challenger that cannot be loaded is not asked for again and again
        if knowledge.champion is None and knowledge.settings.detection.enabled:
            self._use(self._fallback())

    def _fallback(self) -> Champion | None:
        try:
            if path := self.knowledge.settings.detection.model_path:
                return load_file(Path(path), version=1)
            return self.registry.cached() if self.registry else None
        except SreError as error:
            log.warning("champion.fallback-failed", extra={"error": str(error)})
            return None

    def _use(self, champion: Champion | None) -> None:
        if champion is not None:
            self.knowledge, self.had_one = replace(self.knowledge, champion=champion), True
            log.info("champion.taken-up", extra={"version": champion.version})

    def refresh(self) -> str:
        """Ask the registry once; what is wrong with it in words, empty when nothing is."""
        if self.registry is None or not self.knowledge.settings.detection.enabled:
            return ""
        current = self.knowledge.champion
        try:
            version = self.registry.champion_version()
            if version is None:
                self._drop("no version is champion any more" if self.had_one else NO_MODEL)
            elif current is None or current.version != version:
                self._use(self.registry.load(version))
            self._take_up_challenger(self.registry)
        except Unavailable as error:  # the model in hand is as good as before
            log.warning("champion.not-refreshed", extra={"error": str(error)})
            if current is None:
                self._drop(str(error))
            return str(error)
        except BadInput as error:
            self._drop(str(error))
            return str(error)
        return ""

    def _take_up_challenger(self, registry: Registry) -> None:
        """The newest version that was not promoted; one that cannot be loaded costs nothing. Raises Unavailable."""
        version = registry.challenger_version()
        if version is None or self.refused == version:
            self.challenger = None
        elif self.challenger is None or self.challenger.version != version:
            try:
                self.challenger = registry.load(version)
            except BadInput as error:
                log.warning("challenger.not-loaded", extra={"error": str(error)})
                self.challenger, self.refused = None, version

    def _drop(self, why: str) -> None:
        """What was champion is not any more, and there is no other: rules decide."""
        if self.knowledge.champion is not None:
            log.warning("champion.dropped", extra={"why": why})
        if self.knowledge.champion is not None or why != self.knowledge.without:
            self.knowledge = replace(self.knowledge, champion=None, without=why)
