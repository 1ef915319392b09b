"""What somebody may have meant who wrote a name that does not exist."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def nearest(wrong: str, known: Iterable[str]) -> str:
    """The known key most like `wrong`, as the end of a sentence; the best of a bad choice when none is alike."""
    keys = frozenset(known)
    candidates = sorted(keys | {key.rsplit(".", depth)[0] for key in keys for depth in range(1, key.count(".") + 1)})
    siblings = [key for key in candidates if key.rpartition(".")[0] == wrong.rpartition(".")[0]]
    same_name = [key for key in candidates if key.rpartition(".")[2] == wrong.rpartition(".")[2]]
    for choice, cutoff in ((same_name, 0.0), (siblings, 0.6), (candidates, 0.0)):
        if found := difflib.get_close_matches(wrong, choice, n=1, cutoff=cutoff):
            return f"the nearest is {found[0]}"
    return "there is none"
