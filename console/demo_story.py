"""The demonstration, step by step; what it shows is read back from broker, store and Prefect."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

from rich.console import Console

from adapters import parts_file
from adapters.kafka.edges import topic_edges
from adapters.settings_files import load
from adapters.store.database import Engine
from adapters.store.log_look_ups import newest_model, stored_positions
from adapters.store.look_ups import list_incidents, one_incident, totals
from adapters.store.opening import open_database
from console.demo_addresses import addresses_of
from console.demo_cascade import Cascade
from console.demo_fourth_act import FourthAct
from console.demo_on_call import PageHook, hook_folder, page_hook, write_on_call
from console.demo_paging import Answered, Kept
from console.demo_summary import Fault, Summary, why_not
from console.demo_third_act import ThirdAct
from console.demo_uncommon import Uncommon, UncommonAct
from console.demo_view import View
from deployments.layout import Home
from deployments.shop import control, layout, running
from deployments.take_down import demonstration, remove, take_down
from domain.errors import Unavailable
from domain.settings import Settings

PROJECT = parts_file.PROJECT
# How long each step may take before the demonstration gives up.
STORED_SECONDS = 90.0
CHAMPION_SECONDS = 90.0
ANSWER_SECONDS = 170.0
SETTLE_SECONDS = 30.0
# Between two faults, so that the first one's errors are not taken for the second one's.
BETWEEN_SECONDS = 4.0
# Between two actions on one service.
PAUSE = timedelta(seconds=45)


@dataclass(frozen=True, slots=True)
class Shown:
    """What the acts came to."""

    champion: int
    faults: list[Fault]
    uncommon: Uncommon
    cascade: Cascade
    answered: Answered


@dataclass
class Story:
    """One demonstration, in a home of its own that begins empty."""

    around: Path  # the home that the demonstration's own is in
    normal_seconds: float
    debug: bool
    console: Console = field(default_factory=Console)
    changed: dict[str, str] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)  # settings whose values are not shown

    def tell(self) -> Summary:
        """Everything, in order; raises Unavailable when a step does not come to its end."""
        begun = datetime.now(UTC)
        self.begin_anew()
        with page_hook(self.home) as hook:
            self.change_settings(hook)
            self.start()
            with View(self.engine, self.console) as view:
                shown = self.play(view)
                self.settle(view)
        return self.sum_up(begun, shown)

    def play(self, view: View) -> Shown:
        """The five acts."""
        self.normal_traffic(view)
        champion = self.train(view)
        faults = [self.inject(view, injection) for injection in control.SHOWCASE]
        self.wait_for_answers(view, faults)
        known = self.settings.llm.enabled and self.settings.llm.known
        uncommon = UncommonAct(self.home, self.engine, view, self.sre, known).play()
        self.leave_alone(view, faults)
        cascade = ThirdAct(self.home, self.engine, view, self.sre).play()
        answered = FourthAct(self.engine, view, self.mails, cascade.incident, cascade.over_at).play()
        return Shown(champion, faults, uncommon, cascade, answered)

    # --- setting up -----------------------------------------------------------------------------

    @property
    def place(self) -> Home:
        """Where this demonstration runs."""
        return demonstration(Home(self.around, PROJECT))

    @property
    def home(self) -> Path:
        """Folder of everything that it keeps."""
        return self.place.folder

    def begin_anew(self) -> None:
        """End and forget the last demonstration: its budgets, ledger and model would tell in this one."""
        if self.home.exists():
            take_down(self.place, lambda *_: None)
            remove(self.place)

    def change_settings(self, hook: PageHook) -> None:
        """Every setting that differs from its default is printed."""
        shop_url = layout.plan(self.home, bootstrap="", topic="", rate=1).supervisord
        self.changed = {
            "SRE_MITIGATION__ACTING": "true",
            # A playbook asks until it has proved itself, and there is no time for that here.
            "SRE_MITIGATION__AUTONOMY__START": "act",
            "SRE_MITIGATION__SUPERVISORD_URL": shop_url,
            "SRE_MITIGATION__INVENTORY": str(layout.inventory_file(self.home)),
            # One service fails twice within two minutes, for two reasons.
            "SRE_MITIGATION__TARGET_SECONDS": f"{PAUSE.total_seconds():g}",
            "SRE_KAFKA__TOPIC": f"demo-{datetime.now(UTC):%Y%m%d-%H%M%S}",
            "SRE_KAFKA__START": "earliest",
            "SRE_DETECTION__REFRESH_SECONDS": "2",
            **hook.settings(self.home),
        }
        self.secrets = {"SRE_PAGING__WEBHOOK_SECRET": hook.secret}
        self.console.print("[bold]Settings that the demonstration changes[/] (acting is off by default):")
        for name, value in self.changed.items():
            self.console.print(f"  {name}={value}", highlight=False, markup=False)
        for name in self.secrets:
            self.console.print(f"  {name}=***", highlight=False, markup=False)

    @property
    def environ(self) -> dict[str, str]:
        """The environment of everything that the demonstration starts."""
        return os.environ | self.changed | self.secrets | {"SRE_HOME": str(self.home)}

    def sre(self, *arguments: str) -> None:
        """One `sre` command, as a user would type it."""
        flags = ["--debug"] if self.debug else []
        call = [sys.executable, "-c", "from console.main import main; main()", *flags, *arguments]
        if subprocess.run(call, env=self.environ, cwd=PROJECT, check=False).returncode:  # noqa: S603 - our own command
            raise Unavailable(f"`sre {' '.join(arguments)}` did not succeed; see above and {self.home / 'logs'}")

    def start(self) -> None:
        """All parts, and the system to watch."""
        layout.write_inventory(self.home)
        write_on_call(self.home)
        self.sre("up", "--sink")
        shop = running.up(self.home, bootstrap=self.settings.kafka.bootstrap_servers, topic=self.topic, rate=20)
        self.console.print(
            f"the system to watch runs under its own supervisord: {shop.supervisord}", highlight=False, markup=False
        )

    @property
    def topic(self) -> str:
        """The demonstration's own topic."""
        return self.changed["SRE_KAFKA__TOPIC"]

    @property
    def settings(self) -> Settings:
        """The effective settings."""
        return load(environ=self.environ, home=self.home).settings

    @property
    def mails(self) -> Path:
        """Where the sink keeps mails."""
        return Path(str(parts_file.read(self.home).smtp["folder"]))

    @cached_property
    def engine(self) -> Engine:
        """The agent's database."""
        tree = self.settings
        return open_database(tree.store.url.get_secret_value(), tree.encryption, tree.store.files)

    # --- the story ------------------------------------------------------------------------------

    def normal_traffic(self, view: View) -> None:
        """Nothing is wrong for a while; rules watch alone."""
        view.say("normal traffic; no model yet, so the rules watch alone")
        view.until(lambda: totals(self.engine)["logs"] > 0, STORED_SECONDS, "the first stored logs")
        view.pause(self.normal_seconds)

    def train(self, view: View) -> int:
        """Train on the minutes just seen, and wait until `watch` uses the new champion."""
        view.say("training a model on that traffic: the deployment `retrain`")
        known = self.newest_model()
        minutes = max(1.0, (self.normal_seconds + 10) / 60)
        self.prefect("deployment", "run", "retrain/retrain", "--param", f"minutes={minutes}")
        view.until(lambda: self.newest_model() > known, CHAMPION_SECONDS, "a champion that judges logs")
        champion = self.newest_model()
        view.say(f"model {champion} is champion and judges logs; `watch` took it up without a restart")
        return champion

    def newest_model(self) -> int:
        """Newest model version that judged a stored log of this demonstration."""
        return newest_model(self.engine, self.topic)

    def prefect(self, *arguments: str) -> str:
        """One `prefect` command against the embedded server."""
        environ = self.environ | {"PREFECT_API_URL": str(parts_file.read(self.home).prefect["api_url"])}
        call = [sys.executable, "-m", "prefect", *arguments]
        done = subprocess.run(call, env=environ, cwd=PROJECT, capture_output=True, text=True, check=False)  # noqa: S603
        if done.returncode:
            raise Unavailable(f"`prefect {' '.join(arguments)}` failed: {done.stderr[-500:]}")
        return done.stdout

    def inject(self, view: View, injection: control.Injection) -> Fault:
        """One real fault in the running system."""
        at = datetime.now(UTC)
        control.inject(self.home, injection)
        view.say(f"fault injected: {injection.fault} in {injection.service}")
        view.pause(BETWEEN_SECONDS)
        return Fault(injection.fault, injection.service, at)

    def wait_for_answers(self, view: View, faults: list[Fault]) -> None:
        """Until each faulty service has an incident that an action resolved."""
        for fault in faults:
            what = f"the verified repair of {fault.service}"
            try:
                view.until(lambda fault=fault: self.answered(fault) is not None, ANSWER_SECONDS, what)  # type: ignore[misc]
            except Unavailable as error:
                raise Unavailable(f"{error}\n{why_not(fault.service, self.incidents_of(fault))}") from error
            fault.incident = self.answered(fault)

    def incidents_of(self, fault: Fault) -> list[dict[str, Any]]:
        """Every incident of the faulty service with a log since the fault, whole; it may be older than that."""
        found = list_incidents(self.engine, only_open=False, limit=200)
        mine = [row["id"] for row in found if row["service"] == fault.service and row["last_at"] >= fault.at]
        return [whole for number in mine if (whole := one_incident(self.engine, number))]

    def answered(self, fault: Fault) -> dict[str, Any] | None:
        """The fault's incident, once an action on it was verified."""
        for found in self.incidents_of(fault):
            helped = (row["outcome"] == "recovered" and row["reserved_at"] >= fault.at for row in found["actions"])
            if found["state"] == "resolved" and any(helped):
                return found
        return None

    def leave_alone(self, view: View, faults: list[Fault]) -> None:
        """Let the pause end in which a service that was acted on is left alone: the next fault is there again."""
        actions = [row for fault in faults for row in (fault.incident or {}).get("actions", [])]
        service = control.CASCADE.service
        until = max(row["reserved_at"] for row in actions if row["target"] == service) + PAUSE
        view.say(f"{service} is left alone until {until:%H:%M:%S}, as it was acted on lately")
        view.pause((until - datetime.now(UTC)).total_seconds())

    def settle(self, view: View) -> None:
        """Stop the system, and wait until the last log is stored."""
        view.say("stopping the system; waiting for the last logs")
        running.down(self.home)
        deadline = time.monotonic() + SETTLE_SECONDS
        before = -1
        while (now := totals(self.engine)["logs"]) != before and time.monotonic() < deadline:
            before = now
            view.pause(2.5)

    # --- the end --------------------------------------------------------------------------------

    def sum_up(self, begun: datetime, shown: Shown) -> Summary:
        """Everything read back: from the broker, the store, the mail folder."""
        # Whatever the broker was ever given: it may have dropped the oldest logs since.
        ends = {number: end for number, (_, end) in topic_edges(self.settings.kafka).items()}
        sent = [(number, offset) for number, end in ends.items() for offset in range(end)]
        stored = stored_positions(self.engine, self.topic)
        parts = parts_file.read(self.home)
        incidents = [
            one_incident(self.engine, found["id"])
            for found in list_incidents(self.engine, only_open=False, limit=500)
            if found["stored_at"] >= begun
        ]
        return Summary.of(
            sent=sent,
            stored=stored,
            champion=shown.champion,
            faults=shown.faults,
            uncommon=shown.uncommon,
            cascade=shown.cascade,
            answered=shown.answered,
            incidents=[found for found in incidents if found],
            kept=Kept(self.mails, hook_folder(self.home)),
            addresses=addresses_of(parts),
            changed=self.changed | dict.fromkeys(self.secrets, "***"),
            kafka=str(parts.kafka.get("kind", "external")),
            seconds=(datetime.now(UTC) - begun).total_seconds(),
        )

    def end(self) -> None:
        """Stop everything that was started."""
        if "engine" in vars(self):
            self.engine.dispose()
        self.sre("down")
