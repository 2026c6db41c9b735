"""Tests of `environment`."""
