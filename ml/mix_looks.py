"""What is looked at of the texts of services in a minute, and what is said about them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_ndtr

from ml.volumes import LEAST_P

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Said:
    """What the services said in a minute: one row for each service and template; arrays of shape (n_rows,)."""

    service: Codes  # number of the service
    template: Codes
    logs: Floats


@dataclass(frozen=True, slots=True)
class Odd:
    """What is said about the texts of each service; arrays of shape (n_services,)."""

    service: Codes
    p_value: Floats
    template: Codes  # the one that contributes most, 0 where there is none
    above: NDArray[np.bool_]  # it comes more often than usual
    value: Floats  # of 100 logs
    normal: Floats
    spread: Floats
    since: Floats  # the minute in which it began, NaN where nothing did


@dataclass(frozen=True, slots=True)
class Looked:
    """One minute of all pairs of the services that said something; arrays of shape (n_pairs,)."""

    at: Codes  # row of each pair
    of: Codes  # index of its service among those present
    logs: Floats
    whole: Floats  # logs of its service
    low: Floats  # the least and the most that are usual
    high: Floats
    recent: Floats  # what the last hours let expect
    spread: Floats  # as a multiple of the square root of these
    factor: Floats  # how far counts are from what was expected, as the standard deviation of their logarithm
    mature: NDArray[np.bool_]  # known for long enough to be judged
    settled: NDArray[np.bool_]  # known for so long that it would be missed
    new: NDArray[np.bool_]  # its service did not have it for long


def tail(logs: Floats, usual: Floats, factor: Floats) -> Floats:
    """How likely so many times more or fewer logs are, as a normal distribution of the logarithm."""
    found: Floats = np.exp(np.maximum(log_ndtr(-np.abs(np.log((logs + 1) / (usual + 1))) / factor), np.log(LEAST_P)))
    return found


def nothing(present: Codes) -> Odd:
    """Of services of which nothing is known."""
    zero, none = np.zeros(len(present)), np.zeros(len(present), np.int64)
    return Odd(present, zero + 1, none, zero > 0, zero, zero, zero, zero + np.nan)


def largest(seen: Looked, weight: Floats, many: int) -> NDArray[np.int64]:
    """Index of the pair of each service that has the largest weight above 0, −1 where none has."""
    found = np.full(many, -1)
    order = np.argsort(weight, kind="stable")
    order = order[weight[order] > 0]
    found[seen.of[order]] = order  # the last one written is the largest
    return found
