"""The families of executors: a new one is a file and a row."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from adapters.commands import CommandExecutor
from adapters.executing import Given
from adapters.kubernetes import KubernetesExecutor, target_flaw
from adapters.supervisord import SupervisordExecutor
from adapters.systemd import SystemdExecutor
from adapters.watching import WatchingExecutor
from adapters.webhook_actions import WebhookExecutor
from domain.execution import Executor

EXECUTORS: Mapping[str, Callable[[Given], Executor]] = {
    KubernetesExecutor.name: KubernetesExecutor,
    SupervisordExecutor.name: SupervisordExecutor,
    SystemdExecutor.name: SystemdExecutor,
    CommandExecutor.name: CommandExecutor,
    WebhookExecutor.name: WebhookExecutor,
    WatchingExecutor.name: WatchingExecutor,
}

# Why a target can be none on that platform, in words, or nothing; where the name alone can say so.
TARGET_FLAWS: Mapping[str, Callable[[str], str]] = {
    KubernetesExecutor.name: target_flaw,
}
