"""The families of executors: a new one is a file and a row."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from adapters.supervisord import SupervisordExecutor
from domain.execution import Executor
from domain.settings import CallSettings, MitigationSettings

EXECUTORS: Mapping[str, Callable[[MitigationSettings, CallSettings], Executor]] = {
    SupervisordExecutor.name: SupervisordExecutor,
}
