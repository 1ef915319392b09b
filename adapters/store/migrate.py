"""Bring a database to the newest schema: `python -m adapters.store.migrate URL`."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

from alembic import command
from alembic.config import Config

from adapters.store.database import connect, mapped
from adapters.store.days import make_days


def migrate(url: str) -> None:
    """Apply every migration that is missing, and make today's and tomorrow's partitions."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    engine = connect(url)
    with mapped(), engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    make_days(engine, datetime.now(UTC).date())
    engine.dispose()


if __name__ == "__main__":
    migrate(sys.argv[1])
