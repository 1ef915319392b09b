"""Settings from every source: files, environment, embedded parts, command line."""

from adapters.settings_files.loading import Loaded, load

__all__ = ["Loaded", "load"]
