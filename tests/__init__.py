"""Mirrors the source. Real outputs are in `transcripts/`, expected plans in `plans/`."""
