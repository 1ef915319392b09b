"""From the templates of a minute to what is judged of them, and from what was judged to findings."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from domain.findings import MinuteFinding
from domain.minutes import Measured
from ml.mix_looks import Odd, Said
from ml.promise import confidence

Codes = NDArray[np.int64]


def said(rows: pa.Table, numbers: Mapping[str, int]) -> Said:
    """What services said in a minute, without those that have no number; `rows`: ROWS of templates."""
    encoded = rows["service"].combine_chunks().dictionary_encode()
    codes = np.array([numbers.get(name, -1) for name in encoded.dictionary.to_pylist()], np.int64)
    service = codes[encoded.indices.to_numpy(zero_copy_only=False)] if len(rows) else np.empty(0, np.int64)
    ids = rows["name"].cast(pa.int64()).to_numpy()
    known = service >= 0
    return Said(service[known], ids[known], rows["values"].to_numpy().astype(float)[known])


def findings(
    odd: Odd, measured: Measured, *, minute: int, limit: float, numbers: Mapping[str, int], logs: Mapping[str, int]
) -> list[MinuteFinding]:
    """What of texts was unlikelier than `limit`; `numbers`: of services, `logs`: of each of them."""
    names = {number: name for name, number in numbers.items()}
    found = []
    for at in np.flatnonzero((odd.p_value <= limit) & (odd.template != 0)).tolist():
        service, p_value = names[int(odd.service[at])], float(odd.p_value[at])
        found.append(
            MinuteFinding(
                service=service,
                measured=measured,
                name=str(odd.template[at]),
                minute=minute,
                since=minute if np.isnan(odd.since[at]) else int(odd.since[at]),
                logs=logs.get(service, 0),
                direction="high" if odd.above[at] else "low",
                value=float(odd.value[at]),
                normal=float(odd.normal[at]),
                spread=float(odd.spread[at]),
                p_value=p_value,
                fitted=False,
                confidence=confidence(p_value, limit),
            )
        )
    return found
