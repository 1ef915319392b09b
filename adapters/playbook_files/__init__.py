"""Playbooks from Markdown files with front matter."""

from adapters.playbook_files.reading import Checked, check, load

__all__ = ["Checked", "check", "load"]
