"""What of a minute of the fleet is not as usual: volume and silence, errors, every metric by name, and texts."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from domain.errors import Refused
from domain.findings import MinuteFinding
from domain.minutes import NOTHING_CLOSED, Measured
from ml import packing
from ml.lasting import Deviations, Lasting, LastingState
from ml.minute_texts import findings as of_texts
from ml.minute_texts import said
from ml.mixes import Current, Mixes, MixState
from ml.promise import alarm_p_of_fleet, confidence
from ml.series import Findings, SeriesDetector, SeriesState
from ml.shares import Rises, Shares
from ml.tables import Array, Table
from ml.volumes import Drops, Volumes

MINUTES_PER_DAY = 1_440
# When nobody at all has said anything for so long, in minutes, that is no news about any one service.
FLEET_SILENT = 60
# A service that said nothing for so long, in minutes, is not waited for any more.
GONE = MINUTES_PER_DAY
# So many binary digits of a mean count: sums differ in the last ones by the order in which they were added.
DIGITS = 2.0**40
# The volume of a service is judged where its late logs are at most such a share of those in time.
MOSTLY_TIMELY = 0.1
FAR = 3.0  # standard deviations

Key = tuple[str, int, str]  # service, a value of Measured, name of the metric
Floats = NDArray[np.float64]
Codes = NDArray[np.int64]


@dataclass(frozen=True)
class MinuteState:
    """What is remembered of every series of the fleet after a minute."""

    series: SeriesState
    lasting: LastingState
    volumes: Table
    shares: Table
    mixes: MixState
    codes: Mapping[Key, int] = field(default_factory=dict)
    heard: Mapping[str, int] = field(default_factory=dict)  # service -> the last minute in which it said something
    latest: int = NOTHING_CLOSED  # the last minute in which anybody said something


@dataclass(frozen=True)
class Seen:
    """What is said about each measure of a minute; arrays of shape (n_measures,)."""

    p_value: Floats
    above: NDArray[np.bool_]  # more than expected
    value: Floats
    normal: Floats
    spread: Floats
    since: Floats  # the minute in which it began
    fitted: NDArray[np.bool_]


class MinuteDetector:
    """Judges each minute of each service against what it was like before.

    Parameters
    ----------
    false_alarms_per_day
        So many wrong alarms are put up with, over all services and measures.
    most_series
        Series that are remembered; further ones are not judged.
    """

    def __init__(self, false_alarms_per_day: float, *, most_series: int = 500_000) -> None:
        self.false_alarms_per_day = false_alarms_per_day
        self.most_series = most_series
        self.series, self.lasting = SeriesDetector(), Lasting()
        self.volumes, self.shares, self.mixes = Volumes(), Shares(), Mixes()

    def begin(self) -> MinuteState:
        """Nothing is known yet."""
        return MinuteState(
            self.series.begin(), self.lasting.begin(), self.volumes.begin(), self.shares.begin(), self.mixes.begin()
        )

    def find(
        self, state: MinuteState, minute: int, rows: pa.Table, current: Current | None = None
    ) -> tuple[tuple[MinuteFinding, ...], MinuteState]:
        """What was not as usual in a minute, and what is remembered after it; `rows`: ROWS of the whole fleet.

        `current`: what templates are called now, where some turned out to be one. The state that is given must not
        be used any more.
        """
        latest = minute if len(rows) else state.latest
        if minute - latest > FLEET_SILENT or latest == NOTHING_CLOSED:
            return (), state
        is_text = pc.equal(rows["measured"], int(Measured.TEMPLATE))
        texts, rows = rows.filter(is_text), rows.filter(pc.invert(is_text))
        logs, late = many_of(rows, Measured.LOGS), many_of(rows, Measured.LATE)
        heard = dict(state.heard) | dict.fromkeys([*logs, *late], minute)
        heard = {service: at for service, at in heard.items() if minute - at <= GONE}
        # Of a service whose clock is behind nobody knows what belongs to this minute, but that it is there.
        unsure = {service for service, many in late.items() if many > MOSTLY_TIMELY * logs.get(service, 0)}
        keys, values = measured(rows, heard, unsure)
        codes, known = self._codes(keys, state.codes)
        kinds = np.fromiter((kind for _, kind, _ in keys), np.int8, len(keys))
        of_series = np.flatnonzero((codes >= 0) & (kinds != Measured.ERRORS))
        of_errors = np.flatnonzero((codes >= 0) & (kinds == Measured.ERRORS))
        points, series = self.series.find(state.series, minute * 60.0, codes[of_series], values[of_series])
        lasting = self.lasting.find(state.lasting, minute * 60.0, codes[of_series], points)
        seen = _together(points, lasting, minute)
        volumes = np.flatnonzero(kinds[of_series] == Measured.LOGS)
        drops = self._drops(state.volumes, minute, codes[of_series][volumes], values[of_series][volumes])
        seen = _with_drops(seen, volumes, drops, minute)
        many = np.fromiter((logs.get(keys[at][0], 0) for at in of_errors.tolist()), float, len(of_errors))
        rises = self.shares.find(state.shares, float(minute), codes[of_errors], values[of_errors], many)
        seen = _with_rises(seen, rises, 100 * values[of_errors] / np.maximum(many, 1), minute)
        judged = [keys[at] for at in (*of_series.tolist(), *of_errors.tolist())]
        numbers = {
            one: known[key] for one in logs if one not in unsure and (key := (one, int(Measured.LOGS), "")) in known
        }
        mix, new, mixes = self.mixes.find(state.mixes, minute, said(texts, numbers), current)
        limit = alarm_p_of_fleet(len(keys) + 2 * len(mix.service), MINUTES_PER_DAY, self.false_alarms_per_day)
        told = partial(of_texts, minute=minute, limit=limit, numbers=numbers, logs=logs)
        found = [
            *self._findings(minute, judged, seen, logs, limit),
            *told(mix, Measured.TEMPLATE),
            *told(new, Measured.NEW),
        ]
        after = replace(state, series=series, mixes=mixes, codes=known, heard=heard, latest=latest)
        return tuple(found), after

    def _drops(self, volumes: Table, minute: int, codes: Codes, counts: Floats) -> Drops:
        """Which services say less than usual."""
        drops = self.volumes.find(volumes, float(minute), codes, counts)
        waited = drops.normal > 0
        silent = waited & (counts == 0)
        if silent.sum() > max(1, waited.sum() / 2):
            # Nothing comes of most services: that is about what brings their logs, not about each of them.
            drops = replace(drops, p_value=np.where(silent, 1.0, drops.p_value))
        return drops

    def _codes(self, keys: list[Key], known: Mapping[Key, int]) -> tuple[Codes, Mapping[Key, int]]:
        """The number of each series; −1 for those that come beyond the limit."""
        new = [key for key in keys if key not in known][: max(0, self.most_series - len(known))]
        if new:
            known = {**known, **{key: len(known) + at for at, key in enumerate(new)}}
        return np.fromiter((known.get(key, -1) for key in keys), np.int64, len(keys)), known

    def _findings(
        self, minute: int, keys: list[Key], seen: Seen, logs: Mapping[str, int], limit: float
    ) -> tuple[MinuteFinding, ...]:
        return tuple(
            MinuteFinding(
                service=keys[at][0],
                measured=Measured(keys[at][1]),
                name=keys[at][2],
                minute=minute,
                since=int(seen.since[at]),
                logs=logs.get(keys[at][0], 0),
                direction="high" if seen.above[at] else "low",
                value=float(seen.value[at]),
                normal=float(seen.normal[at]),
                spread=float(seen.spread[at]),
                p_value=float(seen.p_value[at]),
                fitted=bool(seen.fitted[at]),
                confidence=confidence(float(seen.p_value[at]), limit),
            )
            for at in np.flatnonzero(seen.p_value <= limit).tolist()
        )

    def packed(self, state: MinuteState) -> bytes:
        """The state as bytes."""
        about = {"codes": list(state.codes), "heard": dict(state.heard), "latest": state.latest}
        parts = {
            "series.": state.series.arrays(),
            "lasting.": state.lasting.arrays(),
            "volumes.": state.volumes.arrays(),
            "shares.": state.shares.arrays(),
            "mixes.": state.mixes.arrays(),
        }
        arrays = {part + name: array for part, held in parts.items() for name, array in held.items()}
        return packing.packed(about, arrays)

    def unpacked(self, held: bytes) -> MinuteState:
        """The state again. Raises Refused for what is none, or one of another version."""
        about, arrays, _ = packing.unpacked(held)
        try:
            return self._unpacked(about, arrays)
        except (ValueError, KeyError) as error:
            raise Refused(f"minutes: what judging remembers cannot be read: {error}") from error

    def _unpacked(self, about: Mapping[str, Any], arrays: Mapping[str, Array]) -> MinuteState:
        parts: dict[str, dict[str, Array]] = {}
        for name, array in arrays.items():
            part, _, column = name.partition(".")
            parts.setdefault(part, {})[column] = array
        codes: dict[Key, int] = {(service, kind, name): at for at, (service, kind, name) in enumerate(about["codes"])}
        series, lasting = self.series.resume(parts["series"]), self.lasting.resume(parts["lasting"])
        volumes, shares = self.volumes.resume(parts["volumes"]), self.shares.resume(parts["shares"])
        mixes = self.mixes.resume(parts["mixes"])
        return MinuteState(series, lasting, volumes, shares, mixes, codes, about["heard"], about["latest"])


def _together(points: Findings, lasting: Deviations, minute: int) -> Seen:
    """The likelier of two ways of being unusual: never like that before, and far from what is expected for long."""
    # Two looks at each point: a fault shows in either, and so does chance.
    # What was never seen before and is close to what was is no fault.
    far = np.abs(points.value - points.baseline) >= FAR * lasting.spread
    never_seen = np.where(far, points.p_value, 1.0)
    longer = lasting.p_value < never_seen
    since = np.where(longer, lasting.since, points.since) // 60
    return Seen(
        p_value=np.minimum(2 * np.minimum(lasting.p_value, never_seen), 1.0),
        above=points.direction >= 0,
        value=points.value,
        normal=points.baseline,
        spread=lasting.spread,
        since=np.where(np.isnan(since), minute, since),
        fitted=np.where(longer, lasting.fitted, points.tail),
    )


def _with_drops(seen: Seen, at: NDArray[np.intp], drop: Drops, minute: int) -> Seen:
    """The same, but for volumes: how likely these are by chance is known better, and counts are no measurements."""
    p_value, above, fitted = seen.p_value.copy(), seen.above.copy(), seen.fitted.copy()
    normal, spread, since = seen.normal.copy(), seen.spread.copy(), seen.since.copy()
    p_value[at] = np.where(above[at], np.maximum(p_value[at], drop.as_many), 1.0)
    is_low = drop.p_value < p_value[at]
    low = at[is_low]
    p_value[low], above[low], fitted[low] = drop.p_value[is_low], False, False
    normal[low], spread[low] = drop.normal[is_low], drop.spread[is_low]
    since[low] = np.where(np.isnan(drop.since[is_low]), minute, drop.since[is_low])
    return Seen(p_value, above, seen.value, normal, spread, since, fitted)


def _with_rises(seen: Seen, rises: Rises, in_hundred: Floats, minute: int) -> Seen:
    """With the errors of each service behind it."""
    many = len(in_hundred)
    return Seen(
        p_value=np.concatenate([seen.p_value, rises.p_value]),
        above=np.concatenate([seen.above, np.ones(many, np.bool_)]),
        value=np.concatenate([seen.value, in_hundred]),
        normal=np.concatenate([seen.normal, rises.normal]),
        spread=np.concatenate([seen.spread, rises.spread]),
        since=np.concatenate([seen.since, np.where(np.isnan(rises.since), minute, rises.since)]),
        fitted=np.concatenate([seen.fitted, np.zeros(many, np.bool_)]),
    )


def measured(rows: pa.Table, heard: Mapping[str, int], unsure: AbstractSet[str]) -> tuple[list[Key], Floats]:
    """What is judged of a minute: logs of every service that is waited for, errors, means of metrics.

    `unsure`: services whose volume is not judged.
    """
    volume = pc.equal(rows["measured"], int(Measured.LOGS))
    skipped = pc.equal(rows["measured"], int(Measured.LATE))
    if unsure:
        of_unsure = pc.is_in(rows["service"], value_set=pa.array(sorted(unsure), pa.string()))
        skipped = pc.or_(skipped, pc.and_(volume, of_unsure))
    rows = rows.filter(pc.invert(skipped))
    services, kinds, names = (rows[name].to_pylist() for name in ("service", "measured", "name"))
    silent = sorted(heard.keys() - set(services) - unsure)
    keys: list[Key] = [*zip(services, kinds, names, strict=True), *((one, int(Measured.LOGS), "") for one in silent)]
    many, total = rows["values"].to_numpy().astype(float), rows["sum"].to_numpy()
    values = np.where(np.array(kinds, np.int8) == Measured.METRIC, total / np.maximum(many, 1), many)
    return keys, np.concatenate([_steady(values), np.zeros(len(silent))])


def many_of(rows: pa.Table, kind: Measured) -> dict[str, int]:
    """How many logs of each service were counted so."""
    here = rows.filter(pc.equal(rows["measured"], int(kind)))
    return dict(zip(here["service"].to_pylist(), here["values"].to_pylist(), strict=True))


def _steady(values: Floats) -> Floats:
    mantissa, exponent = np.frexp(values)
    return np.ldexp(np.round(mantissa * DIGITS) / DIGITS, exponent)
