"""Buttons beside services: silences and maintenance windows, and whether anything is carried out at all."""

from __future__ import annotations

import re
from collections.abc import Mapping

import click
from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from adapters.store import mutes, switches
from console.http.service import Ours
from console.http.web.callers import Asking, must_be_allowed, must_be_ours
from console.http.web.forms import Form, Number
from console.muting import wanted_mute
from domain.access import Deed
from domain.errors import BadInput
from domain.muting import NAMES, MuteKind

router = APIRouter(include_in_schema=False)
# Before the next LABEL=VALUE; other spaces belong to a value.
BETWEEN_MATCHERS = re.compile(r"\s+(?=\w+(?:=~|!~|!=|=))")


def _kind(text: str) -> MuteKind:
    if text not in set(MuteKind):
        raise BadInput(f"{text[:40]!r} is none of {', '.join(MuteKind)}")
    return MuteKind(text)


def _given(form: Mapping[str, str]) -> dict[str, object]:
    """What a form says, as the options of a command."""
    end = form.get("for", "").strip()
    is_moment = ":" in end or "-" in end
    return {
        "matchers": [one for one in BETWEEN_MATCHERS.split(form.get("matchers", "").strip()) if one],
        "lasts": "" if is_moment else end,
        "ends": end if is_moment else "",
        "begins": form.get("from", "").strip(),
        "every": form.get("every", ""),
        "last": form.get("ends", "").strip(),
        "comment": form.get("comment", ""),
    }


@router.post("/mutes/{kind}")
def add(request: Request, kind: str, form: Form, service: Ours, caller: Asking) -> Response:
    """Hold back what matches, for a time."""
    must_be_ours(request, service, caller, form)
    must_be_allowed(service, caller, Deed.MUTE)
    now = service.clock()
    try:
        mute = wanted_mute(_kind(kind), _given(form), now, caller.person)
    except click.BadParameter as error:
        raise BadInput(error.message) from error
    mutes.add(service.engine, mute, now=now, everything="everything" in form)
    return RedirectResponse("/services#muted", 303)


@router.post("/mutes/{kind}/{number}/expire")
def expire(request: Request, kind: str, number: Number, form: Form, service: Ours, caller: Asking) -> Response:
    """End one now."""
    must_be_ours(request, service, caller, form)
    must_be_allowed(service, caller, Deed.MUTE)
    ended = mutes.expire(service.engine, number, _kind(kind), by=caller.person, now=service.clock())
    if ended is None:
        raise BadInput(f"{NAMES[_kind(kind)]} {number} does not exist or is over")
    return RedirectResponse("/services#muted", 303)


@router.post("/actions/{what}")
def pause(request: Request, what: str, form: Form, service: Ours, caller: Asking) -> Response:
    """Stop every action at its last check, or allow actions again."""
    must_be_ours(request, service, caller, form)
    must_be_allowed(service, caller, Deed.PAUSE)
    if what not in ("pause", "resume"):
        raise BadInput("actions are paused or resumed")
    switches.set_pause(service.engine, on=what == "pause", by=caller.person, now=service.clock())
    return RedirectResponse("/services#acting", 303)
