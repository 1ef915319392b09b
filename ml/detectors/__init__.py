"""Detectors: each scores, none decides."""
