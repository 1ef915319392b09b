"""What decided, as texts and their digests: enough to decide the same again."""

from __future__ import annotations

import hashlib
from typing import NamedTuple


class Texts(NamedTuple):
    """Everything that decisions are made from, beside the logs and the time."""

    settings: str  # without secrets
    playbooks: str
    inventory: str
    model: str  # kind and version, "" where rules decide alone


def digest(text: str) -> str:
    """The name of a text by its content; 64 hexadecimal digits."""
    return hashlib.sha256(text.encode()).hexdigest()


def knowledge_digest(texts: Texts) -> str:
    """The name of all of them together: over the digests of the parts."""
    return digest("\n".join(map(digest, texts)))
