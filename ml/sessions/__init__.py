"""Sessions: the ordered template texts of one key, and what is abnormal about one."""

from ml.sessions.findings import Reason, SessionFinding
from ml.sessions.model import SessionModel

__all__ = ["Reason", "SessionFinding", "SessionModel"]
