"""A thousand random requests leave no 5xx and no state."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from pydantic import SecretStr
from schemathesis.core.result import Ok
from starlette.testclient import TestClient

from adapters.store.database import Engine, connect
from console.http.app import create
from console.http.refusals import OF_STRANGERS
from domain.http_settings import HttpSettings
from domain.responses import Via
from tests.parts.http_part import a_client, a_service, a_token, all_counts, put

REQUESTS = 500  # for each of two senders
# Refusals in the ledger, which are limited in number, for each way in.
REFUSED = frozenset({"ledger", "unsealed"})
MOST_REFUSALS = len(Via) * OF_STRANGERS


@pytest.fixture
def store(sqlite_url: str) -> Iterator[Engine]:
    found = connect(sqlite_url)
    put(found, waiting=True)
    yield found
    found.dispose()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("token", "may_change"),
    [
        pytest.param("secret-token", REFUSED, id="a stranger leaves refusals alone"),
        pytest.param("", REFUSED | {"outside_alerts", "changes"}, id="a program of this machine leaves what it sent"),
    ],
)
def test_random_requests_leave_no_5xx_and_no_state(
    store: Engine, tmp_path: Path, token: str, may_change: frozenset[str]
) -> None:
    """Requests that fit the description of the service, and requests that do not."""
    service = a_service(store, tmp_path, settings=HttpSettings(token=SecretStr(token), per_minute=100_000))
    client = a_client(service)
    schema = schemathesis.openapi.from_asgi("/openapi.json", create(service))
    cases = [
        operation.ok().as_strategy(generation_mode=mode)
        for operation in schema.get_all_operations()
        if isinstance(operation, Ok)
        for mode in schemathesis.GenerationMode
    ]
    link, before = a_token(tmp_path), all_counts(store)
    statuses: list[int] = []

    @seed(9)
    @settings(
        max_examples=REQUESTS,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.one_of(cases), st.booleans())
    def ask(case: schemathesis.Case, with_a_link: bool) -> None:  # noqa: FBT001 - hypothesis gives it by place
        statuses.append(_send(client, case, link if with_a_link else ""))

    ask()
    assert REQUESTS <= len(statuses)
    assert [] == [status for status in statuses if status >= 500]
    # Hypothesis draws constants of our code as well, so each change of it draws others: 400 comes by luck.
    assert {200, 403} <= set(statuses)
    _changed_only(may_change, before, all_counts(store))


def _send(client: TestClient, case: schemathesis.Case, token: str) -> int:
    """Ask; half of the requests about links are about one that is good, whose form never fits."""
    path_parameters = case.path_parameters
    if token and path_parameters and "token" in path_parameters:
        path_parameters["token"] = token
    return case.call(session=client).status_code


def _changed_only(may: frozenset[str], before: dict[str, int], after: dict[str, int]) -> None:
    changed = {name: after[name] - number for name, number in before.items() if after[name] != number}
    assert set(changed) <= may
    assert MOST_REFUSALS >= changed.get("ledger", 0)


def test_the_description_names_every_way_in(store: Engine, tmp_path: Path) -> None:
    paths = create(a_service(store, tmp_path)).openapi()["paths"]
    expected = {"/i/{token}", "/slack/actions", "/pagerduty/webhook", "/alertmanager", "/changes", "/logs"}
    assert expected | {"/healthz", "/readyz", "/metrics", "/api/commands"} == set(paths)
