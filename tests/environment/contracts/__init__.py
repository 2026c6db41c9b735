"""Tests of environment/contracts."""
