"""Single log lines: which of them somebody should be told of."""

from ml.lines.detector import LineDetector, LineFinding
from ml.lines.reading import Line
from ml.lines.state import LineState

__all__ = ["Line", "LineDetector", "LineFinding", "LineState"]
