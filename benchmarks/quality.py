"""How good detection, templates, search and localisation are, on data that others labelled: `make quality`.

One factory for each of the scorers in `../shared/bench`, around the classes that run live; and a table of what every
scorer says of every set in `../shared/data`, with published figures beside ours.
Example: python -m benchmarks.quality --out docs/quality.md
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adapters.parts_file import PROJECT
from benchmarks.localise import suspect as pod_localise
from benchmarks.quality_logs import lines, sessions
from benchmarks.quality_retrieval import retrieval
from benchmarks.quality_series import nab, pod_detect
from benchmarks.quality_templates import templates
from domain.errors import BadInput

__all__ = ["lines", "nab", "pod_detect", "pod_localise", "retrieval", "sessions", "templates"]

SHARED = PROJECT.parent / "shared"
WHOLE_FROM = 1_000
Said = Any  # what a scorer printed: one JSON document, or a list of them


@dataclass(frozen=True, slots=True)
class Run:
    """One scorer over one set."""

    scorer: str
    arguments: tuple[str, ...]  # {data} is the folder of data sets
    factory: str = ""


@dataclass(frozen=True, slots=True)
class Number:
    """One figure that a run gives, and what to hold beside it."""

    name: str
    of: Callable[[Said], float]
    plain: str = "–"  # what a plain method reaches
    published: str = "–"  # the best that others published
    goal: str = "–"


def _standard(kind: str) -> Callable[[Said], float]:
    return lambda said: float(next(one for one in said if one.get("profile") == "standard")[kind]["score"])


def _precise(day: str) -> Callable[[Said], float]:
    return lambda said: float(next(row for name, row in said.items() if name.startswith(day))["average_precision"])


def _field(*names: str) -> Callable[[Said], float]:
    def of(said: Said) -> float:
        for name in names:
            said = said[name]
        return float(said)

    return of


NAB = Run("nab_run.py", ("--data", "{data}/nab"), "nab")
DETECT = Run("pod_score.py", ("{data}/pod_faults", "detect"), "pod_detect")
LOCALISE = Run("pod_score.py", ("{data}/pod_faults", "localise"), "pod_localise")
CLEAN, MIXED = (
    Run("session_score.py", ("{data}/log_sessions/hdfs_100k", "--train", train), "sessions")
    for train in ("normal", "mixed")
)
LINES = Run("alert_lines_score.py", ("{data}/alert_lines_bgl",), "lines")
TEMPLATES = Run("template_score.py", ("{data}/log_templates", "--repeat", "5"), "templates")
KUBEVIRT, SECTIONS = (
    Run("retrieval_score.py", (f"{{data}}/retrieval_{name}",), "retrieval") for name in ("kubevirt", "service_sections")
)
STREAM = Run("seed_stream_score.py", ("{stream}",))

NUMBERS: Mapping[Run, Sequence[Number]] = {
    NAB: (
        Number("nab: standard score, best threshold", _standard("optimised"), "38 to 51", "ARTime 75.1", "66"),
        Number("nab: own decisions", _standard("own"), goal="60"),
    ),
    DETECT: (
        Number("pod faults: average precision, OnlineBoutique", _precise("2022-08-22"), "0.78", goal="0.95"),
        Number("pod faults: average precision, TrainTicket", _precise("2023-01-30"), "0.65", goal="0.80"),
    ),
    LOCALISE: (
        Number("pod faults: service at fault first", _field("all", "AS@1"), "0.41", "0.87 to 0.93 with traces", "0.70"),
        Number("pod faults: … among the first three", _field("all", "AS@3")),
    ),
    CLEAN: (Number("sessions, clean history: F1, own decisions", _field("own", "f1"), "0.69", "0.988 (uncut)"),),
    MIXED: (Number("sessions, mixed history: F1, own decisions", _field("own", "f1"), "0.69", "0.915 (uncut)"),),
    LINES: (
        Number(
            "alert lines, no labels: average precision (signs chosen on these lines)",
            _field("optimised", "average_precision"),
            "0.28",
            goal="0.65",
        ),
    ),
    TEMPLATES: (
        Number("templates: mean grouping accuracy", _field("mean_grouping_accuracy"), "0.77", "0.983", "0.90"),
        Number("templates: lines a second", _field("lines_per_s"), "12,000 to 117,000", "–", "500,000"),
    ),
    KUBEVIRT: (Number("retrieval, kubevirt: recall at 1", _field("recall@1"), "0.58"),),
    SECTIONS: (Number("retrieval, service sections: recall at 1", _field("recall@1"), "0.60"),),
    STREAM: (
        Number("seed stream: precision", _field("precision"), "0.52 (reference)", "–", "0.98"),
        Number("seed stream: recall", _field("recall"), "0.88 (reference)", "–", "0.98"),
        Number("seed stream: pages", _field("pages"), "2,773 (reference)", "–", "at most 20"),
    ),
}


def said(run: Run, shared: Path, stream: Path) -> Said:
    """What the scorer prints. Raises BadInput when it fails."""
    places = {"data": str(shared / "data"), "stream": str(stream)}
    call = [sys.executable, str(shared / "bench" / run.scorer), *(one.format(**places) for one in run.arguments)]
    if run.factory:
        call += ["--callable", f"benchmarks.quality:{run.factory}"]
    done = subprocess.run(call, cwd=PROJECT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BadInput(f"{run.scorer} failed: {done.stderr.strip()[-800:]}")
    return _parsed(done.stdout)


def _parsed(text: str) -> Said:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return [json.loads(line) for line in text.splitlines() if line.strip()]


def scored_stream(shared: Path, folder: Path) -> Path:
    """The seed stream through `sre score`, rules and minutes alone; the file of its rows."""
    out = folder / "stream.csv"
    logs = shared / "data" / "seed_stream" / "logs.jsonl.gz"
    call = [sys.executable, "-c", "from console.main import main; main()", "score", str(logs), "--rules-only"]
    subprocess.run([*call, "--out", str(out), "--json"], cwd=PROJECT, capture_output=True, check=True)
    return out


def measured(shared: Path) -> Iterator[dict[str, object]]:
    """Each number in turn; what takes long is said on the way."""
    with tempfile.TemporaryDirectory() as folder:
        stream = scored_stream(shared, Path(folder))
        for run, numbers in NUMBERS.items():
            begun = time.monotonic()
            found = said(run, shared, stream)
            print(f"{run.scorer} {run.factory}: {time.monotonic() - begun:.0f} s", file=sys.stderr, flush=True)
            for number in numbers:
                beside = {"plain": number.plain, "published": number.published, "goal": number.goal}
                yield {"number": number.name, "ours": number.of(found)} | beside


def as_markdown(rows: Sequence[Mapping[str, object]]) -> str:
    """The table as it stands in the documentation."""
    head = (
        "# Quality\n\nWhat `make quality` says: every scorer over every set of data that others labelled, one setting"
        " for all of it.\nPlain methods and published figures are those of the sets' own descriptions; goals are ours."
        "\n\n| number | ours | plain method | best published | goal |\n|---|---|---|---|---|\n"
    )
    names = ("number", "ours", "plain", "published", "goal")
    return head + "".join("| " + " | ".join(_told(row[name]) for name in names) + " |\n" for row in rows)


def _told(value: object) -> str:
    if isinstance(value, float):
        return f"{value:,.0f}" if value >= WHOLE_FROM else f"{value:.3g}" if value < 1 else f"{value:.4g}"
    return str(value)


def main() -> None:
    """Print the table, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, default=SHARED, help="folder with the scorers and the data")
    parser.add_argument("--out", type=Path, help="write the table there as well")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    given = parser.parse_args()
    if not (given.shared / "bench").is_dir():
        raise SystemExit(f"{given.shared} holds no scorers; name the folder that has bench/ and data/ with --shared")
    rows = list(measured(given.shared))
    told = as_markdown(rows)
    if given.out:
        given.out.write_text(told, encoding="utf-8")
    print(json.dumps(rows, indent=2) if given.json else told)


if __name__ == "__main__":
    main()
