"""The HTTP service as a part: what it is started with, what it may know, and that it takes an answer and a log."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from adapters import link_keys, parts_file
from adapters.settings_files import load
from adapters.store.database import connect, transaction
from adapters.store.incident_rows import insert_incidents
from adapters.supervisord_client import ProgramState
from deployments import bring_up, environment, supervised
from deployments.environment import for_workers
from deployments.http_environment import FOR_HTTP, for_http
from deployments.layout import Home
from deployments.report import Health, report
from deployments.site import Site, survey
from deployments.take_down import take_down
from deployments.wanted import Broker, Wanted, wanted
from domain.errors import BadSettings
from domain.http_settings import HttpSettings
from domain.settings import Settings
from tests.parts.http_part import a_link
from tests.parts.incidents_part import an_incident
from tests.parts.judged_part import rows
from tests.parts.logs_part import a_log

ENVIRON = {
    "SRE_HTTP__TOKEN": "bearer-token",
    "SRE_HTTP__OPENID__CLIENT_SECRET": "client-secret",
    "SRE_PAGING__SLACK__SIGNING_SECRET": "signing",
    "SRE_PAGING__SLACK__TOKEN": "xoxb-token",
    "SRE_PAGING__PAGERDUTY__WEBHOOK_SECRET": "webhook",
    "SRE_PAGING__PAGERDUTY__ROUTING_KEY": "routing",
    "SRE_PAGING__EMAIL__PASSWORD": "password",
    "SRE_PAGING__ON_CALL": "on_call.yaml",
    "SRE_MITIGATION__SUPERVISORD_URL": "http://u:p@127.0.0.1:1",
    "SRE_MITIGATION__ACTING": "true",
    "SRE_MITIGATION__AUTONOMY__START": "act",
    "OPENAI_API_KEY": "key",
    "SRE_KAFKA__TOPIC": "logs",
}


def test_the_service_sees_what_verifies_and_nothing_that_pages_or_acts() -> None:
    expected = {
        "SRE_HTTP__TOKEN",
        "SRE_HTTP__OPENID__CLIENT_SECRET",
        "SRE_PAGING__SLACK__SIGNING_SECRET",
        "SRE_PAGING__PAGERDUTY__WEBHOOK_SECRET",
        "SRE_PAGING__ON_CALL",
        "SRE_MITIGATION__ACTING",
        "SRE_MITIGATION__AUTONOMY__START",
        "SRE_KAFKA__TOPIC",
    }
    assert expected == set(for_http(ENVIRON))


def test_the_secrets_of_the_service_are_nothing_for_workers() -> None:
    assert {"SRE_KAFKA__TOPIC"} == set(for_workers(ENVIRON))


@pytest.mark.parametrize(
    ("http", "environ", "local", "url"),
    [
        pytest.param({}, {}, "http://127.0.0.1:8", "http://127.0.0.1:8", id="loopback"),
        pytest.param({"host": "::1"}, {}, "http://[::1]:8", "http://[::1]:8", id="loopback of IPv6"),
        pytest.param(
            {"host": "0.0.0.0", "token": "t", "public_url": "https://sre.example.com"},  # noqa: S104 - with a token
            {},
            "http://127.0.0.1:8",
            "https://sre.example.com",
            id="every address, behind a proxy",
        ),
        pytest.param(
            {"certificate": "c", "key": "k"}, {}, "https://127.0.0.1:8", "https://127.0.0.1:8", id="with a certificate"
        ),
    ],
)
def test_where_it_is_reached(
    tmp_path: Path, http: dict[str, object], environ: dict[str, str], local: str, url: str
) -> None:
    asked = Wanted(Broker.EMBEDDED, http=HttpSettings.model_validate(http))
    site = Site(Home(tmp_path, tmp_path), asked, environ, {"http": 8}, None, None)
    assert {"local": local, "url": url} == site.http_addresses()


def test_the_address_of_the_last_start_is_not_kept_for_the_next() -> None:
    tree = Settings(http=HttpSettings(public_url="http://127.0.0.1:1"))
    asked = wanted(tree, {"http.public_url": "embedded"}, kafka="embedded", sink=False)
    assert asked.http is not None
    assert "" == asked.http.public_url


def test_switched_off_it_is_not_started() -> None:
    assert wanted(Settings(http=HttpSettings(enabled=False)), {}, kafka="embedded", sink=False).http is None


def test_open_to_others_without_a_token_nothing_starts() -> None:
    with pytest.raises(BadSettings, match="SRE_HTTP__TOKEN"):
        wanted(Settings(http=HttpSettings(host="0.0.0.0")), {}, kafka="embedded", sink=False)  # noqa: S104 - refused


def test_links_in_pages_name_the_part_that_runs(tmp_path: Path) -> None:
    parts_file.change(tmp_path, http={"local": "http://127.0.0.1:8", "url": "http://127.0.0.1:8"})
    loaded = load(environ={"SRE_HOME": str(tmp_path)})
    assert "http://127.0.0.1:8" == loaded.settings.http.public_url


@pytest.fixture
def site(postgres_url: str, tmp_path: Path) -> Iterator[Site]:
    """The service and an embedded broker under a supervisord of their own, over a database of the test's."""
    home = Home(tmp_path / ".sre", parts_file.PROJECT)
    asked = Wanted(
        Broker.EMBEDDED,
        store_url=postgres_url,
        prefect_api_url="http://127.0.0.1:1/api",
        mlflow_tracking_uri="http://127.0.0.1:1",
        http=HttpSettings(),
    )
    environ = {**os.environ, "SRE_STORE__URL": postgres_url, "SRE_PAGING__EMAIL__PASSWORD": "password"}
    made = survey(home, asked, environ)
    try:
        bring_up.prepare(made, print)
        made.tell_others()
        bring_up.broker(made, print)
        bring_up.http(made, print)
        yield made
    finally:
        take_down(home, print)


