from adapters.channels.file.channel import FileChannel

__all__ = ["FileChannel"]
