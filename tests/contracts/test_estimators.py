"""What scikit-learn asks of every estimator: its own checks where they fit ours, and the same promises where not."""

from __future__ import annotations

import importlib
import pkgutil
import warnings
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.base import BaseEstimator, clone
from sklearn.exceptions import NotFittedError
from sklearn.utils.estimator_checks import check_estimator
from sklearn.utils.validation import check_is_fitted, validate_data

import ml
from domain.logs import Level
from ml.detectors.joint_deviation import JointDeviation
from ml.detectors.service_deviation import SERVICE, ServiceDeviation
from ml.detectors.service_model import ServiceModel
from ml.lines import Line, LineDetector
from ml.lines.habits import LineHabits
from ml.registry import TRUSTED_TYPES
from ml.sessions import SessionModel
from tests.contracts.test_detectors import normal_logs

LINES = [Line("web", "INFO", f"request {number} took {number} ms", at=float(number)) for number in range(300)]
LINES += [Line("web", "ERROR", f"request {number} failed", at=300.0 + number) for number in range(10)]
LABELS = [None] * 300 + [1, 0] * 5
SESSIONS = [["opened", "read", "closed"] for _ in range(20)] + [["opened", "closed"]] * 3


@dataclass(frozen=True)
class Member:
    """One estimator, what it is fitted on, and what it says of one thing of that kind."""

    make: type[BaseEstimator]
    data: Callable[[], tuple[Any, ...]]
    ask: Callable[[Any], Any]
    stored: bool = True  # in the registry


def _rows_of(model: Any) -> Any:
    return model.score_samples(normal_logs(seed=8)).tolist()


def _joint_of(model: JointDeviation) -> Any:
    logs = normal_logs(seed=8)
    codes = np.where(logs[SERVICE] == "web", 1, 0)
    return model.measure(codes, logs.drop(columns=SERVICE).to_numpy(float)).reach.tolist()


def _joint_data() -> tuple[Any, ...]:
    return normal_logs(), ServiceDeviation().fit(normal_logs())


MEMBERS = [
    Member(ServiceDeviation, lambda: (normal_logs(),), _rows_of),
    Member(ServiceModel, lambda: (normal_logs(),), _rows_of),
    Member(JointDeviation, _joint_data, _joint_of),
    Member(LineDetector, lambda: (list(LINES), list(LABELS)), lambda model: model.find(LINES[-1], model.start())),
    Member(
        LineHabits, lambda: (list(LINES), list(LABELS)), lambda model: model.judge(0, Level.ERROR, LINES[-1].message)
    ),
    Member(SessionModel, lambda: (deepcopy(SESSIONS),), lambda model: model.find(["opened"]), stored=False),
]
every = pytest.mark.parametrize("member", MEMBERS, ids=lambda one: one.make.__name__)


def _of_modules() -> set[str]:
    """Every estimator that is defined below `ml`."""
    modules = (importlib.import_module(found.name) for found in pkgutil.walk_packages(ml.__path__, "ml."))
    return {
        name
        for module in modules
        for name, one in vars(module).items()
        if isinstance(one, type) and issubclass(one, BaseEstimator) and one.__module__ == module.__name__
    }


def test_every_estimator_has_a_row_here() -> None:
    # What is fitted of some services on another machine becomes a ServiceDeviation before anybody asks it.
    assert {member.make.__name__ for member in MEMBERS} == _of_modules() - {"PartDeviation"}


class _OfMatrix:
    """Takes the matrix of scikit-learn's checks for the metrics of one service."""

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()  # type: ignore[misc]  # of the estimator beside it
        tags.input_tags.allow_nan = True
        return tags

    def _frame(self, X: Any, *, reset: bool) -> pd.DataFrame:  # noqa: N803 - scikit-learn's name
        values = validate_data(self, X, reset=reset, ensure_all_finite="allow-nan", dtype=np.float64)
        frame = pd.DataFrame(values, columns=[f"metric {column}" for column in range(values.shape[1])])
        return frame.assign(**{SERVICE: "web"})

    def fit(self, X: Any, y: Any = None) -> Any:  # noqa: N803 - scikit-learn's name
        frame = self._frame(X, reset=True)
        ours = {name: getattr(self, name) for name in ("n_features_in_", "feature_names_in_") if hasattr(self, name)}
        super().fit(frame)  # type: ignore[misc]  # as above
        del self.feature_names_in_
        self.__dict__.update(ours)
        return self

    def score_samples(self, X: Any) -> Any:  # noqa: N803 - scikit-learn's name
        check_is_fitted(self)
        return super().score_samples(self._frame(X, reset=False))  # type: ignore[misc]  # as above


