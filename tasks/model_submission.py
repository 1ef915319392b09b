"""What of a training is kept with the model: parameters, numbers, a card and two pictures."""

from __future__ import annotations

from dataclasses import asdict

import pandas as pd

from domain.errors import BadInput
from ml.detectors.service_deviation import SERVICE
from ml.model_card import Card, written
from ml.model_comparison import COMPARED
from ml.model_runs import Submission
from ml.plots import histogram, timeline
from ml.promotion import PRESENT
from ml.trained_on import FILE
from ml.trained_on import written as written_spread
from ml.training import TIME, Trained
from ml.training_data import fingerprint
from tasks.drifting import trained as of_training
from tasks.model_judging import Judged


def submission(frame: pd.DataFrame, lines: pd.DataFrame, left_out: str, trained: Trained, judged: Judged) -> Submission:
    """Everything for the registry; `frame` and `lines` as for `train`. Raises BadInput where nothing was fitted."""
    if trained.candidate is None:
        raise BadInput("nothing was fitted, so nothing can be registered")
    card = Card(
        trained, fingerprint(frame, lines), left_out, judged.candidate, judged.present, judged.champion, judged.decision
    )
    return Submission(
        trained.candidate,
        judged.decision,
        _parameters(card),
        _metrics(card),
        _artifacts(card, judged) | {FILE: _trained_on(frame, card, judged)},
        _sample(frame, trained),
    )


def _parameters(card: Card) -> dict[str, object]:
    """What it was trained on and compared with."""
    data = {f"data_{name}": value for name, value in asdict(card.data).items()}
    return data | {
        "data_left_out": card.left_out,
        "split_at": card.trained.split_at,
        COMPARED: f"version {card.champion}" if card.champion else "rules alone",
        "unsteady": ", ".join(card.trained.unsteady),
        "apart": ", ".join(card.trained.apart),
    }


def _metrics(card: Card) -> dict[str, float]:
    trained = card.trained
    own = {
        "rows_fitted": float(trained.rows_fitted),
        "rows_judged": float(trained.rows_judged),
        "flagged_ratio": trained.flagged_ratio,
        "services": float(len(trained.candidate.services_)) if trained.candidate else 0.0,
        "thin_pairs": float(trained.thin),
        "lines": float(trained.lines),
        "lines_false_alarms": float(trained.told[0]),
        "lines_real_incidents": float(trained.told[1]),
        "services_of_habits": float(len(trained.candidate.habits_.services_)) if trained.candidate else 0.0,
    }
    theirs = {PRESENT + name: value for name, value in card.present.metrics.items()}
    return own | card.candidate.metrics | theirs


def _artifacts(card: Card, judged: Judged) -> dict[str, str]:
    replay = judged.replay
    of_incidents = [at for times in replay.flagged_of.values() for at in times]
    return {
        "card.md": written(card),
        "confidences.svg": histogram(replay.confidences, replay.deciding.threshold),
        "flagged.svg": timeline(replay.flagged_usual, of_incidents),
    }


def _trained_on(frame: pd.DataFrame, card: Card, judged: Judged) -> str:
    """What later logs are compared with, to see whether they drift."""
    logs = int(judged.replay.confidences[0].sum())
    return written_spread(of_training(frame, card.trained, logs, len(judged.replay.flagged_usual)))


def _sample(frame: pd.DataFrame, trained: Trained) -> pd.DataFrame:
    metrics = trained.candidate.metrics_ if trained.candidate else []
    return frame[frame[TIME] < trained.split_at][[SERVICE, *metrics]]
