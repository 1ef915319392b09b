"""The application: its routes, and what every request passes first."""

from __future__ import annotations

from fastapi import FastAPI

from adapters.openid.provider import Provider
from console.http import answers
from console.http.guards import Guard
from console.http.routes import alerts, changes, commands, health, links, logs, metrics, pagerduty, slack
from console.http.running import Runs
from console.http.service import Service
from console.http.web import answers as web_answers
from console.http.web import (
    assets,
    incidents,
    live,
    login,
    models,
    muting,
    openid_login,
    reports,
    rota,
    searches,
    services,
    settings_page,
    trusting,
)
from console.http.web.attempts import Attempts
from console.http.web.live import Feed

ROUTES = (
    links.router,
    slack.router,
    pagerduty.router,
    alerts.router,
    changes.router,
    logs.router,
    commands.router,
    health.router,
    metrics.router,
    incidents.router,
    web_answers.router,
    live.router,
    assets.router,
    login.router,
    openid_login.router,
    services.router,
    muting.router,
    rota.router,
    searches.router,
    models.router,
    trusting.router,
    reports.router,
    settings_page.router,
)


def create(service: Service) -> FastAPI:
    """The application around one service."""
    app = FastAPI(title="SRE Agent", docs_url=None, redoc_url=None, redirect_slashes=False)
    app.state.service = service
    app.state.feed = Feed(service.engine)
    app.state.attempts = Attempts(service.clock)
    app.state.openid = Provider(service.settings.openid) if service.settings.openid.issuer else None
    app.state.runs = Runs()
    answers.install(app)
    for router in ROUTES:
        app.include_router(router)
    app.add_middleware(Guard, settings=service.settings)
    return app
