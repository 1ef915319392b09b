"""Start the parts: what does not wait for each other side by side, each until it is healthy."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from adapters import postgres
from adapters.kafka.embedded import LIMITS, incarnation
from adapters.parts_file import Parts, lock
from adapters.store.database import connect
from adapters.supervisord_client import ProgramState
from deployments import (
    environment,
    health,
    kafka_server,
    member_deployments,
    ours,
    reading,
    registration,
    supervised,
    wanted,
)
from deployments.layout import Home, tail
from deployments.programs import worker_of
from deployments.site import Site, survey, write
from deployments.wanted import Broker, Wanted
from domain.errors import Refused, Unavailable
from domain.members import role_of

Tell = Callable[[str, str], None]
START_SECONDS = 240  # recovery after a crash and a busy machine included
MOST_LIVES = 3  # a part that died so often while starting will go on dying


def bring_up(home: Home, asked: Wanted, environ: Mapping[str, str], tell: Tell) -> Parts:
    """Start every part that does not run and register the deployments; fine when all run already.

    `tell(part, text)` hears of each step: an empty text when a part begins, its address when it is ready.
    Raises Unavailable, with the end of the part's log; when it is only a Kafka of somebody else's that does not
    answer, everything else runs by then.
    """
    home.make()
    with lock(home.run / "lock"):
        if not supervised.running(home):  # what outlived it would hold its ports
            ours.end_all(home.folder, postgres.remembered(home.folder / "postgres.json"))
        site = survey(home, asked, environ)
        if supervised.running(home):
            retired(site, tell)  # before supervisord ends their workers
        prepare(site, tell)
        parts = site.tell_others()
        with ThreadPoolExecutor(8) as threads:
            waiting = [threads.submit(step, site, tell) for step in (databases_and_servers, broker, sink)]
            for future in waiting:
                future.result()
        http(site, tell)
        trouble = settled(site, tell)
        registered(site, tell)
    if trouble:
        raise Unavailable(f"{trouble}; everything else runs, and reading begins as soon as the cluster answers")
    return parts


def prepare(site: Site, tell: Tell) -> None:
    """Files, then a supervisord that knows every program and runs none that does not belong there."""
    if site.server:
        postgres.initialise(site.server)
    if site.wanted.kafka is Broker.REAL and not site.real_kafka:
        tell("kafka", "")
        kafka_server.prepare()
    write(site)
    environ = environment.for_parts(site.environ, site.home.folder)
    if supervised.running(site.home):
        supervised.update(site.home, environ)
    else:
        supervised.start(site.home, environ)


def databases_and_servers(site: Site, tell: Tell) -> None:
    """The database, and then what lives in it, side by side."""
    if site.server:
        server = site.server
        start(site, "postgres", lambda: postgres.reachable(server.url("postgres")), tell)
        postgres.create_databases(server)
        tell("postgres", f"on {server.sockets}")
    with ThreadPoolExecutor(3) as threads:
        waiting = [threads.submit(step, site, tell) for step in (migrate, prefect, mlflow)]
        for future in waiting:
            future.result()


def migrate(site: Site, tell: Tell) -> None:
    """Bring the agent's own database to the newest version of its tables."""
    from adapters.store.migrate import migrate as bring_up_to_date  # noqa: PLC0415 - a second, beside the servers' start

    tell("tables", "")
    bring_up_to_date(site.store_url)
    tell("tables", "up to date")


def prefect(site: Site, tell: Tell) -> None:
    """Prefect's server, with the two pools."""
    start(site, "prefect", lambda: health.prefect(site.api_url), tell)
    registration.make_pools(site.api_url, site.wanted.members)
    tell("prefect", site.api_url.removesuffix("/api"))


def mlflow(site: Site, tell: Tell) -> None:
    """MLflow's server."""
    start(site, "mlflow", lambda: health.mlflow(site.tracking_uri), tell)
    tell("mlflow", site.tracking_uri)


