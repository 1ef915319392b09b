"""What commands and parts need before they start: whoever opens the database says the same where there is none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import SecretStr

from adapters.store.database import transaction
from adapters.store.opening import database_of
from console import given
from console.http import starting
from domain.errors import BadSettings
from domain.settings import Settings, StoreSettings

NONE = "no database: start the embedded one with `sre up`, or set SRE_STORE__URL"
OPENERS: tuple[Callable[[Settings], object], ...] = (
    database_of,
    given.store,
    lambda tree: starting.service(tree, Path()),
)


@pytest.mark.parametrize("opens", OPENERS)
def test_where_there_is_no_database_everybody_says_so_alike(opens: Callable[[Settings], object]) -> None:
    with pytest.raises(BadSettings, match="^" + NONE + "$"):
        opens(Settings(store=StoreSettings(url=SecretStr(""))))


@pytest.mark.parametrize("opens", [database_of, given.store])
def test_the_database_of_the_settings_is_opened(opens: Callable[[Settings], object], store_url: str) -> None:
    engine = opens(Settings(store=StoreSettings(url=SecretStr(store_url))))
    with transaction(engine) as connection:  # type: ignore[arg-type]
        assert 0 == connection.exec_driver_sql("SELECT count(*) FROM incidents").scalar()
    engine.dispose()  # type: ignore[attr-defined]
