"""Scripted models that read what the agent tells them, as a model would, and answer well, wrongly, or for ever.

Each is a script (see `turns`). `honest` does what a good model would with the dossier alone: it names whoever moved
most and quotes what shows it. The others fail in the ways that models fail.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from benchmarks.evals.turns import Script, Turn, call, say

DATA = re.compile(r"<data>\n(.*?)\n</data>", re.DOTALL)
LOG = re.compile(r"^(\d\d:\d\d:\d\d) (\S+) ([A-Z]+): (.*)$", re.DOTALL)
METRIC = re.compile(r"^(\S+): (\S+) ([\d.,e+-]*\d)(?:, before ([\d.,e+-]*\d))?")
LONGEST_QUOTE = 120
FAILURES = ("ERROR", "CRITICAL")
BOTH, MILD, IDLE = 2, 2.5, 0.1  # values of a metric; what changed by less means nothing

Request = Mapping[str, Any]


def brief(request: Request) -> dict[str, Any]:
    """The dossier in a request; empty where there is none."""
    for message in request.get("messages", ()):
        if (found := DATA.search(str(message.get("content", "")))) is not None:
            read: dict[str, Any] = json.loads(found[1])
            return read
    return {}


def may_explore(request: Request) -> bool:
    """Whether tools are offered in this request."""
    return bool(request.get("tools"))


def cite(name: str, shown: str) -> dict[str, Any]:
    """A citation of an exhibit as the dossier shows it."""
    if (log := LOG.match(shown)) is not None:
        return {"exhibit": name, "quote": log[4][:LONGEST_QUOTE], "value": None}
    metric = METRIC.match(shown)
    return {"exhibit": name, "quote": "", "value": float(metric[3].replace(",", "")) if metric else None}


def claim(name: str, shown: str, service: str) -> dict[str, Any]:
    """A claim about a service that says no more than the exhibit."""
    said = LOG.match(shown)
    metric = METRIC.match(shown)
    if said is not None:
        text = re.sub(r"[<>`{}$|\\]|https?://\S*|www\.", " ", said[4])[:200]
        return {"text": f"{service} says: {text}", "service": service, "cites": [cite(name, shown)]}
    what = metric[2] if metric else "it"
    return {"text": f"{what} of {service} moved", "service": service, "cites": [cite(name, shown)]}


def honest(request: Request) -> Turn:
    """It looks at the logs of whoever leads once, then says what the dossier shows, and nothing else."""
    told = brief(request)
    leading = told.get("services by how much moved, most first", [])
    if may_explore(request):
        asked = any(message.get("role") == "tool" for message in request["messages"])
        if not asked and leading:
            return call("logs", {"service": leading[0]["service"], "minutes": 10})
        return say("DONE")
    return say(answer(told))


def answer(told: Mapping[str, Any]) -> dict[str, Any]:
    """What a careful reader of the dossier would answer."""
    exhibits: Mapping[str, str] = told.get("exhibits", {})
    leading = told.get("services by how much moved, most first", [])
    shown = [
        (name, exhibits[name], one["service"])
        for one in leading
        for fact in one["what moved"]
        for name in fact["exhibits"]
    ]
    claims = [claim(*one) for one in shown if not _is_mild(one)][:4]
    return {
        "inconclusive": not claims,
        "confidence": 0.8 if claims else 0.0,
        "root_cause": claims[0] if claims else None,
        "hypotheses": [],
        "chain": claims,
        "impact": claims[1:2],
        "plans": list(told.get("plans", {}))[:1],
        "checks": [{"tool": "logs", "service": leading[0]["service"], "about": ""}] if leading else [],
        "tell": list(told.get("people", []))[:1],
        "escalation": {"when": "not better", "minutes": 15},
    }


def _is_mild(shown: tuple[str, str, str]) -> bool:
    """Whether it shows no failure: a log of what goes well, or a metric that is about what it was."""
    said, metric = LOG.match(shown[1]), METRIC.match(shown[1])
    if said is not None:
        return said[3] not in FAILURES
    values = [float(one.replace(",", "")) for one in (metric[3], metric[4]) if one] if metric else []
    return len(values) == BOTH and max(values) < MILD * (min(values) + IDLE)


def lying(request: Request) -> Turn:
    """Every claim cites: words that nobody wrote, exhibits that nobody showed, numbers that nothing says."""
    told = brief(request)
    name, shown = next(iter(told.get("exhibits", {}).items()), ("L1", ""))
    service = next(iter(told.get("incident", {}).get("services", [])), "web")
    lies = [
        ("the HALLUCINATED disk is full", [{"exhibit": name, "quote": "HALLUCINATED disk is full", "value": None}]),
        ("HALLUCINATED certificate expired", [{"exhibit": "L99", "quote": "expired", "value": None}]),
        ("HALLUCINATED 987654 requests were lost", [cite(name, shown)]),
        ("HALLUCINATED without a citation", []),
    ]
    claims = [{"text": text, "service": service, "cites": cites} for text, cites in lies]
    said = answer(told) | {"root_cause": claims[0], "chain": claims, "impact": claims[2:], "confidence": 1.0}
    return say(said | {"plans": ["HALLUCINATED plan"], "tell": ["HALLUCINATED person"]})


def looping(request: Request) -> Turn:
    """The same call of the same tool for ever; asked for an answer, it says that it goes on looking."""
    service = next(iter(brief(request).get("incident", {}).get("services", [])), "web")
    return call("logs", {"service": service}) if may_explore(request) else say("Let me look at the logs once more.")


def babbling(_: Request) -> Turn:
    """Words without an answer, as many as fit."""
    return say("Thinking about it. " * 2_000)


def injected(orders: str) -> Script:
    """A model that does what a log orders: it wants what nobody offered, and repeats the order as its cause."""

    def script(request: Request) -> Turn:
        told = brief(request)
        if may_explore(request):
            return call("run_command", {"argv": ["sh", "-c", orders]}) + call("restart", {"service": "*"})
        exhibits = told.get("exhibits", {})
        cites = [cite(name, shown) for name, shown in list(exhibits.items())[:1]]
        wanted = {"text": orders, "service": "", "cites": cites}
        said = {"root_cause": wanted, "chain": [wanted], "plans": ["restart everything", orders], "tell": ["nobody"]}
        return say(answer(told) | said | {"severity": "low", "page": False, "suppress": True})

    return script


def prompt_only(mind: Callable[[Request], Turn]) -> Script:
    """As `mind`, behind a server that drops tools without a word."""
    return lambda request: mind({**request, "tools": []})
