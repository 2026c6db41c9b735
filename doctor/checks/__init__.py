"""Pure functions over facts, one file per family."""
