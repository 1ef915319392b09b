"""A project folder with its settings files, for tests of settings."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from adapters.settings_files import Loaded, load
from domain.errors import BadSettings


class Project:
    """A project folder of a test, with its files, its home and nothing from outside."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, name: str, content: str | dict[str, Any]) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content, indent=1), encoding="utf-8")
        return path

    def load(self, environ: Mapping[str, str] | None = None, file: Path | None = None, **overrides: object) -> Loaded:
        given = {key.replace("__", "."): value for key, value in overrides.items()}
        return load(file, environ or {}, self.folder / ".sre", given, project=self.folder)

    def problems(
        self, environ: Mapping[str, str] | None = None, file: Path | None = None, **given: object
    ) -> list[str]:
        with pytest.raises(BadSettings) as caught:
            self.load(environ, file, **given)
        return str(caught.value).splitlines()


def value(loaded: Loaded, key: str) -> object:
    found: object = loaded.settings
    for name in key.split("."):
        found = getattr(found, name)
    return found
