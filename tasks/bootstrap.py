"""From settings to the parts that a flow works with; the only place where they are put together."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

from adapters import parts_file
from adapters.anchors import anchor_places
from adapters.executing import wall_clock
from adapters.heartbeat import heartbeat
from adapters.inventory_files import load as load_inventory
from adapters.kafka import embedded
from adapters.kafka.cluster import Cluster
from adapters.link_keys import signer
from adapters.llm import with_model
from adapters.on_call_files.source import RosterSource
from adapters.own_log import configure
from adapters.page_spool import PageSpool
from adapters.playbook_files import Checked, check
from adapters.settings_files import load
from adapters.store.database import Engine
from adapters.store.opening import database_of
from adapters.store.switches import report_condition
from adapters.store.watch_signs import KAFKA
from adapters.trust import trust
from domain.errors import BadSettings, SreError
from domain.inventory import Inventory
from domain.ledger import AnchorPlace
from domain.masking import secrets
from domain.members import present_member
from domain.settings import Settings, without_secrets
from ml.registry import registry_of
from ml.tracing import Tracer
from tasks.analysing import Analyst, breaker_of
from tasks.answer_links import with_link
from tasks.canary import Canary, sender
from tasks.champion import ChampionSource
from tasks.held import Means
from tasks.judging import Knowledge
from tasks.on_call import Rounds
from tasks.paging import LinkMaker, Pager
from tasks.retrieval import Library
from tasks.topics import TopicIdentity
from tasks.watch_health import WatchHealth, topic_ends
from tasks.watching import Watching

log = logging.getLogger(__name__)
Done = TypeVar("Done")
WATCH_SECONDS = 60  # `watch` and `on-call` give a silent database up then, and go on without it


def home() -> Path:
    """Folder of everything that the agent keeps outside its database."""
    return parts_file.home(os.environ)


def settings() -> Settings:
    """The effective settings of this process; its log is configured by them, and never shows their secrets."""
    loaded = load()
    tree = loaded.settings
    quotes = not tree.encryption.enabled
    configure(tree.logging, home(), secrets=secrets(tree), patterns=tree.paging.mask, quotes=quotes)
    trust(tree.calls.ca_file)
    for warning in loaded.warnings:
        log.warning("settings.warning", extra={"warning": warning})
    return loaded.settings


async def in_store(tree: Settings, do: Callable[[Engine], Done]) -> Done:
    """What `do` returns, in a thread of its own, with the agent's database open for that alone; raises as it does."""
    opened = database_of(tree)
    try:
        return await asyncio.to_thread(do, opened)
    finally:
        opened.dispose()


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


def canary(tree: Settings) -> Canary:
    """What a run of the agent's test of itself needs. Raises BadSettings without a broker or a database."""
    if not tree.kafka.bootstrap_servers:
        raise BadSettings("kafka.bootstrap_servers is not set and no embedded broker runs; start one with `sre up`")
    beat = heartbeat(tree.canary.heartbeat.get_secret_value())
    within = timedelta(seconds=tree.canary.seconds)
    return Canary(database_of(tree), sender(tree.kafka), within, tree.incidents.confirm_logs, beat)


def canary_run() -> str:
    """The number of a new run, which no outsider knows before."""
    return os.urandom(6).hex()


def watching(tree: Settings) -> Watching:
    """Everything that a `watch` run needs. Raises Unavailable while Kafka or the database do not answer."""
    if not tree.kafka.bootstrap_servers:
        raise BadSettings("kafka.bootstrap_servers is not set and no embedded broker runs; start one with `sre up`")
    tree = without_secrets(tree)
    champion = ChampionSource(knowledge(tree), registry_of(tree, home()))
    return Watching(
        tree, database_of(tree, answer_seconds=WATCH_SECONDS), champion, topic_identity(tree), PageSpool(home())
    )


def say_waiting(tree: Settings, why: str) -> None:
    """Leave word, where the store can be reached, that `watch` waits for the cluster."""
    try:
        store = database_of(tree, answer_seconds=WATCH_SECONDS)
        try:
            who = present_member(os.environ)
            report_condition(store, KAFKA, seen_by=who, healthy=False, detail=why, now=datetime.now(UTC))
        finally:
            store.dispose()
    except SreError as error:
        log.warning("store.unavailable", extra={"error": str(error)[:200]})


def watch_health(tree: Settings, store: Engine) -> WatchHealth | None:
    """How `on-call` looks after `watch`; None where that is switched off or no cluster is named."""
    seconds = tree.paging.watch_silent_seconds
    if not seconds or not tree.kafka.bootstrap_servers:
        return None
    patience, begun = timedelta(seconds=seconds), datetime.now(UTC)
    return WatchHealth(store, tree.kafka.topic, topic_ends(tree.kafka), patience=patience, begun=begun)


def topic_identity(tree: Settings) -> TopicIdentity:
    """A question for the id of the topic's present incarnation.

    The embedded broker gives its topics none, and says at start that it forgets everything: nobody is told again.
    """
    if parts_file.read(home()).kafka.get("kind") == "embedded":
        return TopicIdentity(lambda names: dict.fromkeys(names, embedded.topic_identity(home())), durable=False)
    return TopicIdentity(Cluster(tree.kafka).topic_ids, durable=True)


def anchors(tree: Settings) -> tuple[AnchorPlace, ...]:
    """Where heads of the ledger's chain are kept, for `chain.seal`."""
    return anchor_places(tree, home())


def rosters(tree: Settings) -> RosterSource | None:
    """Where who is on call is read from; None where the settings name everybody themselves."""
    named = tree.paging.on_call
    return RosterSource(_in_project(named), tree.paging, home()) if named else None


def links(tree: Settings, clock: Callable[[], datetime]) -> LinkMaker | None:
    """What puts a link to answer by into a page; None where no key can be had: a page goes out without one."""
    if not tree.http.enabled or not tree.http.public_url:
        return None
    try:
        key = signer(home())
    except SreError as error:
        log.warning("links.no-key", extra={"error": str(error)})
        return None
    return lambda page: with_link(page, key, tree.http, now=clock())


def analyst(means: Means) -> Analyst:
    """What looks into uncommon incidents: by itself, or with the model of the settings."""
    tree = means.settings
    uri = tree.servers.mlflow_tracking_uri
    traced = uri and tree.encryption.quotes_in_artifacts
    trace = Tracer(uri, tree.calls.timeout_seconds).write if traced else None
    try:
        return Analyst(means, with_model(tree.llm, tree.calls), breaker_of(tree), trace)
    except BadSettings as error:  # whoever pages must not end because nobody can be asked
        log.warning("llm.not-usable", extra={"why": str(error)[:300]})
        return Analyst(means, None, breaker_of(tree), trace, flaw=str(error)[:300])


def rounds(tree: Settings) -> Rounds:
    """Everything that an `on-call` run needs."""
    store = database_of(tree, answer_seconds=WATCH_SECONDS)
    known = knowledge(tree)
    library = Library(tree, known.playbooks)
    means = Means(store, known, home=home(), library=library)
    pager = Pager(
        tree,
        store,
        known.inventory,
        library=library,
        rosters=rosters(tree),
        links=links(tree, wall_clock),
        spool=PageSpool(home()),
        named=means.named,
    )
    beat = heartbeat(tree.paging.heartbeat.get_secret_value())
    return Rounds(means, pager, anchors(tree), analyst(means), beat, watch_health(tree, store))
