"""Template mining as the quality scorers call it: the messages of one system in, one id per message out."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from ml.templates import TemplateMiner


def templates(messages: Sequence[str]) -> list[int]:
    """The id of each message's template, with the settings that run live."""
    ids: list[int] = TemplateMiner().assign(pa.array(messages, pa.large_string())).tolist()
    return ids
