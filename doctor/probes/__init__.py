"""Probes take raw readings of this machine; they judge nothing. Each one runs in a process of its own (`taking`)."""
