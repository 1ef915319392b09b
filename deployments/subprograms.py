"""Programs that run to their end while the parts start."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence

from deployments import environment
from deployments.site import Site
from domain.errors import Unavailable
from domain.masking import masked_urls


def run(site: Site, command: Sequence[str]) -> None:
    """Run a command in the project, with the workers' view of the parts. Raises Unavailable with its last lines."""
    environ = environment.for_workers(site.environ) | environment.for_parts(site.environ, site.home.folder)
    done = subprocess.run(
        command,
        cwd=site.home.project,
        env=environ | site.worker_environment("watch") | {"PREFECT_HOME": str(site.home.folder / "prefect")},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        last = "\n".join(done.stdout.splitlines()[-20:])
        raise Unavailable(masked_urls(f"`{' '.join(command[2:])}` failed with exit code {done.returncode}:\n{last}"))
