"""Why a figure cannot be had."""

from __future__ import annotations


class MeasuringFailed(Exception):
    """A server did not start, or a tool found something lost, wrong or refused. One line, and below it what the program said."""


class NotInstalled(MeasuringFailed):
    """A server said with status 69 that what it needs is not here."""


class PeerFailed(MeasuringFailed):
    """A peer lost something, or does not do this work: a figure less, and no fault of ours."""
