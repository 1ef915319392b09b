"""Steady traffic: half of the visitors look at the catalogue, half of them order."""

from __future__ import annotations

import http.client
import random
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from pathlib import Path

import click

from deployments.shop.layout import Call, read
from deployments.shop.worker import request
from domain.errors import BadInput

VISITS = (Call("gateway", "GET", "/catalogue", 5.0), Call("gateway", "POST", "/orders", 5.0))
REPORT_SECONDS = 10.0
MOST_AT_ONCE = 64


def visit(port: int) -> bool:
    """One request; True when it was answered well."""
    try:
        return request(port, random.choice(VISITS), {}) == HTTPStatus.OK  # noqa: S311 - chance, not a secret
    except (OSError, http.client.HTTPException):
        return False


def run(port: int, *, rate: float, seconds: float | None) -> tuple[int, int]:
    """Visit `rate` times a second for `seconds` (for ever with None); how many went well, how many did not."""
    started = time.monotonic()
    answers: list[bool] = []
    reported = sent = 0
    with ThreadPoolExecutor(MOST_AT_ONCE) as visitors:
        while seconds is None or time.monotonic() - started < seconds:
            visitors.submit(lambda: answers.append(visit(port)))
            sent += 1
            # By the clock, not by sleeping equal times, so that slow answers do not thin out the traffic.
            time.sleep(max(0.0, started + sent / rate - time.monotonic()))
            if seconds is None and sent - reported >= REPORT_SECONDS * rate:
                click.echo(f"{sum(answers)} of {len(answers)} requests went well")
                answers.clear()
                reported = sent
    return sum(answers), len(answers) - sum(answers)


def main() -> None:
    """`python -m deployments.shop.load HOME`, started by supervisord."""
    shop = read(Path(sys.argv[1]))
    if shop is None:
        raise BadInput(f"there is no shop in {sys.argv[1]}")
    run(shop.ports["gateway"], rate=shop.rate, seconds=None)


if __name__ == "__main__":
    main()
