"""The versions of the registered model: which there are, what was found about each, and who is champion.

Who was champion before is kept in a tag of the registered model, so that a rollback knows where to go.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from domain.errors import BadInput
from ml.registry import ALIAS, CHALLENGER, Registry, answered

if TYPE_CHECKING:
    from mlflow import MlflowClient

log = logging.getLogger(__name__)

# Tags of a version …
JUDGEMENT, SINCE, UNTIL, BY = "judgement", "champion_since", "champion_until", "champion_by"
BEFORE = "champions_before"  # … and of the model: versions that were champion before, the last one last
MOST_BEFORE = 50  # of them are kept


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """One version as the registry has it."""

    version: int
    aliases: tuple[str, ...]
    judgement: str  # why it was promoted or not
    registered_at: datetime
    champion_since: str  # ISO 8601; empty where it never was champion
    champion_until: str  # ISO 8601; empty while it is, or where it never was
    champion_by: str  # who or what promoted it last


def versions(registry: Registry) -> list[ModelVersion]:
    """Every version, the newest first. Raises Unavailable."""
    client = registry.client()
    with answered(registry.uri):
        aliases = _aliases(client, registry.name)
        found = list(client.search_model_versions(f"name='{registry.name}'", max_results=1_000))
    listed = [
        ModelVersion(
            int(one.version),
            tuple(sorted(alias for alias, version in aliases.items() if version == int(one.version))),
            one.tags.get(JUDGEMENT, ""),
            datetime.fromtimestamp(one.creation_timestamp / 1_000, UTC),
            *(one.tags.get(name, "") for name in (SINCE, UNTIL, BY)),
        )
        for one in found
    ]
    return sorted(listed, key=lambda one: -one.version)


def promote(registry: Registry, version: int, *, by: str, now: datetime, shown: int | None = None) -> int | None:
    """Make a version champion; the version that was it before, None where there was none.

    `shown`: the champion that whoever says so was shown, 0 for none; None where it does not matter.
    Raises BadInput where there is no such version, it cannot be loaded, it is champion already, or the champion is
    another one by now; Unavailable.
    """
    registry.load(_known(registry, version))  # what cannot be loaded must not decide
    client = registry.client()
    with answered(registry.uri):
        present = _aliases(client, registry.name).get(ALIAS)
        _as_shown(present, shown)
        if present == version:
            raise BadInput(f"version {version} of {registry.name} is champion already")
        before = [*_before(client, registry.name), *([present] if present else [])]
        _hand_over(registry, client, present, version, before=before, by=by, now=now)
    return present


def rollback(registry: Registry, *, by: str, now: datetime, shown: int | None = None) -> tuple[int | None, int]:
    """Make that version champion again which was it before; the version until now, and the one from now on.

    Rolling back again goes back further. `shown` as for `promote`. Raises BadInput where none was champion before,
    or the champion is another one by now; Unavailable.
    """
    client = registry.client()
    present, before = _present_and_before(registry)
    _as_shown(present, shown)
    if not before:
        raise BadInput(f"no version of {registry.name} was champion before; `sre models` lists what there is")
    version = before.pop()
    registry.load(_known(registry, version))
    with answered(registry.uri):
        _hand_over(registry, client, present, version, before=before, by=by, now=now)
    return present, version


def way_back(registry: Registry) -> int | None:
    """The version that `rollback` would make champion again; None where there is none. Raises Unavailable."""
    _, before = _present_and_before(registry)
    return before[-1] if before else None


def _present_and_before(registry: Registry) -> tuple[int | None, list[int]]:
    client = registry.client()
    with answered(registry.uri):
        present = _aliases(client, registry.name).get(ALIAS)
        # Where a promotion was interrupted, the present one may be noted as a former one already.
        return present, [version for version in _before(client, registry.name) if version != present]


def _as_shown(present: int | None, shown: int | None) -> None:
    """Raises BadInput where whoever decides was shown another champion: they would change what they did not see."""
    if shown is not None and (present or 0) != shown:
        now = f"version {present} is" if present else "there is none"
        raise BadInput(f"the champion is another one by now ({now}): look at the versions again")


def challenge(registry: Registry, version: int) -> None:
    """Let a version be the challenger. Raises Unavailable."""
    client = registry.client()
    with answered(registry.uri):
        client.set_registered_model_alias(registry.name, CHALLENGER, str(version))


def _hand_over(  # noqa: PLR0913 - what is kept of it
    registry: Registry,
    client: MlflowClient,
    present: int | None,
    version: int,
    *,
    before: Sequence[int],
    by: str,
    now: datetime,
) -> None:
    # The history first: whoever dies in between left the champion as it was, and a way back.
    client.set_registered_model_tag(registry.name, BEFORE, " ".join(map(str, before[-MOST_BEFORE:])))
    client.set_registered_model_alias(registry.name, ALIAS, str(version))
    at = now.isoformat(timespec="seconds")
    if present is not None:
        client.set_model_version_tag(registry.name, str(present), UNTIL, at)
    for name, value in ((SINCE, at), (UNTIL, ""), (BY, by)):
        client.set_model_version_tag(registry.name, str(version), name, value)
    if _aliases(client, registry.name).get(CHALLENGER) == version:
        client.delete_registered_model_alias(registry.name, CHALLENGER)
    log.info("model.promoted", extra={"version": version, "before": present, "by": by})


def _known(registry: Registry, version: int) -> int:
    """That version. Raises BadInput where the registry has none of that number."""
    if version not in [one.version for one in versions(registry)]:
        raise BadInput(f"there is no version {version} of {registry.name}; `sre models` lists what there is")
    return version


def _aliases(client: MlflowClient, name: str) -> dict[str, int]:
    """Alias -> version; empty where no model was registered yet."""
    found = next(iter(client.search_registered_models(f"name='{name}'")), None)
    return {} if found is None else {alias: int(version) for alias, version in found.aliases.items()}


def _before(client: MlflowClient, name: str) -> list[int]:
    found = next(iter(client.search_registered_models(f"name='{name}'")), None)
    kept = found.tags.get(BEFORE, "") if found is not None else ""
    return [int(version) for version in kept.split() if version.isdigit()]
