"""Measures the gateway against a floor and other servers, interleaved in one run; started by scripts/bench."""
