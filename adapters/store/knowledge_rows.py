"""What decided, kept once by its content: batches and steps name it by its digest."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from adapters.store.tables.decided import documents, knowledge
from domain.replay import Texts, digest, knowledge_digest


def remember(
    connection: sa.Connection,
    settings_text: str,
    playbooks_text: str,
    inventory_text: str,
    model_text: str,
    now: datetime,
) -> str:
    """Keep what decided, in the connection's transaction, if it is not kept already; its digest.

    Whoever calls this for every batch or step may remember the digest once its transaction is committed.
    """
    texts = Texts(settings_text, playbooks_text, inventory_text, model_text)
    named = knowledge_digest(texts)
    for text in sorted(set(texts)):
        _keep(connection, documents, {"digest": digest(text), "body": text})
    parts = {name: digest(text) for name, text in texts._asdict().items()}
    _keep(connection, knowledge, {"digest": named, **parts, "first_used": now})
    return named


def keep_document(connection: sa.Connection, text: str) -> str:
    """Keep a text once; its digest, empty for an empty text."""
    if not text:
        return ""
    _keep(connection, documents, {"digest": digest(text), "body": text})
    return digest(text)


def _keep(connection: sa.Connection, table: sa.Table, row: dict[str, object]) -> None:
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    connection.execute(insert(table).values(row).on_conflict_do_nothing())


def recall(connection: sa.Connection, named: str) -> Texts | None:
    """The texts behind a digest, or None when it is unknown."""
    row = connection.execute(sa.select(knowledge).where(knowledge.c.digest == named)).first()
    if row is None:
        return None
    digests = [getattr(row, name) for name in Texts._fields]
    found = connection.execute(sa.select(documents).where(documents.c.digest.in_(digests)))
    bodies = {document.digest: document.body for document in found}
    return Texts(*(bodies[one] for one in digests))


def recall_document(connection: sa.Connection, named: str) -> str | None:
    """The text behind a digest, or None when it is unknown."""
    found = connection.scalar(sa.select(documents.c.body).where(documents.c.digest == named))
    return None if found is None else str(found)


def model_of(connection: sa.Connection, named: str | sa.ScalarSelect[str]) -> str:
    """The model behind a digest, "" for rules alone or an unknown one; the other texts are long and not read."""
    query = sa.select(documents.c.body).join(knowledge, knowledge.c.model == documents.c.digest)
    return str(connection.scalar(query.where(knowledge.c.digest == named)) or "")
