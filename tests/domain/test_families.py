from __future__ import annotations

import pytest

from domain.families import Family, family_of


@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        ("cpu_usage", Family.CPU),
        ("process_cpu_seconds_total", Family.CPU),
        ("node_cpu_usage", Family.HOST),
        ("memory_usage", Family.MEMORY),
        ("jvm_heap_mb", Family.MEMORY),
        ("mem", Family.MEMORY),
        ("latency_p99", Family.LATENCY),
        ("response_time_ms", Family.LATENCY),
        ("client_latency_p90", Family.CALLING),
        ("error_rate", Family.ERRORS),
        ("http_5xx_per_second", Family.ERRORS),
        ("pool_in_use", Family.HELD),
        ("open_fds", Family.HELD),
        ("request_rate", Family.LOAD),
        ("success_rate", Family.LOAD),
        ("net_rx", Family.LOAD),
        ("temperature", Family.OTHER),
    ],
)
def test_a_metrics_name_tells_its_family(metric: str, expected: Family) -> None:
    assert expected is family_of(metric)
