"""Tests of environment/contracts/extraction."""
