"""Settings from every source: files, environment, embedded parts, command line."""

from adapters.settings_files.loading import Loaded, files_digest, load

__all__ = ["Loaded", "files_digest", "load"]
