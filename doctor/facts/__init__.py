"""Probes and parsers: each answers with a frozen fact or `Unknown(reason)`. Files are read here, never executed."""
