"""Whether a service says other things than usual: the mix of its templates, and templates that it never had."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from ml.mix_looks import Codes, Floats, Looked, Odd, Said, largest, nothing, tail
from ml.mix_pairs import Pairs
from ml.shares import Shares
from ml.tables import Array, Column, Table
from ml.volumes import IN_RUN, LEAST_P, at_least, at_most

Current = Callable[[Codes], Codes]  # what templates with these ids are called now

HOURS, MINUTES_PER_HOUR = 24, 60
# Of a shift that lasts for so long, in minutes, all is learned: it is how things are now.
SETTLED = 60
# How far counts go before anything is known of that, and for how many minutes of knowledge that stands.
FACTOR, DOUBT = 0.3, 30.0
LEAST_FACTOR = 0.3
# A text that was worded anew is forgotten in so many minutes.
REWORDED = 10.0
PARTS = ("pairs", "services", "news")


@dataclass(frozen=True)
class MixState:
    """What is remembered of the texts of services."""

    pairs: Pairs
    services: Table
    news: Table  # of Shares: logs with templates that are new

    def arrays(self) -> dict[str, Array]:
        """Every column by name, to be saved."""
        parts = {"pairs": self.pairs.table, "services": self.services, "news": self.news}
        return {f"{part}-{name}": array for part, table in parts.items() for name, array in table.arrays().items()}


@dataclass(frozen=True, slots=True)
class Mixes:
    """Judges the share of each template among the logs of its service, and how many have a template that is new.

    A count is held against a negative binomial distribution. Its mean is the share of the last hours, of the last day,
    or of the same hour of earlier days, times the logs, whichever is closest: what is done at night alone is no
    surprise the next night. Its variance is as far above the mean as it was seen to be, since texts come in bursts.
    A service has one likelihood for all of its templates, that of the unlikeliest times their number (Bonferroni),
    which holds however they depend on each other. Where shares waver by themselves, by how many times they did is held
    against that, too. A text that is missing while new ones come was reworded.
    """

    memory: float = 240.0  # minutes that shares reach back
    long_memory: float = 1_440.0  # minutes that their variance reaches back
    warm: int = 30  # minutes of a service, and of a template, before anything is judged
    missed: int = 360  # minutes of a template before it is missed
    dispersion: float = 2.0  # least variance, as a multiple of the mean
    least: float = 0.5  # so many logs a minute with a template are nothing unusual, however rare it is
    most_pairs: int = 1_000_000  # templates of services that are remembered
    novelty: Shares = field(default_factory=Shares)

    @property
    def columns(self) -> dict[str, Column]:
        """The state of one service."""
        return {
            "minutes": Column(np.int32, 0),
            "of": Column(np.float64, 0.0),  # logs of a day, a sum that fades
            "template": Column(np.int64, 0),  # that is off
        }

    def begin(self) -> MixState:
        """The state before any minute."""
        return MixState(Pairs.begin(), Table(self.columns), self.novelty.begin())

    def resume(self, arrays: Mapping[str, Array]) -> MixState:
        """The state whose arrays these were; ValueError where one is missing."""
        parts: dict[str, dict[str, Array]] = {name: {} for name in PARTS}
        for name, array in arrays.items():
            part, _, column = name.partition("-")
            parts.setdefault(part, {})[column] = array
        services = Table.of(self.columns, parts["services"])
        return MixState(Pairs.of(parts["pairs"]), services, self.novelty.resume(parts["news"]))

    def find(
        self, state: MixState, minute: int, said: Said, current: Current | None = None
    ) -> tuple[Odd, Odd, MixState]:
        """Judge one minute: the mix of each service that said something, and its new templates; then learn from it.

        The state that is given must not be used any more.
        """
        pairs = state.pairs.tidied(minute, self.most_pairs)
        if current is not None:
            pairs.rename(current)
        present, of_row = np.unique(said.service, return_inverse=True)
        state.services.reach(int(present.max(initial=-1)) + 1)
        rows = pairs.rows(said.service, said.template, born=state.services["minutes"], most=self.most_pairs)
        state = replace(state, pairs=pairs)
        many = len(present)
        whole = np.bincount(of_row, said.logs, many).astype(float)
        seen = self._look(state, minute, present, whole, rows, said.logs)
        new = np.bincount(seen.of, np.where(seen.new, seen.logs, 0.0), many).astype(float)
        odd = self._mix(state, minute, present, seen, new)
        news = self._news(state, minute, present, seen, new, whole)
        self._learn(state, minute, seen, new)
        state.services["minutes"][present] += 1
        state.services["of"][present] = (1 - 1 / self.long_memory) * state.services["of"][present] + whole
        return odd, news, state

    def _look(self, state: MixState, minute: int, present: Codes, whole: Floats, rows: Codes, logs: Floats) -> Looked:
        pairs = state.pairs.table
        at = state.pairs.of_services(present)
        said = np.zeros(len(pairs))
        np.add.at(said, rows[rows >= 0], logs[rows >= 0])
        pairs["last"][rows[rows >= 0]] = minute
        of = np.searchsorted(present, pairs["service"][at])
        total = whole[of]
        age = state.services["minutes"][pairs["service"][at]]
        mature = (age >= self.warm) & (age - pairs["born"][at] >= self.warm)
        recent = pairs["logs"][at] / np.maximum(pairs["of"][at], 1e-9)
        hour = pairs["hours"][at, minute // MINUTES_PER_HOUR % HOURS].astype(float)
        hour = np.where(np.isnan(hour), recent, hour)
        always = pairs["day_logs"][at] / np.maximum(state.services["of"][pairs["service"][at]], 1e-9)
        far = np.maximum((pairs["excess"][at] + self.dispersion) / (pairs["expected"][at] + 1.0), self.dispersion)
        wavered = (pairs["factors"][at] + DOUBT * FACTOR**2) / (pairs["minutes"][at] + DOUBT)
        return Looked(
            at=at,
            of=of,
            logs=said[at],
            whole=total,
            low=np.minimum(np.minimum(recent, always), hour) * total,
            high=np.maximum(np.maximum(recent, always), hour) * total,
            recent=recent * total,
            spread=np.sqrt(far),
            factor=np.maximum(np.sqrt(wavered), LEAST_FACTOR),
            mature=mature,
            settled=age - pairs["born"][at] >= self.missed,
            new=(pairs["born"][at] >= self.warm) & ~mature,
        )

    def _mix(self, state: MixState, minute: int, present: Codes, seen: Looked, new: Floats) -> Odd:
        """One likelihood for each service."""
        many, pairs = len(present), state.pairs.table
        if not len(seen.at):
            return nothing(present)
        together, since = self._together(pairs, minute, seen, self._p_values(seen, new))
        known = np.bincount(seen.of, seen.mature, many)
        p_value = np.where(together < 1, np.minimum(2 * known[seen.of] * together, 1.0), 1.0)
        worst = largest(seen, -np.log(np.maximum(p_value, LEAST_P)), many)
        least = np.ones(many)
        np.minimum.at(least, seen.of, p_value)
        # What is off stays what is told of, for as long as it is.
        held = state.services["template"][present]
        mine = (pairs["template"][seen.at] == held[seen.of]) & (since < minute) & (p_value < IN_RUN)
        told = worst.copy()
        told[seen.of[mine]] = np.flatnonzero(mine)
        named = np.where(told >= 0, pairs["template"][seen.at[told]], 0)
        state.services["template"][present] = named
        hundred = 100 / np.maximum(seen.whole[told], 1)
        above = seen.logs[told] > seen.high[told]
        normal = np.where(above, seen.high[told], seen.low[told])
        spread = seen.spread[told] * np.sqrt(np.maximum(normal, self.least)) * hundred
        begun = np.where(told >= 0, since[told], np.nan)
        return Odd(present, least, named, above, seen.logs[told] * hundred, normal * hundred, spread, begun)

    def _news(self, state: MixState, minute: int, present: Codes, seen: Looked, new: Floats, whole: Floats) -> Odd:
        """How likely so many logs with new templates are."""
        rises = self.novelty.find(state.news, float(minute), present, new, whole)
        if not len(seen.at):
            return nothing(present)
        newest = largest(seen, np.where(seen.new, seen.logs, 0.0), len(present))
        named = np.where(newest >= 0, state.pairs.table["template"][seen.at[newest]], 0)
        p_value = np.where(new > 0, rises.p_value, 1.0)
        value = new * 100 / np.maximum(whole, 1)
        return Odd(present, p_value, named, new >= 0, value, rises.normal, rises.spread, rises.since)

    def _p_values(self, seen: Looked, new: Floats) -> Floats:
        """How likely each count is by chance; 1 where it is as usual, or its template is not known for long."""
        p_value = np.ones(len(seen.at))
        high = np.maximum(seen.high, self.least)
        up = np.flatnonzero(seen.mature & (seen.logs - high > seen.spread * np.sqrt(high)))
        p_value[up] = at_least(seen.logs[up], high[up], seen.spread[up] ** 2 * high[up])
        there = seen.logs + new[seen.of]
        down = np.flatnonzero(seen.mature & seen.settled & (seen.low - there > seen.spread * np.sqrt(seen.low)))
        p_value[down] = at_most(there[down], seen.low[down], seen.spread[down] ** 2 * seen.low[down])
        return p_value

    def _together(self, pairs: Table, minute: int, seen: Looked, p_value: Floats) -> tuple[Floats, Floats]:
        """The likelihood of all minutes of a run of each pair, and the minute in which it began.

        Each minute after the first counts half where counts are spread by chance alone, and less the farther they are
        spread otherwise: what spreads them lasts for more than a minute.
        """
        log_p, before = np.log(np.maximum(p_value, LEAST_P)), pairs["since"][seen.at]
        in_run, goes_on = log_p < np.log(IN_RUN), ~np.isnan(before)
        since = np.where(in_run, np.where(goes_on, before, minute), np.nan)
        weight = self.dispersion / seen.spread**2 / 2
        added = np.where(goes_on, pairs["log_p"][seen.at] + weight * log_p, log_p)
        together = np.where(in_run, np.minimum(added, log_p), 0.0)
        pairs["since"][seen.at], pairs["log_p"][seen.at] = since, together
        usual = np.where(seen.logs > seen.high, np.maximum(seen.high, self.least), seen.low)
        for name, added in (("run_logs", seen.logs), ("run_usual", usual)):
            pairs[name][seen.at] = np.where(in_run, added + np.where(goes_on, pairs[name][seen.at], 0.0), 0.0)
        wavers = tail(pairs["run_logs"][seen.at], pairs["run_usual"][seen.at], seen.factor)
        likely = np.maximum(np.exp(np.maximum(together, np.log(LEAST_P))), wavers)
        return np.where(in_run, likely, p_value), since

    def _learn(self, state: MixState, minute: int, seen: Looked, new: Floats) -> None:
        """Of what is unusual as much is learned as the edge of what was usual, until it lasts."""
        pairs, at = state.pairs.table, seen.at
        high = np.maximum(seen.high, self.least)
        reach = 4 * seen.spread
        usual = np.clip(seen.logs, seen.low - reach * np.sqrt(seen.low), high + reach * np.sqrt(high))
        lasts = minute - pairs["since"][at] >= SETTLED  # never where nothing is unusual: NaN
        taken = np.where(seen.mature & ~lasts, usual, seen.logs)
        away = np.maximum(np.maximum(seen.logs - high, seen.low - seen.logs), 0.0)
        off = np.where(seen.mature, np.minimum(away**2, 36 * seen.spread**2 * high), 0.0)
        factor = np.log((seen.logs + 1) / (seen.recent + 1))
        factor = np.where(seen.mature, np.minimum(factor**2, 9 * seen.factor**2), 0.0)
        for name, added, memory in (
            ("logs", taken, self.memory),
            ("of", seen.whole, self.memory),
            ("day_logs", taken, self.long_memory),
            ("excess", off, self.long_memory),
            ("expected", np.where(seen.mature, high, 0.0), self.long_memory),
            ("factors", factor, self.long_memory),
            ("minutes", seen.mature.astype(float), self.long_memory),
        ):
            pairs[name][at] = (1 - 1 / memory) * pairs[name][at] + added
        # New texts stand where this one is missing.
        half = seen.low / 2
        reworded = at[seen.mature & (half >= 1) & (seen.logs < half) & (seen.logs + new[seen.of] >= half)]
        for name in ("logs", "day_logs"):
            pairs[name][reworded] *= 1 - 1 / REWORDED
        self._learn_hour(pairs, minute // MINUTES_PER_HOUR % HOURS, seen)

    def _learn_hour(self, pairs: Table, hour: int, seen: Looked) -> None:
        """What comes once a day for an hour is off until then, and has to be learned all the same."""
        at, known = seen.at, pairs["hours"][seen.at, hour]
        before = np.where(np.isnan(known), pairs["logs"][at] / np.maximum(pairs["of"][at], 1e-9), known)
        moved = before + (seen.logs / np.maximum(seen.whole, 1) - before) / MINUTES_PER_HOUR
        pairs["hours"][at, hour] = np.where(seen.mature, moved, np.nan)
