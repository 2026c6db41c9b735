"""Tests of environment/releases."""
