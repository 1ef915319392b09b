"""From settings to the parts that a flow works with; the only place where they are put together."""

from __future__ import annotations

import logging
import os
from pathlib import Path

from adapters import parts_file
from adapters.anchors import anchor_places
from adapters.inventory_files import load as load_inventory
from adapters.kafka import embedded
from adapters.kafka.consumer import Cluster
from adapters.own_log import configure
from adapters.playbook_files import Checked, check
from adapters.settings_files import load
from adapters.store.database import Engine, connect
from domain.errors import BadSettings
from domain.inventory import Inventory
from domain.ledger import AnchorPlace
from domain.masking import secrets
from domain.settings import Settings, without_secrets
from ml.registry import Registry
from tasks.champion import ChampionSource
from tasks.held import Means
from tasks.judging import Knowledge
from tasks.on_call import Rounds
from tasks.paging import Pager
from tasks.retrieval import Library
from tasks.watching import TopicIdentity, Watching

log = logging.getLogger(__name__)


def home() -> Path:
    """Folder of everything that the agent keeps outside its database."""
    return parts_file.home(os.environ)


def settings() -> Settings:
    """The effective settings of this process; its log is configured by them, and never shows their secrets."""
    loaded = load()
    configure(loaded.settings.logging, home(), secrets=secrets(loaded.settings))
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
    """What decisions are made with, without a champion yet.

    What cannot be read is left out and told of in `flaws`: one broken file ends neither ingestion nor paging.
    """
    checked = check(_in_project(tree.playbooks.path)) if tree.playbooks.enabled else Checked((), ())
    known, wrong = _inventory(tree)
    return Knowledge(tree, checked.playbooks, None, inventory=known, flaws=(*checked.faults, *wrong))


def _inventory(tree: Settings) -> tuple[Inventory, tuple[str, ...]]:
    """The services that may be acted upon, and what is wrong with their file; then there are none."""
    if not tree.mitigation.inventory:
        return Inventory(), ()
    try:
        return load_inventory(_in_project(tree.mitigation.inventory)), ()
    except BadSettings as error:
        return Inventory(), tuple(str(error).splitlines())


def _in_project(path: str) -> Path:
    """An absolute path as it is, another one from the project's folder."""
    return parts_file.PROJECT / path


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
        return TopicIdentity(lambda: embedded.topic_identity(home()), durable=False)
    return TopicIdentity(Cluster(tree.kafka).topic_id, durable=True)


def anchors(tree: Settings) -> tuple[AnchorPlace, ...]:
    """Where heads of the ledger's chain are kept, for `chain.seal`."""
    return anchor_places(tree, home())


def rounds(tree: Settings) -> Rounds:
    """Everything that an `on-call` run needs."""
    store = engine(tree)
    known = knowledge(tree)
    library = Library(tree, known.playbooks)
    means = Means(store, known, home=home(), library=library)
    return Rounds(means, Pager(tree, store, known.inventory, library=library), anchors(tree))
