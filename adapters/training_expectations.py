"""Great Expectations about what a model is trained on: too little, or of the wrong kind, trains none."""

from __future__ import annotations

from collections.abc import Mapping

from adapters.expectations import Expectation, unmet

# Of the facts in `ml/training_data.py`. A quiet minute of a demonstration is enough, a handful of logs is not.
EXPECTED = (
    Expectation("logs", None, "{value:,.0f} normal logs carry a number, at least {least:,.0f} are needed", 200),
    Expectation("services", None, "they are of {value:.0f} services, at least {least:.0f} is needed", 1),
    Expectation("seconds", None, "they span {value:.0f} s, at least {least:.0f} s are needed", 20),
    Expectation(
        "thin_percent",
        90,
        "{value:.0f} % of the metrics of services have fewer than 30 values, at most {most:.0f} % may",
    ),
    Expectation("infinite", 0, "{value:,.0f} values are infinite, none may be"),
)


def objections(facts: Mapping[str, float]) -> list[str]:
    """What speaks against training on data with these facts, in words; empty means train."""
    return [one.words for one in unmet(facts, EXPECTED)]
