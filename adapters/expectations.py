"""Great Expectations about a stretch of batches: each is checked on its summary, never log by log."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import pandas as pd

from domain.batch_facts import Facts, Volume
from domain.errors import BadBatch
from domain.quality_settings import QualitySettings

if TYPE_CHECKING:
    from great_expectations.core.batch_definition import BatchDefinition
    from great_expectations.core.expectation_suite import ExpectationSuite
    from great_expectations.data_context.data_context.ephemeral_data_context import EphemeralDataContext
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

# Loggers of Great Expectations; the second has a level of its own, INFO.
CHATTY = ("great_expectations", "great_expectations.data_context.types.base")
PERCENT = 100.0


@dataclass(frozen=True, slots=True)
class Expectation:
    """What one column of the summary may be."""

    column: str
    most: float | None
    words: str  # what a value of it means, with {value}, and {most} or {least}, in it
    least: float | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """An expectation that was not met."""

    column: str
    value: float
    words: str


def expected(settings: QualitySettings) -> list[Expectation]:
    """Every expectation about a stretch."""
    shares = (
        ("rejected_percent", settings.most_rejected, "of the messages cannot be read"),
        ("without_message_percent", settings.most_without_message, "of the logs have no message"),
        ("unknown_level_percent", settings.most_unknown_levels, "of the logs have a level that is not known"),
        ("disordered_percent", settings.most_disordered, "of the logs are older than the one before them"),
        ("odd_services_percent", settings.most_odd_services, "of the services send far more or less than usual"),
    )
    found = [
        Expectation(column, most * PERCENT, f"{{value:.1f}} % {words}, at most {{most:g}} % may")
        for column, most, words in shares
    ]
    late = "half of the logs are {value:.0f} s old or older when they arrive, at most {most:g} s they may be"
    new = "{value:.0f} services were never seen before, at most {most:g} may appear at once"
    found += [
        Expectation("late_seconds", settings.most_late_seconds, late),
        Expectation("new_services", float(settings.most_new_services), new),
    ]
    outside = "{value:.0f} values of NAME are outside LEAST to MOST"
    for name, (least, most) in sorted(settings.ranges.items()):
        words = outside.replace("NAME", name).replace("LEAST", f"{least:g}").replace("MOST", f"{most:g}")
        found.append(Expectation(f"outside {name}", 0.0, words))
    return found


def row(found: Facts, against: Volume, settings: QualitySettings) -> dict[str, float]:
    """The summary as a row: what is looked at, by column."""
    logs, messages = max(found.logs, 1), max(found.messages, 1)
    odd = len(against.quiet) + len(against.loud)
    return {
        "messages": float(found.messages),
        "rejected_percent": found.rejected / messages * PERCENT,
        "without_message_percent": found.without_message / logs * PERCENT,
        "unknown_level_percent": found.unknown_levels / logs * PERCENT,
        "disordered_percent": found.disordered / logs * PERCENT,
        "odd_services_percent": odd / max(against.known, 1) * PERCENT,
        "late_seconds": median(found.late_seconds) if found.late_seconds else 0.0,
        "new_services": float(len(against.new)),
        **{f"outside {name}": float(found.outside.get(name, 0)) for name in settings.ranges},
    }


def failures(summary: Mapping[str, float], settings: QualitySettings) -> list[Failure]:
    """The expectations that the summary does not meet."""
    return _unmet(*_suite(settings.model_dump_json()), summary, expected(settings))


def unmet(summary: Mapping[str, float], expectations: Sequence[Expectation]) -> list[Failure]:
    """Which of any expectations a summary does not meet; each of its columns has one at most."""
    context = _context()
    return _unmet(_definition(context), _expectations(context, expectations), summary, expectations)


def _unmet(
    definition: BatchDefinition[Any],
    suite: ExpectationSuite,
    summary: Mapping[str, float],
    expectations: Sequence[Expectation],
) -> list[Failure]:
    result = definition.get_batch({"dataframe": pd.DataFrame([dict(summary)])}).validate(suite)
    by_column = {one.column: one for one in expectations}
    found = []
    for outcome in result.results:
        if outcome.exception_info.get("raised_exception"):
            raise BadBatch(f"great expectations: {outcome.exception_info.get('exception_message')}")
        if not outcome.success:
            one = by_column[_column(outcome.expectation_config)]
            value = summary[one.column]
            words = one.words.format(value=value, most=one.most, least=one.least)
            found.append(Failure(one.column, value, words))
    return found


def _column(expectation: ExpectationConfiguration | None) -> str:
    return str(expectation.kwargs["column"]) if expectation else ""


@cache
def _suite(settings: str) -> tuple[BatchDefinition[Any], ExpectationSuite]:
    context, expectations = _context(), expected(QualitySettings.model_validate_json(settings))
    return _definition(context), _expectations(context, expectations)


def _context() -> EphemeralDataContext:
    # Great Expectations takes seconds to import and reports usage unless told not to.
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    import great_expectations as gx  # noqa: PLC0415 - 5 s, only where batches are checked
    from great_expectations.data_context.types.base import ProgressBarsConfig  # noqa: PLC0415

    for name in CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    return context


def _definition(context: EphemeralDataContext) -> BatchDefinition[Any]:
    asset = context.data_sources.add_pandas("kafka").add_dataframe_asset("batches")
    return asset.add_batch_definition_whole_dataframe("stretch")


def _expectations(context: EphemeralDataContext, expectations: Sequence[Expectation]) -> ExpectationSuite:
    import great_expectations as gx  # noqa: PLC0415 - as above
    from great_expectations.expectations.core.expect_column_values_to_be_between import (  # noqa: PLC0415
        ExpectColumnValuesToBeBetween,
    )

    suite = gx.ExpectationSuite(
        name="batches",
        expectations=[
            ExpectColumnValuesToBeBetween(column=one.column, min_value=one.least, max_value=one.most)
            for one in expectations
        ],
    )
    return context.suites.add(suite)


def warm_up(settings: QualitySettings) -> None:
    """Import Great Expectations and make the suite, before the first stretch waits for it."""
    _suite(settings.model_dump_json())


def write_docs(summaries: Sequence[Mapping[str, float]], settings: QualitySettings, folder: Path) -> Path:
    """Great Expectations' own pages about stored stretches, into a folder; the page to open."""
    context = _context()
    definition = _definition(context)
    suite = _expectations(context, expected(settings))
    import great_expectations as gx  # noqa: PLC0415 - as above

    folder.mkdir(parents=True, exist_ok=True)
    site: Any = {
        "class_name": "SiteBuilder",
        "store_backend": {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(folder.absolute())},
        "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
    }
    context.add_data_docs_site(site_name="quality", site_config=site)
    validation = context.validation_definitions.add(
        gx.ValidationDefinition(name="stretches", data=definition, suite=suite)
    )
    validation.run(batch_parameters={"dataframe": pd.DataFrame([dict(one) for one in summaries])})
    context.build_data_docs(site_names=["quality"])
    return folder / "index.html"
