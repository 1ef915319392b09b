"""One Kubernetes API server, spoken to in plain JSON documents; the client's errors stop here.

The official client knows kubeconfigs, tokens that are renewed, certificates and the account of a pod.
Its typed classes are left out: a document that is read and patched keeps the fields that they do not know.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from enum import StrEnum
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import yaml
from urllib3.exceptions import HTTPError

from domain.errors import BadSettings, Refused, Unavailable

if TYPE_CHECKING:
    from kubernetes.client import ApiClient

Document = Mapping[str, Any]
Body = Mapping[str, Any] | Sequence[Mapping[str, Any]]
IN_A_POD = "the pod's service account"
ROLE = "the role that it needs is in deployments/kubernetes/base/rbac.yaml"


class Patch(StrEnum):
    """How a patch is meant."""

    MERGE = "application/merge-patch+json"  # keys are set, null removes one
    STRATEGIC = "application/strategic-merge-patch+json"  # as MERGE; items of lists are matched by their names
    OPERATIONS = "application/json-patch+json"  # a list of operations


class Conflict(Unavailable):
    """Somebody else changed the object between our reading and our writing: read it again."""


class Cluster:
    """The API server that a kubeconfig names, or the one of the cluster that this runs in."""

    def __init__(self, kubeconfig: str, context: str, seconds: float) -> None:
        """`seconds`: the longest that one request may take. Raises BadSettings."""
        self.place = str(Path(kubeconfig).expanduser()) if kubeconfig else IN_A_POD
        self.seconds = seconds
        self._api = _connect(self.place, context)

    def get(self, path: str, query: Mapping[str, str] | None = None) -> Document | None:
        """The document at `path`; None where there is none. Raises Unavailable or Refused."""
        status, found = self._ask("GET", path, query=query)
        return None if status == HTTPStatus.NOT_FOUND else found

    def items(self, path: str, selector: str = "") -> Sequence[Document]:
        """The documents of a collection that a label selector chooses."""
        found = self.get(path, {"labelSelector": selector} if selector else None)
        return cast("Sequence[Document]", (found or {}).get("items", ()))

    def patch(self, path: str, body: Body, how: Patch) -> None:
        """Change the document at `path`. Raises Conflict when the body names a version that is past."""
        self._must("PATCH", path, body, how)

    def create(self, path: str, body: Body) -> None:
        """Add a document to the collection at `path`."""
        self._must("POST", path, body, "application/json")

    def delete(self, path: str) -> None:
        """Remove the document at `path`; one that is not there is fine."""
        self._ask("DELETE", path)

    def _must(self, method: str, path: str, body: Body, content: str) -> None:
        status, _ = self._ask(method, path, body=body, content=content)
        if status == HTTPStatus.NOT_FOUND:
            raise Refused(f"kubernetes {self._api.configuration.host}: there is no {path}")

    def _ask(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Body | None = None,
        content: str = "",
    ) -> tuple[int, Document]:
        """Status and document of one request; a 404 is an answer, everything else that is no success is raised."""
        from kubernetes.client.exceptions import ApiException  # noqa: PLC0415 - as in `_connect`

        headers = {"Accept": "application/json"} | ({"Content-Type": content} if content else {})
        pairs = list((query or {}).items())
        try:
            request = self._api.param_serialize(
                method, path, query_params=pairs, header_params=headers, body=body, auth_settings=["BearerToken"]
            )
            response = self._api.call_api(*request, _request_timeout=self.seconds)
            status, text = int(response.status), bytes(response.read())
        except (HTTPError, ApiException, OSError) as error:
            raise Unavailable(f"kubernetes {self._api.configuration.host}: {error}") from error
        found = _document(text)
        if status >= HTTPStatus.MULTIPLE_CHOICES and status != HTTPStatus.NOT_FOUND:
            raise self._said_no(status, str(found.get("message") or text[:200].decode(errors="replace")))
        return status, found

    def _said_no(self, status: int, message: str) -> Exception:
        """An answer that is no success, as our error."""
        where = f"kubernetes {self._api.configuration.host}"
        if status == HTTPStatus.UNAUTHORIZED:
            return Refused(f"{where}: the credentials of {self.place} are not accepted (401): {message}")
        if status == HTTPStatus.FORBIDDEN:
            return Refused(f"{where}: not allowed (403): {message}; {ROLE}")
        if status == HTTPStatus.CONFLICT:
            return Conflict(f"{where}: changed by somebody else meanwhile (409): {message}")
        if status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return Unavailable(f"{where}: answered {status}: {message}")
        return Refused(f"{where}: said no ({status}): {message}")


def _document(text: bytes) -> Document:
    """The answer's JSON object; empty when it is none, as a proxy's answer may be."""
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _connect(place: str, context: str) -> ApiClient:
    """The client for a kubeconfig, or for the pod that this runs in. Raises BadSettings."""
    from kubernetes import client, config  # noqa: PLC0415 - 2 s, only where something is acted upon

    settings = client.Configuration()
    settings.retries = False  # the steps of an answer are tried again, not single requests
    try:
        if place == IN_A_POD:
            config.load_incluster_config(client_configuration=settings)
        else:
            config.load_kube_config(place, context or None, settings, persist_config=False)
    except config.ConfigException as error:
        raise BadSettings(f"{_setting(place, context)}: {error}") from error
    except (OSError, ValueError, TypeError, yaml.YAMLError) as error:
        raise BadSettings(f"{_setting(place, context)}: is no kubeconfig: {error}") from error
    return client.ApiClient(settings)


def _setting(place: str, context: str) -> str:
    """The setting to look at."""
    if place == IN_A_POD:
        return "mitigation.kubeconfig is empty, and this runs in no pod"
    return f"mitigation.kubeconfig {place}" + (f" (mitigation.kube_context {context})" if context else "")