@pytest.mark.slow
def test_the_part_takes_an_answer_and_a_log_and_is_stopped(site: Site) -> None:
    """As `sre up` starts it, with the key that it makes; the service's process reads the public half."""
    address = site.http_addresses()["url"]
    store = connect(site.store_url)
    with transaction(store) as connection:
        insert_incidents(connection, [an_incident()], now=datetime.now(UTC))
    later = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)
    token = link_keys.signer(site.home.folder).sign(a_link(expires_at=later))
    with httpx.Client(base_url=address, trust_env=False, timeout=60) as client:
        acted = client.post(f"/i/{token}", data={"token": token, "verb": "acknowledge"})
        sent = client.post("/logs", content=a_log())
    assert (200, {"sent": 1}) == (acted.status_code, sent.json())
    assert ["ann"] == [row["person"] for row in rows(store, "SELECT person FROM responses")]
    store.dispose()
    take_down(site.home, print)
    assert {} == supervised.processes(site.home)
    with pytest.raises(httpx.ConnectError):
        httpx.get(address, trust_env=False)


@pytest.mark.slow
def test_the_status_shows_its_address(site: Site) -> None:
    tree = load(environ={"SRE_HOME": str(site.home.folder), "SRE_STORE__URL": site.store_url}).settings
    (line,) = (one for one in report(site.home, tree) if one.part == "http")
    assert (Health.UP, site.http_addresses()["url"]) == (line.health, line.address)
    assert f"pages at {line.address}/incidents" == line.text
    assert supervised.processes(site.home)["http"].pid == line.pid


@pytest.mark.slow
def test_the_part_serves_the_pages(site: Site) -> None:
    """Its files are packed, and what it may see of the environment suffices."""
    address = site.http_addresses()["local"]
    with httpx.Client(base_url=address, headers={"Accept": "text/html"}, trust_env=False, timeout=60) as client:
        for path in ("/incidents", "/services", "/on-call", "/logs", "/templates", "/models", "/settings"):
            shown = client.get(path)
            assert 200 == shown.status_code, path
            assert "Nobody needs to log in" in shown.text


@pytest.mark.slow
def test_the_process_holds_no_credential_by_which_anybody_is_paged(site: Site) -> None:
    process = supervised.processes(site.home)["http"]
    assert ProgramState.RUNNING is process.state
    assert "password" not in Path(f"/proc/{process.pid}/environ").read_text().replace("\0", "\n")
    kept = environment.load(site.home.folder / FOR_HTTP)
    assert "SRE_PAGING__EMAIL__PASSWORD" not in kept
    assert 0o600 == stat.S_IMODE((site.home.folder / FOR_HTTP).stat().st_mode)
