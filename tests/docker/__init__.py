"""On real Docker Engines: see engine.sh."""
