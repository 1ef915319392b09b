"""Configure: a value of an environment variable or of a ConfigMap is changed, and put back by the undo.

Only a value that is there is changed: a name with a slip in it would otherwise add one that nobody reads.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, cast

from adapters.kubernetes.changes import Mark, Placed
from adapters.kubernetes.cluster import Document, Patch
from domain.nearest import nearest
from domain.parameters import Configure

FORMS = "a key is env/NAME, env/CONTAINER/NAME or configmap/NAME/KEY"


class Place(Protocol):
    """Where a value stands."""

    rolls_out: bool  # whether pods are replaced by a change

    def read(self, placed: Placed) -> str:
        """The value. Raises Refused where there is none."""
        ...

    def write(self, placed: Placed, value: str) -> None:
        """Change it. Raises Conflict when what it stands in was changed since it was read."""
        ...


class Configuring:
    """Changes the value that the parameters name."""

    def rolls_out(self, placed: Placed) -> bool:
        return _place(placed).rolls_out

    def mark(self, placed: Placed) -> Mark:
        return Mark(_place(placed).read(placed), _wanted(placed).value)

    def plan(self, placed: Placed) -> str:
        place, wanted = _place(placed), _wanted(placed)
        if place.rolls_out:
            placed.must_roll_out()
        now = place.read(placed)
        if now == wanted.value:
            raise placed.refused(f"{wanted.key} is {now!r} already")
        pods = f", which replaces its {placed.workload.replicas} pods" if place.rolls_out else ""
        return f"change {wanted.key} of {placed.order.target} from {now!r} to {wanted.value!r}{pods}"

    def apply(self, placed: Placed) -> None:
        _place(placed).write(placed, _wanted(placed).value)

    def put_back(self, placed: Placed, mark: str) -> None:
        _place(placed).write(placed, mark)


class OfContainer:
    """An environment variable of the pods' template."""

    rolls_out = True

    def __init__(self, container: str, name: str) -> None:
        """`container`: empty for the one that has the variable."""
        self.container, self.name = container, name

    def read(self, placed: Placed) -> str:
        return str(self._variable(placed)[1].get("value", ""))

    def write(self, placed: Placed, value: str) -> None:
        container, _ = self._variable(placed)
        changed = {"name": container["name"], "env": [{"name": self.name, "value": value}]}
        body = {"metadata": placed.version, "spec": {"template": {"spec": {"containers": [changed]}}}}
        placed.cluster.patch(placed.workload.path, body, Patch.STRATEGIC)

    def _variable(self, placed: Placed) -> tuple[Document, Document]:
        """The container and the variable. Raises Refused where there is none, or more than one."""
        containers = placed.workload.document["spec"]["template"]["spec"]["containers"]
        named = [each for each in containers if self.container in ("", each["name"])]
        found = [(each, one) for each in named for one in each.get("env", ()) if one["name"] == self.name]
        if not found:
            known = [one["name"] for each in named for one in each.get("env", ())]
            raise placed.refused(f"its pods have no environment variable {self.name}; {nearest(self.name, known)}")
        if len(found) > 1:
            raise placed.refused(f"several containers have {self.name}: name one of them, env/CONTAINER/{self.name}")
        if "valueFrom" in found[0][1]:
            raise placed.refused(f"{self.name} comes from somewhere else (valueFrom), so it is not changed here")
        return found[0]


class OfConfigMap:
    """A value of a ConfigMap in the workload's namespace. Pods see it as they are made to: at once, or anew."""

    rolls_out = False

    def __init__(self, name: str, key: str) -> None:
        self.name, self.key = name, key

    def read(self, placed: Placed) -> str:
        data: Mapping[str, str] = self._document(placed).get("data", {})
        if self.key not in data:
            raise placed.refused(f"ConfigMap {self.name} has no key {self.key}; {nearest(self.key, data)}")
        return data[self.key]

    def write(self, placed: Placed, value: str) -> None:
        version = {"resourceVersion": self._document(placed)["metadata"]["resourceVersion"]}
        body = {"metadata": version, "data": {self.key: value}}
        placed.cluster.patch(self._path(placed), body, Patch.MERGE)

    def _path(self, placed: Placed) -> str:
        return f"/api/v1/namespaces/{placed.workload.namespace}/configmaps/{self.name}"

    def _document(self, placed: Placed) -> Document:
        found = placed.cluster.get(self._path(placed))
        if found is None:
            raise placed.refused(f"namespace {placed.workload.namespace} has no ConfigMap {self.name}")
        return found


def _wanted(placed: Placed) -> Configure:
    return cast("Configure", placed.order.action.parameters)


def _place(placed: Placed) -> Place:
    """Where the key points to. Raises Refused when it is none that there can be."""
    match _wanted(placed).key.split("/"):
        case ["env", name]:
            return OfContainer("", name)
        case ["env", container, name]:
            return OfContainer(container, name)
        case ["configmap", name, key] if name not in ("", ".", ".."):
            return OfConfigMap(name, key)
        case _:
            raise placed.refused(f"{_wanted(placed).key!r} names no value; {FORMS}")
