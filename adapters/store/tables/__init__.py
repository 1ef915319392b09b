"""The tables, as SQLAlchemy sees them; `migrations/` creates them.

Whoever imports one of these modules gets all of them, so that `schema.metadata` is whole wherever it is asked.
"""

from adapters.store.tables import (  # noqa: F401 - they add their tables to `schema.metadata`
    acting,
    analysed,
    chained,
    counted,
    decided,
    found,
    logged_in,
    paging,
    running,
    stored_logs,
)
