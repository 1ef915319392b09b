"""A store for the pages, for every test of the HTTP service that asks for one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from adapters.store.database import Engine, connect


@pytest.fixture
def engine(sqlite_url: str) -> Iterator[Engine]:
    made = connect(sqlite_url)
    yield made
    made.dispose()
