"""`sre why REQUEST_ID`: why this log was or was not an anomaly, in words with the numbers."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import click

from console.given import NotFound, settings, store
from console.output import json_option, say, show_json
from domain.errors import SreError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from adapters.store.database import Engine
    from domain.detection_settings import DetectionSettings
    from domain.settings import Settings
    from ml.scoring import Champion


@click.command(epilog="Example: sre why req_40fe641a6ba2")
@click.argument("request_id")
@json_option
@click.pass_context
def why(ctx: click.Context, request_id: str, *, as_json: bool) -> None:
    """Say why the log with REQUEST_ID was or was not an anomaly, which incident it made and which page.

    Where requests are judged as well (detection.session_key), REQUEST_ID may be the key of one.
    """
    from adapters.store.log_look_ups import find_log  # noqa: PLC0415 - keeps `sre --help` fast
    from adapters.store.look_ups import one_incident  # noqa: PLC0415 - as above
    from adapters.store.session_findings import sessions_of  # noqa: PLC0415
    from console.explaining import explain, of_session  # noqa: PLC0415

    tree = settings(ctx)
    engine = store(tree)
    logs = find_log(engine, request_id)
    sessions = sessions_of(engine, request_id)
    if not logs and not sessions:
        raise NotFound(f"no stored log has the request id {request_id!r}; it may be older than store.keep_days")
    found: list[dict[str, Any]] = []
    for log in logs:
        incident = one_incident(engine, log["incident_id"]) if log["incident_id"] else None
        then, since = _then(engine, tree, log["arrived_at"])
        words = [*explain(log, incident, then, _judge(tree, log)), *since]
        found.append({"log": log, "incident": incident, "words": words})
    whole = [of_session(one) for one in sessions]
    if as_json:
        told = [{"session": one.as_json(), "words": [words]} for one, words in zip(sessions, whole, strict=True)]
        show_json([one | {"log": _shown(one["log"])} for one in found] + told)
        return
    for one in found:
        say(*one["words"])
    if whole:
        say(*whole)


def _then(engine: Engine, tree: Settings, at: datetime) -> tuple[DetectionSettings, list[str]]:
    """Detection as it was when a log was judged, and in words where that is not as it is today."""
    from adapters.store.database import transaction  # noqa: PLC0415 - keeps `sre --help` fast
    from adapters.store.decisions import judged_at, rules_of  # noqa: PLC0415 - as above

    with transaction(engine) as connection:
        judged = judged_at(connection, at, rules_of(tree.model_dump(mode="json")))
    today = tree.detection.confidence_threshold
    if judged is None or judged.rules.threshold == today:
        return tree.detection, []
    then = tree.detection.model_copy(update={"confidence_threshold": judged.rules.threshold})
    return then, [f"That was the threshold of {judged.by}; today it is {today:g}."]


def _shown(log: dict[str, Any]) -> dict[str, Any]:
    """The log as JSON has it: metrics by name, attributes and headers as objects, names for numbers of ours."""
    from domain.logs import Level, Wire  # noqa: PLC0415 - keeps `sre --help` fast
    from domain.verdicts import Reason  # noqa: PLC0415 - as above

    documents = {name: json.loads(log[name]) if log[name] else {} for name in ("attributes", "headers")}
    named = {
        "level": Level(log["level"]).name,
        "reason": Reason(log["reason"]).name.lower(),
        "wire": Wire(log["wire"]).name.lower(),
        "measured": dict(reversed(log["measured"] or [])),  # of a name that is there twice the first counts
    }
    return log | documents | named


def _judge(tree: Settings, log: Mapping[str, Any]) -> Champion | None:
    """The model where its numbers are the reason; None where it was the rules or the model is not to be had."""
    from domain.verdicts import Reason  # noqa: PLC0415 - keeps `sre --help` fast

    if log["reason"] not in (Reason.DEVIATION, Reason.TOGETHER, Reason.HABIT, Reason.JOINTLY):
        return None
    from adapters import parts_file  # noqa: PLC0415 - as above
    from ml.registry import registry_of  # noqa: PLC0415

    registry = registry_of(tree, parts_file.home(os.environ))
    if registry is None:
        return None
    try:
        return registry.load(log["model"])
    except SreError as error:
        say(f"warning: {error}", err=True)
        return None
