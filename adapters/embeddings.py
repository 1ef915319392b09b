"""Vectors of texts from an endpoint that speaks OpenAI's protocol for embeddings."""

from __future__ import annotations

from collections.abc import Sequence

import httpx
import numpy as np
import numpy.typing as npt

from adapters.trust import hint, trusted
from domain.errors import Refused, SreError, Unavailable
from domain.settings import CallSettings, RetrievalSettings

AT_ONCE = 64  # texts in one call
BUSY = 429
MATRIX = 2  # dimensions of the array

Vectors = npt.NDArray[np.float64]


class EmbeddingEndpoint:
    """Turns texts into vectors; each call takes `calls.timeout_seconds` at most."""

    def __init__(self, settings: RetrievalSettings, calls: CallSettings) -> None:
        self.settings = settings
        self.timeout = calls.timeout_seconds

    def __call__(self, texts: Sequence[str]) -> Vectors:
        """Float64 array of shape (n_texts, dimensions).

        Raises Unavailable when the endpoint does not answer or is busy, and Refused when it says no or
        answers something else than vectors.
        """
        with httpx.Client(timeout=self.timeout, headers=self._headers(), verify=trusted()) as client:
            found = [self._ask(client, texts[at : at + AT_ONCE]) for at in range(0, len(texts), AT_ONCE)]
        if len({vectors.shape[1] for vectors in found}) != 1:
            raise Refused(f"{self._where}: vectors of several sizes")
        return np.concatenate(found)

    def _ask(self, client: httpx.Client, texts: Sequence[str]) -> Vectors:
        body = {"model": self.settings.embedding_model, "input": list(texts)}
        try:
            answer = client.post(f"{self.settings.embedding_url.rstrip('/')}/embeddings", json=body)
            answer.raise_for_status()
            vectors = [each["embedding"] for each in sorted(answer.json()["data"], key=lambda each: each["index"])]
            found = np.array(vectors, dtype=np.float64)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise self._ours(error) from error
        except (KeyError, TypeError, ValueError) as error:
            raise Refused(f"{self._where}: the answer holds no vectors (see retrieval.embedding_url)") from error
        if (
            found.shape[:1] != (len(texts),)
            or found.ndim != len(("texts", "dimensions"))
            or not np.isfinite(found).all()
        ):
            raise Refused(f"{self._where}: the answer holds not one vector for each text")
        return found

    def _ours(self, error: Exception) -> SreError:
        if isinstance(error, httpx.HTTPStatusError):
            code = error.response.status_code
            text = f"{self._where}: {code} {error.response.reason_phrase}"
            if code == BUSY or error.response.is_server_error:
                return Unavailable(text)
            return Refused(f"{text} (see retrieval.embedding_model and retrieval.embedding_key)")
        why = hint(error) or " (see retrieval.embedding_url)"
        return Unavailable(f"{self._where}: {type(error).__name__}{why}")

    def _headers(self) -> dict[str, str]:
        key = self.settings.embedding_key.get_secret_value()
        return {"Authorization": f"Bearer {key}"} if key else {}

    @property
    def _where(self) -> str:
        return f"embeddings of {self.settings.embedding_model or 'the endpoint'}"
