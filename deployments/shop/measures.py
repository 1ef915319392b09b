"""What a service measures about itself: nothing here is made up."""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass, field

import psutil

WINDOW_SECONDS = 10.0
MEGABYTE = 1024 * 1024


@dataclass
class Recent:
    """The requests of the last ten seconds."""

    started: float = field(default_factory=time.monotonic)
    requests: deque[tuple[float, bool, float]] = field(default_factory=deque)  # (end, failed, seconds)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, seconds: float, *, failed: bool) -> None:
        """Count one finished request."""
        with self.lock:
            self.requests.append((time.monotonic(), failed, seconds))

    def metrics(self) -> dict[str, float]:
        """Rate, share of failures (0–1) and, where there were requests, their mean latency."""
        now = time.monotonic()
        with self.lock:
            while self.requests and now - self.requests[0][0] > WINDOW_SECONDS:
                self.requests.popleft()
            count = len(self.requests)
            failed = sum(request[1] for request in self.requests)
            seconds = sum(request[2] for request in self.requests)
        found = {
            "requests_per_second": round(count / min(WINDOW_SECONDS, max(1.0, now - self.started)), 2),
            "error_rate": round(failed / count, 4) if count else 0.0,
        }
        if count:
            found["request_latency_ms"] = round(1000 * seconds / count, 2)
        return found


class Resources:
    """Memory and processor time of this process, read once a second."""

    def __init__(self, memory_mb: int) -> None:
        self.limit = memory_mb * MEGABYTE
        self.process = psutil.Process()
        self.process.cpu_percent()
        self.cpu = 0.0
        self.rss = self.process.memory_info().rss

    def read(self) -> None:
        """Look again; the processor time is that since the last look."""
        self.cpu = self.process.cpu_percent()
        self.rss = self.process.memory_info().rss

    def metrics(self) -> dict[str, float]:
        """Usage in percent: of the memory limit, of one processor."""
        return {
            "cpu_usage": self.cpu,
            "memory_usage": round(100 * self.rss / self.limit, 2),
            "memory_rss_mb": round(self.rss / MEGABYTE, 2),
        }
