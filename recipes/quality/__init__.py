"""The quality gate: what a server answers is held against what its checkpoint itself answers.

`reference` has the checkpoint's own answers, `agreement` compares, `gate` asks, judges and records.
"""