class MatrixDeviation(_OfMatrix, ServiceDeviation):
    feature_names_in_: Any


class MatrixModel(_OfMatrix, ServiceModel):
    feature_names_in_: Any


# They want outliers among the very rows of the training; ours are normal rows, and none of them may be one.
NO_OUTLIERS = dict.fromkeys(
    ("check_outliers_fit_predict", "check_outliers_train"), "no row of the training is an outlier"
)


@pytest.mark.parametrize("make", [MatrixDeviation, MatrixModel])
def test_detectors_of_rows_pass_scikit_learn_s_checks(make: type[BaseEstimator]) -> None:
    _check(make(), NO_OUTLIERS)


# Checks that look at the estimator and its parameters, and fit nothing.
OF_PARAMETERS = {
    "check_do_not_raise_errors_in_init_or_set_params",
    "check_estimator_cloneable",
    "check_estimator_repr",
    "check_estimator_tags_renamed",
    "check_estimators_unfitted",
    "check_get_params_invariance",
    "check_mixin_order",
    "check_no_attributes_set_in_init",
    "check_parameters_default_constructible",
    "check_set_params",
    "check_valid_tag_types",
}


@every
def test_parameters_are_as_scikit_learn_wants_them(member: Member) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = check_estimator(member.make(), on_fail=None, on_skip=None)
    # All others fit a matrix of numbers, which none of these takes: lines, sessions, or frames with services.
    status = {one["check_name"]: one["status"] for one in found if one["check_name"] in OF_PARAMETERS}
    assert dict.fromkeys(OF_PARAMETERS, "passed") == status


def _check(estimator: BaseEstimator, expected: dict[str, str]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        check_estimator(estimator, expected_failed_checks=expected, on_skip=None)


def fitted(member: Member) -> Any:
    return member.make().fit(*member.data())


@every
def test_fit_returns_the_estimator_and_changes_no_input(member: Member) -> None:
    data, before = member.data(), member.data()
    estimator = member.make()
    assert estimator.fit(*data) is estimator
    first, as_it_was = data[0], before[0]
    assert first.equals(as_it_was) if isinstance(first, pd.DataFrame) else first == as_it_was


@every
def test_what_was_learned_is_there_after_fit_alone_and_no_parameter_changes(member: Member) -> None:
    estimator = member.make()
    given = estimator.get_params(deep=False)
    assert not [name for name in vars(estimator) if name.endswith("_")]
    estimator.fit(*member.data())
    assert given == estimator.get_params(deep=False)
    learned = vars(estimator).keys() - given.keys()
    assert learned
    assert all(name.endswith("_") for name in learned)
    assert vars(clone(estimator)).keys() == vars(member.make()).keys()


@every
def test_nothing_is_said_before_fit(member: Member) -> None:
    with pytest.raises(NotFittedError):
        member.ask(member.make())


@every
def test_asking_changes_nothing_and_fitting_again_forgets(member: Member) -> None:
    one = fitted(member)
    before = member.ask(one)
    assert before == member.ask(one)
    assert before == member.ask(one.fit(*member.data()))


@pytest.mark.parametrize("member", [one for one in MEMBERS if one.stored], ids=lambda one: one.make.__name__)
def test_it_is_stored_without_code_and_says_the_same(member: Member) -> None:
    model = fitted(member)
    stored = skops.io.dumps(model)
    assert set(skops.io.get_untrusted_types(data=stored)) <= set(TRUSTED_TYPES)
    assert member.ask(model) == member.ask(skops.io.loads(stored, trusted=TRUSTED_TYPES))
