"""`./inv benchmark`: what is measured, as ratios against a baseline in the same run. Nothing here fails on time."""
