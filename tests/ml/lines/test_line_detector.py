from __future__ import annotations

import csv
import gzip
import json
import pickle
import subprocess
import sys
from pathlib import Path
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from adapters.parts_file import PROJECT
from domain.logs import Level
from ml.lines import Line, LineDetector, LineState
from ml.lines.opinions import SLOPES, Kinds, best_edge, slope
from ml.lines.reading import read, severity
from ml.lines.sketch import Sketch

SHARED = PROJECT.parent / "shared"
DATA = SHARED / "data" / "alert_lines_bgl"
SCORER = SHARED / "bench" / "alert_lines_score.py"
ABSENT = pytest.mark.skipif(not DATA.is_dir(), reason=f"{DATA} is not there")

READINGS = [
    pytest.param("disk 3 failed: no space left", True, False, False, id="a word of failure"),
    pytest.param("3 memory errors detected and corrected", False, True, False, id="put right"),
    pytest.param("transfer done, errors: 0", False, True, True, id="no errors"),
    pytest.param("0 packets lost, 0 errors", False, True, False, id="none of them"),
    pytest.param("job ended with exit code 137", True, False, False, id="an exit code"),
    pytest.param("job ended with exit code 0", False, False, False, id="an exit code of success"),
    pytest.param("GET /cart HTTP/1.1 status 503", True, False, False, id="a status of HTTP"),
    pytest.param("GET /cart HTTP/1.1 status 200", False, False, False, id="a good status"),
    pytest.param("fault address: 0x00ff12", False, False, True, id="a value"),
    pytest.param("parity check enable.......1", False, False, True, id="a value behind dots"),
    pytest.param("cannot reach 10.0.0.7:5432", True, False, False, id="an address is no value"),
    pytest.param("Verbindung fehlgeschlagen", True, False, False, id="German"),
    pytest.param("连接失败", True, False, False, id="Chinese"),
    pytest.param("cart opened", False, False, False, id="nothing"),
]


@pytest.mark.parametrize(("message", "failed", "healed", "reading"), READINGS)
def test_what_a_message_says_by_itself(message: str, failed: bool, healed: bool, reading: bool) -> None:  # noqa: FBT001
    found = read(message)
    assert (found.failed, found.healed, found.reading) == (failed, healed, reading)


@pytest.mark.parametrize(
    ("name", "level"), [("FATAL", Level.CRITICAL), ("severe", Level.ERROR), ("", Level.INFO), ("odd", Level.INFO)]
)
def test_levels_by_name(name: str, level: Level) -> None:
    assert severity(name) == level


@given(st.text(max_size=3000))
@settings(max_examples=100, deadline=None)
def test_any_text_is_read(message: str) -> None:
    found = read(message)
    assert not (found.failed and found.healed)
    assert len(found.words) <= 40


@pytest.mark.parametrize(
    "text", ["=" * 5000, "a:1 " * 3000, "." * 5000 + "x", "exit" * 2000, "status " * 1000, "0 " * 3000]
)
def test_no_text_takes_long(text: str) -> None:
    for size in range(200):
        read(text + str(size))


def a_stream(seed: int, size: int = 400, level: str = "FATAL") -> list[Line]:
    """Two services: one that seldom comes to the level, one that is always at it."""
    random = Random(seed)
    calm = [
        Line("cart", random.choice(["INFO", "DEBUG"]), f"cart {number} opened", at=600 * number)
        for number in range(size)
    ]
    loud = [Line("audit", level, f"record {number} written", at=600 * number) for number in range(size)]
    return [line for pair in zip(calm, loud, strict=True) for line in pair]


def after(lines: list[Line]) -> tuple[LineDetector, LineState]:
    detector = LineDetector().fit(lines)
    return detector, detector.start()


def test_a_level_counts_against_the_habit_of_its_service() -> None:
    detector, state = after(a_stream(1))
    rare = detector.find(Line("cart", "FATAL", "cart store stopped", at=240_000), state)
    usual = detector.find(Line("audit", "FATAL", "record 5 written", at=240_000), state)
    assert (rare.alert, usual.alert) == (True, False)


