"""Reads contracts out of a source tree: static, nothing of it is run."""
