"""A fit spread over workers: one task run for each part of the services, wherever the flow's task runner puts it."""

from __future__ import annotations

import pandas as pd
from prefect import task
from prefect.cache_policies import NO_CACHE

from ml.detectors.service_deviation import ServiceDeviation
from ml.training import Candidate
from ml.training_parts import Facts, divided, facts_of, fit_part, merged, of_all


class Part:
    """Rows of some services on their way to a worker; Prefect does not look into it."""

    def __init__(self, number: int, frame: pd.DataFrame) -> None:
        self.number, self.frame = number, frame

    def __str__(self) -> str:
        return f"part {self.number}"


@task(retries=1, cache_policy=NO_CACHE, persist_result=False, task_run_name="look at {part}")
def look(part: Part) -> Facts:
    """What is told of the metrics over all services, of one part."""
    return facts_of(part.frame)


@task(retries=1, cache_policy=NO_CACHE, persist_result=False, task_run_name="fit {part}")
def learn(part: Part, facts: Facts) -> ServiceDeviation:
    """What is learned of the services of one part."""
    return fit_part(part.frame, facts)


def fit_on_workers(frame: pd.DataFrame, many: int) -> Candidate:
    """A candidate fitted in so many parts by the task runner of the present flow."""
    parts = [Part(number, one) for number, one in enumerate(divided(frame, many), start=1)]
    told = [look.submit(part) for part in parts]
    facts = of_all([one.result() for one in told])
    learned = [learn.submit(part, facts) for part in parts]
    return merged([one.result() for one in learned])