def test_a_failure_counts_more_than_the_value_of_a_register_and_than_what_was_put_right() -> None:
    detector, state = after(a_stream(2))
    scores = [
        detector.find(Line("cart", "ERROR", message, at=240_000), state).score
        for message in ("cart store lost", "cart address: 0x0a10", "2 errors corrected")
    ]
    assert scores[0] > 0 > max(scores[1:])


def test_words_of_failure_are_learned_from_levels_in_any_language() -> None:
    history = [Line("s", "ERROR", f"gorun vask {chr(97 + n)}{chr(97 + n)}", at=n) for n in range(20)]
    history += [Line("s", "INFO", f"melin tasa {chr(97 + n)}{chr(97 + n)}", at=n) for n in range(20)]
    detector, state = after(history)
    severe, mild = (
        detector.find(Line("s", "WARN", message, at=30), state).signs for message in ("gorun vask", "melin tasa")
    )
    assert severe.severe_words > mild.severe_words


def test_a_burst_does_not_make_a_level_a_habit() -> None:
    detector, state = after(a_stream(3))
    storm = [detector.step(Line("cart", "FATAL", "cart store stopped", at=240_000), state) for _ in range(200)]
    assert all(found.alert for found in storm)


def test_a_harmless_text_that_comes_time_and_again_is_no_alert_by_its_level() -> None:
    random = Random(9)
    lines = [
        Line(
            random.choice("abcd"), random.choice(["INFO", "ERROR", "CRITICAL"]), "Standard log message", at=1800 * hour
        )
        for hour in range(400)
    ]
    detector = LineDetector().fit([])
    state = detector.start()
    alerts = [detector.step(line, state).alert for line in lines]
    assert np.mean(alerts[50:]) < 0.05


def labelled(seed: int) -> tuple[list[Line], list[int | None]]:
    """Operators want to be told of torn belts, and not of users' wrong input, both at one level."""
    random = Random(seed)
    lines, labels = [], []
    for number in range(300):
        kind = random.random()
        part = random.choice(["north", "south", "east"])
        message = (
            f"{part} belt torn" if kind < 0.1 else f"user input invalid: {part}" if kind < 0.3 else f"{part} moved"
        )
        lines.append(Line("line", "ERROR" if kind < 0.3 else "INFO", message, at=number))
        labels.append(int(kind < 0.1))
    return lines, labels


def test_labels_teach_which_failures_are_alerts_and_new_texts_share_in_it() -> None:
    detector = LineDetector().fit(*labelled(4))
    found = [
        detector.find(Line("line", "ERROR", message, at=301), detector.start()).score
        for message in ("upper belt torn at hook", "user input invalid: colour")
    ]
    assert found[0] > 0 > found[1]


def test_one_kind_of_label_and_none_leave_the_signs() -> None:
    lines, labels = labelled(5)
    line = Line("line", "ERROR", "belt torn", at=301)
    plain = LineDetector().fit(lines)
    for given_labels in ([0] * len(labels), [None] * len(labels)):
        one = LineDetector().fit(lines, given_labels)
        assert one.find(line, one.start()) == plain.find(line, plain.start())


def test_the_model_stays_as_it_is_and_the_state_goes_on() -> None:
    detector = LineDetector().fit(*labelled(6))
    before, state = pickle.dumps(detector), detector.start()
    first = state.counts.table.sum()
    detector.step(Line("line", "INFO", "north moved", at=301), state)
    assert pickle.dumps(detector) == before
    assert state.counts.table.sum() > first


def test_a_state_is_its_arrays() -> None:
    detector, state = after(a_stream(7))
    again = LineState(Sketch(state.counts.table.copy()), state.heat.copy())
    line = Line("cart", "ERROR", "cart store lost", at=240_000)
    assert detector.find(line, again) == detector.find(line, state)


