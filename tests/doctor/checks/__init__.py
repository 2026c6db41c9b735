"""Tests of the checks, as tables of cases."""
