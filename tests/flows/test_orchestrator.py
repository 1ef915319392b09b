"""Asking Prefect costs the loop next to nothing: each delivery asks first."""

from __future__ import annotations

import ssl

import pytest

from flows.orchestrator import is_healthy
from tests.parts.receivers_part import Receiver, Reply, receiving


async def test_certificates_are_read_once_however_often_prefect_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading them took 80 ms of the loop for each page, so that pages waited for each other."""
    made: list[ssl.SSLContext] = []
    real = ssl.SSLContext.load_verify_locations

    def counted(self: ssl.SSLContext, *given: object, **named: object) -> None:
        made.append(self)
        real(self, *given, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(ssl.SSLContext, "load_verify_locations", counted)
    with receiving(Receiver()) as prefect:
        monkeypatch.setenv("PREFECT_API_URL", f"{prefect.url}/api")
        assert [True] * 5 == [await is_healthy() for _ in range(5)]
        prefect.always = Reply(503)
        assert not await is_healthy()
    assert len(made) <= 1
    assert not await is_healthy(), "nobody is there"
