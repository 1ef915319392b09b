"""Prefect puts the folder of a flow on the path first: a module there hides the library of its name."""

from __future__ import annotations

from importlib.metadata import packages_distributions
from pathlib import Path

import flows


def test_no_module_beside_the_flows_has_the_name_of_a_library() -> None:
    """`flows/supervisor.py` hid the library `supervisor`, and every run of `watch` crashed."""
    ours = {path.stem for path in Path(str(flows.__file__)).parent.glob("*.py")}
    assert not ours & set(packages_distributions())
