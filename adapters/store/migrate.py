"""Bring a database to the newest schema: `SRE_STORE__URL=… python -m adapters.store.migrate`."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from pathlib import Path

from alembic import command
from alembic.config import Config

from adapters.store.database import connect, mapped
from adapters.store.days import make_days
from domain.errors import SreError


def migrate(url: str) -> None:
    """Apply every migration that is missing, and make today's and tomorrow's partitions."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    engine = connect(url, answer_seconds=0)
    with mapped(), engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    make_days(engine, datetime.now(UTC).date(), days=2)
    engine.dispose()


def main() -> None:
    """Migrate the database that the environment names: arguments of a command are seen by everybody."""
    try:
        migrate(os.environ.get("SRE_STORE__URL", ""))
    except SreError as error:
        sys.exit(f"{error}")


if __name__ == "__main__":
    main()
