"""The agent's own figures in the text format of Prometheus."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from importlib.metadata import PackageNotFoundError, version
from typing import Any, TypeVar

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from domain.canary import Outcome, Stage
from domain.errors import SreError
from domain.own_figures import COUNTED, Figures

# However many ask, the store and the broker are asked once in so long.
KEPT = timedelta(seconds=5)
Answer = TypeVar("Answer")
Ends = Mapping[int, int]  # partition -> the next offset that Kafka will give out

COUNTERS = {
    "logs": "Messages that were taken off Kafka and stored.",
    "rejected": "Messages that could not be read.",
    "anomalous": "Logs that were anomalies.",
    "incidents": "Incidents that were opened.",
    "pages": "Pages that were queued.",
    "batches": "Batches that were committed.",
    "dropped": "Batches that another member had stored first.",
}


class Exposition(Collector):
    """Asks for figures when it is read, at most every few seconds.

    Parameters
    ----------
    ask
        The store's figures; raises SreError where it does not answer.
    ends
        Where each partition ends; raises SreError where no broker answers.
    promised
        Wrong alarms a day that are put up with.
    """

    def __init__(
        self,
        ask: Callable[[], Figures],
        ends: Callable[[], Ends],
        clock: Callable[[], datetime],
        *,
        promised: float,
    ) -> None:
        self.ask, self.ends, self.clock, self.promised = ask, ends, clock, promised
        self.registry = CollectorRegistry(auto_describe=False)
        self.registry.register(self)
        self.lock = threading.Lock()
        self.text = b""
        self.made_at: datetime | None = None

    def latest(self) -> bytes:
        """The text, at most five seconds old."""
        with self.lock:
            now = self.clock()
            if self.made_at is None or now - self.made_at >= KEPT:
                self.text, self.made_at = generate_latest(self.registry), now
            return self.text

    def collect(self) -> Iterable[Metric]:
        """Every figure; while the store or the broker is away what it knows is missing, and that is told."""
        figures, ends = _or_none(self.ask), _or_none(self.ends)
        yield GaugeMetricFamily("sre_store_up", "Whether the store answers.", float(figures is not None))
        yield GaugeMetricFamily("sre_kafka_up", "Whether the broker and its topic answer.", float(ends is not None))
        yield _build()
        promised = "Wrong alarms about minutes that are put up with in a day."
        yield GaugeMetricFamily("sre_false_alarms_promised_per_day", promised, self.promised)
        if figures is not None:
            yield from _watching(figures)
            yield from _intake(figures, ends)
            yield from _answering(figures)
            yield from _health(figures)


def _or_none(question: Callable[[], Answer]) -> Answer | None:
    try:
        return question()
    except SreError:
        return None  # that it does not answer is one of the figures


def _build() -> Metric:
    try:
        number = version("sre-agent")
    except PackageNotFoundError:
        number = "unknown"
    return _gauge("sre_build", "The version that runs.", {(number,): 1.0}, ("version",))


def _gauge(name: str, text: str, values: Mapping[Any, float], labels: tuple[str, ...]) -> Metric:
    found = GaugeMetricFamily(name, text, labels=labels)
    for key, value in values.items():
        found.add_metric(key, value)
    return found


def _watching(figures: Figures) -> Iterator[Metric]:
    """What members of `watch` did."""
    for name in COUNTED:
        counter = CounterMetricFamily(f"sre_watch_{name}", COUNTERS[name], labels=("member",))
        for one in figures.members:
            counter.add_metric((one.member,), one.counts.get(name, 0))
        yield counter
    text = "Seconds of each step of batches; over logs it is what a log costs there."
    steps = CounterMetricFamily("sre_watch_step_seconds", text, labels=("member", "step"))
    for one in figures.members:
        for step, seconds in sorted(one.seconds.items()):
            steps.add_metric((one.member, step), seconds)
    yield steps
    told = {(one.member,): (figures.now - one.at).total_seconds() for one in figures.members}
    yield _gauge("sre_watch_told_seconds_ago", "Since a member said what it did.", told, ("member",))


def _intake(figures: Figures, ends: Ends | None) -> Iterator[Metric]:
    """How far the store is behind Kafka."""
    offsets = figures.next_offsets
    if ends is not None:
        behind = {
            (str(number),): float(max(0, end - offsets[number])) for number, end in ends.items() if number in offsets
        }
        yield _gauge(
            "sre_lag_messages", "Messages that Kafka holds and the store does not have.", behind, ("partition",)
        )
    if figures.stored_at is not None:
        age = max(0.0, (figures.now - figures.stored_at).total_seconds())
        yield GaugeMetricFamily("sre_last_batch_seconds_ago", "Since the last batch was stored.", age)
    yield GaugeMetricFamily(
        "sre_dead_letters_last_hour", "Messages of the last hour that could not be read.", figures.dead_letters
    )


def _answering(figures: Figures) -> Iterator[Metric]:
    """Incidents, pages, actions, and how long each took."""
    yield _gauge("sre_incidents", "Incidents that are kept.", figures.incidents, ("state", "severity"))
    states = {(state,): many for state, many in figures.pages.items()}
    yield _gauge("sre_pages", "Pages that are kept.", states, ("state",))
    yield GaugeMetricFamily("sre_pages_undelivered", "Pages that nobody accepted for 15 minutes.", figures.waiting)
    critical = "Critical pages that nobody accepted for 15 minutes."
    yield GaugeMetricFamily("sre_pages_undelivered_critical", critical, figures.waiting_critical)
    yield _gauge("sre_deliveries", "Pages to people, by channel.", figures.deliveries, ("channel", "state"))
    yield _gauge("sre_actions", "Actions that are kept.", figures.actions, ("kind", "state", "outcome"))
    yield GaugeMetricFamily("sre_steps_overdue", "Steps of incidents that nobody takes for a minute.", figures.overdue)
    yield GaugeMetricFamily("sre_actions_paused", "Whether `sre pause` is in force.", float(figures.paused))
    labels = ("stage", "severity", "quantile")
    lasted = GaugeMetricFamily("sre_stage_seconds", "How long stages took in the last hour.", labels=labels)
    many = GaugeMetricFamily("sre_stage_passages", "Passages through stages in the last hour.", labels=labels[:2])
    for one in figures.latencies:
        many.add_metric((one.stage, one.severity), one.count)
        for quantile, seconds in one.quantiles.items():
            lasted.add_metric((one.stage, one.severity, f"{quantile:g}"), seconds)
    yield lasted
    yield many


def _health(figures: Figures) -> Iterator[Metric]:
    """The promise, what decides, and what is known to be down."""
    yield GaugeMetricFamily("sre_alarms_last_day", "Alarms about minutes in 24 hours.", figures.alarms)
    wrong = "Incidents of the last 24 hours that people called false."
    yield GaugeMetricFamily("sre_alarms_called_false_last_day", wrong, figures.wrong)
    model = {(figures.model or "rules alone",): 1.0}
    yield _gauge("sre_deciding_model", "What decided the last batch.", model, ("model",))
    yield from _canary(figures)
    said = {key: float(healthy) for key, healthy in figures.conditions.items()}
    yield _gauge("sre_part_healthy", "How parts are, as the agent's programs see them.", said, ("part", "seen_by"))


def _canary(figures: Figures) -> Iterator[Metric]:
    """The last test of the whole way; nothing before the first one."""
    last = figures.canary
    if last is None:
        return
    passed = float(last.outcome is Outcome.PASSED)
    yield GaugeMetricFamily("sre_canary_passed", "Whether the last known fault became a page in time.", passed)
    age = max(0.0, (figures.now - last.sent_at).total_seconds())
    yield GaugeMetricFamily("sre_canary_sent_seconds_ago", "Since the last known fault was sent.", age)
    if (took := last.after(Stage.DELIVERED)) is not None:
        yield GaugeMetricFamily("sre_canary_page_seconds", "From that fault to its page.", took)
