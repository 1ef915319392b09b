"""From settings to the parts that a flow works with; the only place where they are put together."""

from __future__ import annotations

import logging
import os
from pathlib import Path

from adapters import parts_file
from adapters.kafka.consumer import Cluster
from adapters.kafka.embedded import incarnation
from adapters.own_log import configure
from adapters.playbook_files import load as load_playbooks
from adapters.settings_files import load
from adapters.store.database import Engine, connect
from domain.errors import BadSettings
from domain.masking import secrets
from domain.settings import Settings, without_secrets
from ml.registry import Registry
from tasks.champion import ChampionSource
from tasks.desk import Desk
from tasks.steps import Knowledge
from tasks.watching import TopicIdentity, Watching

log = logging.getLogger(__name__)


def home() -> Path:
    """Folder of everything that the agent keeps outside its database."""
    return parts_file.home(os.environ)


def settings() -> Settings:
    """The effective settings of this process; its log is configured by them, and never shows their secrets."""
    loaded = load()
    configure(loaded.settings.logging, parts_file.PROJECT, secrets=secrets(loaded.settings))
    for warning in loaded.warnings:
        log.warning("settings.warning", extra={"warning": warning})
    return loaded.settings


def engine(tree: Settings) -> Engine:
    """The agent's database. Raises BadSettings when none is set and none is embedded."""
    url = tree.store.url.get_secret_value()
    if not url:
        raise BadSettings("store.url is not set and no embedded database runs; start one with `sre up`")
    return connect(url)


def knowledge(tree: Settings) -> Knowledge:
    """The playbooks and settings that decisions are made with, without a champion yet."""
    folder = Path(tree.playbooks.path)
    folder = folder if folder.is_absolute() else parts_file.PROJECT / folder
    return Knowledge(tree, load_playbooks(folder) if tree.playbooks.enabled else (), None)


def registry(tree: Settings) -> Registry | None:
    """The model registry, or None where no MLflow server is known."""
    uri = tree.servers.mlflow_tracking_uri
    if not uri:
        return None
    limits = tree.calls
    cache = home() / "models"
    return Registry(uri, tree.detection.model_name, cache, retries=limits.max_retries, seconds=limits.timeout_seconds)


def watching(tree: Settings) -> Watching:
    """Everything that a `watch` run needs. Raises Unavailable while Kafka or the database do not answer."""
    if not tree.kafka.bootstrap_servers:
        raise BadSettings("kafka.bootstrap_servers is not set and no embedded broker runs; start one with `sre up`")
    tree = without_secrets(tree)
    return Watching(tree, engine(tree), ChampionSource(knowledge(tree), registry(tree)), topic_identity(tree))


def topic_identity(tree: Settings) -> TopicIdentity:
    """A question for the id of the topic's present incarnation.

    The embedded broker gives its topics none, and says at start that it forgets everything: nobody is told again.
    """
    if parts_file.read(home()).kafka.get("kind") == "embedded":
        return TopicIdentity(lambda: f"embedded {incarnation(home())}", durable=False)
    return TopicIdentity(Cluster(tree.kafka).topic_id, durable=True)


def desk(tree: Settings) -> Desk:
    """Everything that an `on-call` run needs."""
    return Desk(tree, engine(tree), knowledge(tree).playbooks, home() / "ledger.anchor")
