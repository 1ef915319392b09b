"""A playbook without a fault, and a folder to write variants of it to."""

from __future__ import annotations

from pathlib import Path

from adapters.playbook_files import check

GOOD = """\
---
id: slow-disk
title: Slow disk
matches:
  services: ["db-*"]
  templates: ['disk .{0,20} slow']
  metrics:
    - {name: "disk_*", direction: high}
preconditions: {min_logs: 5, max_age_seconds: 60, min_confidence: 0.5}
actions:
  - {kind: restart, target: "{service}", risk: low, undo: none}
  - {kind: scale, target: "db:reader", risk: medium, undo: restore, parameters: {workers: 2}}
risk: medium
verification: {measure: metric, metric: disk_wait, at_most: 5, within_seconds: 90, min_samples: 7}
cool_down_seconds: 600
owner: storage
links: ["https://example.org/disks"]
samples:
  - {message: "disk 7 is slow", service: db-1}
  - {message: "disk sda slow: 40 ms", service: db-1, level: CRITICAL}
  - {metric: disk_wait, direction: high, service: db-1}
near_misses:
  - {message: "disk 7 is slow", service: web}
  - {message: "disk 7 was slow", service: db-1, level: INFO}
  - {metric: disk_wait, direction: low, service: db-1}
---
# Slow disk

## Meaning

The disk is slow.

## Impact

Everybody waits.

## Diagnosis

```sh
# is it the disk?
iostat
```

## Mitigation

Restart.

## If it fails

Call the owner.
"""


def write(folder: Path, text: str, name: str = "slow-disk.md") -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text, encoding="utf-8")


def faults(folder: Path) -> list[str]:
    """Every fault, without the folder's own path."""
    found = check(folder).faults
    return [fault.replace(f"{folder}/", "") for fault in found]
