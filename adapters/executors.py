"""The families of executors: a new one is a file and a row."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from adapters.commands import CommandExecutor
from adapters.executing import Given
from adapters.kubernetes import KubernetesExecutor, rollouts_of, target_flaw
from adapters.supervisord import SupervisordExecutor
from adapters.systemd import SystemdExecutor
from adapters.watching import WatchingExecutor
from adapters.webhook_actions import WebhookExecutor
from domain.changes import Change
from domain.execution import Executor
from domain.inventory import Service

EXECUTORS: Mapping[str, Callable[[Given], Executor]] = {
    KubernetesExecutor.name: KubernetesExecutor,
    SupervisordExecutor.name: SupervisordExecutor,
    SystemdExecutor.name: SystemdExecutor,
    CommandExecutor.name: CommandExecutor,
    WebhookExecutor.name: WebhookExecutor,
    WatchingExecutor.name: WatchingExecutor,
}

# What a platform knows of changes of its services since a moment.
CHANGES: Mapping[str, Callable[[Given, Service, datetime], list[Change]]] = {KubernetesExecutor.name: rollouts_of}

# Why a target can be none on that platform, in words, or nothing; where the name alone can say so.
TARGET_FLAWS: Mapping[str, Callable[[str], str]] = {
    KubernetesExecutor.name: target_flaw,
}