def broker(site: Site, tell: Tell) -> None:
    """Kafka, whichever is wanted."""
    if site.wanted.kafka is Broker.EXTERNAL:
        return
    before = incarnation(site.home.folder)
    start(site, "kafka", lambda: health.kafka(site.kafka), tell)
    if site.wanted.kafka is Broker.REAL:
        tell("kafka", f"{site.kafka}, Apache Kafka")
        return
    new = before not in ("", incarnation(site.home.folder))
    tell("kafka", f"{site.kafka}, {LIMITS}{'; a new one: what the last one held is gone' if new else ''}")


def settled(site: Site, tell: Tell) -> str:
    """From where the topic is read, decided before anybody can send; what is wrong with the cluster, if anything."""
    tell("reading", "")
    engine = connect(site.store_url)
    try:
        tell("reading", reading.settle(engine, site.reading, site.incarnation, now=datetime.now(UTC)))
    except (Unavailable, Refused) as error:
        if site.wanted.kafka is not Broker.EXTERNAL:
            raise
        tell("reading", f"not yet: {error}")
        return str(error)
    finally:
        engine.dispose()
    return ""


def sink(site: Site, tell: Tell) -> None:
    """The demo's mail server."""
    if site.wanted.sink:
        start(site, "smtp", lambda: health.listening(site.ports["smtp"]), tell)
        tell("smtp", f"127.0.0.1:{site.ports['smtp']}, mails in {site.home.folder / 'mails'}")


def http(site: Site, tell: Tell) -> None:
    """The service that takes answers, alerts and logs; the store is there by now."""
    if addresses := site.http_addresses():
        start(site, "http", lambda: health.http_service(addresses["local"]), tell)
        tell("http", addresses["url"])


def registered(site: Site, tell: Tell) -> None:
    """The deployments, their workers, and one run of each long-lived flow."""
    found = supervised.processes(site.home)
    fresh = not any(found[worker_of(member)].pid for member in site.wanted.workers)
    retired(site, tell)  # of an earlier life
    if fresh:
        registration.bury(site)
    tell("deployments", "")
    names = registration.deploy(site)
    tell("deployments", ", ".join(names))
    for member in site.wanted.workers:
        start(site, worker_of(member), lambda: "", tell)
        tell(worker_of(member), f"works off the pool {role_of(member)}")
    tell("runs", "")
    tell("runs", registration.one_run_each(site.api_url, fresh=fresh))
    start(site, "keeper", lambda: "", tell)
    tell("keeper", "sees to it that runs go on")
    wanted.remember(site.home, site.wanted)


def retired(site: Site, tell: Tell) -> None:
    """Members of `watch` that are not wanted any more are ended."""
    for member in member_deployments.retire(site):
        tell(worker_of(member), "ended: fewer members are wanted")


def start(site: Site, name: str, ailment: Callable[[], str], tell: Tell) -> None:
    """Start a program that is ours and wait until nothing ails it; an external one must be well at once."""
    tell(name, "")
    programs = supervised.processes(site.home)
    if name in programs and not programs[name].pid:
        supervised.begin(site.home, name)
    deadline, lives = time.monotonic() + START_SECONDS, set()
    while problem := not_running(site, name) or impostor(site, name) or ailment():
        lives.add(pid_of(site, name))
        if time.monotonic() > deadline or len(lives - {0}) > MOST_LIVES:
            raise Unavailable(f"{name} did not come up: {problem}{last_words(site, name)}")
        time.sleep(0.1)


def impostor(site: Site, name: str) -> str:
    """Why what answers on a server's port is not our server; two homes that start at once may choose the same port."""
    pid = pid_of(site, name)
    return health.stranger(pid, site.ports[name]) if pid and name in site.ports else ""


def pid_of(site: Site, name: str) -> int:
    """Pid of a program of ours, 0 when it has none."""
    info = supervised.processes(site.home).get(name)
    return info.pid if info else 0


def not_running(site: Site, name: str) -> str:
    """Why a program of ours does not run yet; empty when it does, or is not ours."""
    info = supervised.processes(site.home).get(name)
    if info is None or info.state is ProgramState.RUNNING:
        return ""
    return f"{info.state.name} {info.trouble}".strip()


def last_words(site: Site, name: str) -> str:
    """The end of a part's log, ready to be shown."""
    log = site.home.logs / f"{name}.log"
    words = tail(log)
    return f"\n--- end of {log} ---\n{words}" if words else f"; nothing in {log}"
