"""From a digest back to what decided: settings, playbooks, inventory and model, as they were or as somebody asks."""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError

from adapters.store.database import Engine, transaction
from adapters.store.knowledge_rows import recall, recall_document
from domain.calls import roster_of
from domain.contacts import Contact
from domain.errors import BadInput, SreError
from domain.inventory import Inventory, Service
from domain.playbooks import Playbook
from domain.questions import reading
from domain.replay import Texts
from domain.roster import Roster
from domain.settings import Settings, without_secrets
from ml.asking import Asking
from ml.scoring import Champion
from tasks.judging import Knowledge

# A replay waits longer for a model than a live batch may.
PATIENCE = 600.0
RULES = 0  # as a version: no model at all
NOT_OF_LOGS = frozenset({"incidents", "mitigation", "paging"})  # branches that no log is scored by
NO_MODEL_ASKED = "no model is asked"

Kept = TypeVar("Kept", bound=BaseModel)
LoadModel = Callable[[int], Champion]  # the version from the registry; raises BadInput or Unavailable


@dataclass(frozen=True)
class Changes:
    """What a replay takes instead of what decided; what is None stays as it was."""

    settings: Settings | None = None
    branches: Mapping[str, Mapping[str, object]] = field(default_factory=dict)  # or some settings of some branches
    playbooks: tuple[Playbook, ...] | None = None
    beside: tuple[Playbook, ...] = ()  # playbooks that come to the others
    model: int | None = None  # a version, or RULES
    roster: Roster | None = None  # who is on call
    unreachable: frozenset[Contact] = frozenset()  # contacts of that roster that cannot be used

    @property
    def of_logs(self) -> Hashable:
        """What of it logs are scored by: where that is the same, every log is scored alike."""
        values = [
            (branch, name, value)
            for branch, changed_values in self.branches.items()
            for name, value in changed_values.items()
            if branch not in NOT_OF_LOGS and (branch, name) != ("detection", "false_alarms_per_day")
        ]
        return (id(self.settings), self.model, repr(sorted(values, key=str)))

    @property
    def any(self) -> bool:
        """Whether anything is changed."""
        return self != Changes()

    @property
    def chooses(self) -> bool:
        """Whether there are other playbooks to choose from."""
        return self.playbooks is not None or bool(self.beside)


class Recalled:
    """What decided, by its digest; each is rebuilt once."""

    def __init__(self, engine: Engine, load: LoadModel, changes: Changes = Changes()) -> None:
        self.engine = engine
        self.load = load
        self.changes = changes
        self.known: dict[str, Knowledge] = {}
        self.models: dict[int, Champion | None] = {}
        self.rosters: dict[str, Roster] = {}
        self.lost: dict[str, str] = {}  # digest, or model -> why it cannot be had again, in words

    def of(self, named: str) -> Knowledge:
        """What decided under that digest. What cannot be rebuilt is as it is today, and in `lost`."""
        if named not in self.known:
            self.known[named] = self._changed(self._rebuilt(named))
        return self.known[named]

    def roster(self, question: Mapping[str, Any]) -> Roster:
        """Who was on call when a question was asked. Raises BadInput where that is not kept any more, or no roster."""
        with reading("question of whom to tell"):
            named = str(question["roster"])
        if named not in self.rosters:
            with transaction(self.engine) as connection:
                text = recall_document(connection, named)
            if text is None:
                raise BadInput("who was on call is not kept any more")
            self.rosters[named] = roster_of(text)
        return self.rosters[named]

    def _rebuilt(self, named: str) -> Knowledge:
        with transaction(self.engine) as connection:
            texts = recall(connection, named)
        if texts is None:
            self.lost[named] = "settings, playbooks and model are not kept any more"
            return Knowledge(Settings(), (), None)
        try:
            found = of_texts(texts)
        except (ValidationError, ValueError) as error:
            self.lost[named] = f"settings or playbooks of another version: {str(error).splitlines()[0]}"
            return Knowledge(Settings(), (), None)
        if self.changes.model is None and texts.model:
            found = replace(found, champion=self._model(version_of(texts.model)))
        if found.texts != texts and not self.changes.any and named not in self.lost and found.champion is not None:
            self.lost[named] = "what is read back is not what was kept"
        return found

    def _changed(self, found: Knowledge) -> Knowledge:
        changes = self.changes
        if changes.settings is not None:
            found = replace(found, settings=without_secrets(changes.settings))
        if changes.branches:
            found = replace(found, settings=changed(found.settings, changes.branches))
        if changes.playbooks is not None:
            found = replace(found, playbooks=changes.playbooks)
        if changes.beside:
            found = replace(found, playbooks=(*found.playbooks, *changes.beside))
        if changes.model == RULES:
            found = replace(found, champion=None, without=NO_MODEL_ASKED)
        elif changes.model is not None:
            found = replace(found, champion=self.load(changes.model))
        return found

    def _model(self, version: int) -> Champion | None:
        if version not in self.models:
            try:
                self.models[version] = patient(self.load(version))
            except SreError as error:
                self.models[version] = None
                self.lost[f"model {version}"] = f"{error}; what it judged is judged by rules alone"
        return self.models[version]


def changed(tree: Settings, branches: Mapping[str, Mapping[str, object]]) -> Settings:
    """The same tree with other values in some branches."""
    whole = {name: getattr(tree, name).model_copy(update=dict(values)) for name, values in branches.items()}
    return tree.model_copy(update=whole)


def patient(champion: Champion) -> Champion:
    """The same model, which may take its time."""
    return Champion(champion.detector, champion.version, Asking(PATIENCE))


def version_of(model: str) -> int:
    """The version that a text of `Knowledge.texts` names. Raises ValueError for another text."""
    return int(model.rpartition(" ")[2])


def as_kept(kind: type[Kept], kept: Mapping[str, Any]) -> Kept:
    """A branch of settings as its document has it. Raises ValueError where a value is none of its type.

    What checks settings when people write them is left out: secrets are not kept, and no check must want them. What
    is not in the document is as it is by default.
    """
    if not isinstance(kept, Mapping):
        raise ValueError(f"{kind.__name__}: what is kept is no branch of settings")  # noqa: TRY004 - as for any other value
    values: dict[str, Any] = {}
    for name, field_of_it in kind.model_fields.items():
        wanted: Any = field_of_it.annotation
        if name in kept:
            is_branch = isinstance(wanted, type) and issubclass(wanted, BaseModel)
            values[name] = as_kept(wanted, kept[name]) if is_branch else TypeAdapter(wanted).validate_python(kept[name])
    return kind.model_construct(**values)


def of_texts(texts: Texts) -> Knowledge:
    """Settings, playbooks and inventory as they were, without the model. Raises ValueError for what is none."""
    settings = as_kept(Settings, json.loads(texts.settings))
    playbooks = TypeAdapter(tuple[Playbook, ...]).validate_python(json.loads(texts.playbooks))
    services = TypeAdapter(dict[str, Service]).validate_python(json.loads(texts.inventory))
    return Knowledge(settings, playbooks, None, inventory=Inventory(services))