@given(
    st.lists(
        st.tuples(st.sampled_from("ab"), st.sampled_from(["INFO", "ERROR", "x"]), st.text(max_size=20)), max_size=30
    )
)
@settings(max_examples=30, deadline=None)
def test_any_stream_has_finite_scores(rows: list[tuple[str, str, str]]) -> None:
    lines = [Line(*row, at=float(at)) for at, row in enumerate(rows)]
    detector = LineDetector().fit(lines, [at % 2 for at in range(len(lines))])
    state = detector.start()
    scores = [detector.step(line, state).score for line in lines]
    assert np.isfinite(scores).all()


def test_counts_are_never_too_small() -> None:
    sketch, random = Sketch.empty(64), Random(8)
    counted = dict.fromkeys(range(200), 0)
    for _ in range(1000):
        key = random.randrange(200)
        counted[key] += 1
        sketch.add(f"key {key}")
    assert all(sketch.get(f"key {key}") >= times for key, times in counted.items())


def test_the_edge_parts_labels() -> None:
    labels, scores = np.array([0, 0, 1, 1]), np.array([0.0, 1.0, 3.0, 4.0])
    assert best_edge(labels, scores, np.ones(4)) == 2.0
    assert best_edge(labels * 0, scores, np.ones(4)) == 0.0


def test_the_rules_of_estimators_are_kept() -> None:
    with pytest.raises(NotFittedError):
        LineDetector().start()
    with pytest.raises(ValueError, match="labels"):
        LineDetector().fit([Line("s", "INFO", "m")], [])
    assert clone(LineDetector(strength=2)).strength == 2


def score(folder: Path, *options: str) -> float:
    command = [sys.executable, str(SCORER), str(folder), "--callable", "benchmarks.quality_logs:lines", *options]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True)
    return float(json.loads(done.stdout)["optimised"]["average_precision"])


@ABSENT
def test_the_scorer_of_lines_without_labels() -> None:
    assert score(DATA) >= 0.95


@ABSENT
def test_the_scorer_of_lines_after_a_labelled_history(tmp_path: Path) -> None:
    with gzip.open(DATA / "records.jsonl.gz", "rt") as file:
        records = file.readlines()
    with (DATA / "labels.csv").open() as file:
        head, *rows = csv.reader(file)
    for name, part in (("before", slice(0, 170)), ("after", slice(170, None))):
        (tmp_path / name).mkdir()
        with gzip.open(tmp_path / name / "records.jsonl.gz", "wt") as out:
            out.writelines(records[part])
        with (tmp_path / name / "labels.csv").open("w") as out:
            csv.writer(out).writerows([head, *rows[part]])
    assert score(tmp_path / "after", "--train-from", str(tmp_path / "before"), "--labels") >= 0.97


def kinds(labels: list[int]) -> Kinds:
    many = len(labels)
    names = [f"text {number}" for number in range(many)]
    return Kinds([{}] * many, np.zeros(many), names, np.array(labels), np.ones(many))


@pytest.mark.parametrize(
    ("labels", "scores", "expected"),
    [
        pytest.param([1] * 6 + [0] * 6, [2.0] * 6 + [-2.0] * 6, SLOPES[-1], id="scores-that-part-them"),
        pytest.param([1, 0] * 6, [2.0, 2.0, -2.0, -2.0] * 3, SLOPES[0], id="scores-that-say-nothing"),
        pytest.param([1] * 4 + [0] * 6, [2.0] * 4 + [-2.0] * 6, 1.0, id="too-few-texts-of-alerts"),
        pytest.param([1] * 12, [2.0] * 12, 1.0, id="no-other-texts"),
        pytest.param([1] * 6 + [0] * 6, [np.nan] * 12, 1.0, id="no-score-is-known"),
    ],
)
def test_how_much_a_score_says_is_learned_from_held_out_labels(
    labels: list[int], scores: list[float], expected: float
) -> None:
    assert expected == slope(kinds(labels), np.array(scores))


def test_at_the_edge_the_confidence_is_that_of_an_anomaly() -> None:
    detector = LineDetector().fit([])
    assert (0.7, True) == (pytest.approx(detector.confidence(0.0)), detector.confidence(0.0) >= 0.7)
    assert detector.confidence(-1.0) < 0.7 < detector.confidence(1.0)
