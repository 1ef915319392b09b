"""What every branch of the settings is: frozen, closed, and silent about its values."""

from __future__ import annotations

from collections.abc import Callable

from pydantic import BaseModel, ConfigDict, SecretStr


class Branch(BaseModel):
    """A frozen branch of the tree; unknown keys are errors."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        allow_inf_nan=False,
        hide_input_in_errors=True,  # a wrong value may be a secret
        use_attribute_docstrings=True,
    )


def without_problem(value: SecretStr, problem: Callable[[str], str]) -> SecretStr:
    """The value; raises ValueError with what `problem` says about it, and without the value itself."""
    if (text := value.get_secret_value()) and (found := problem(text)):
        raise ValueError(found)
    return value
