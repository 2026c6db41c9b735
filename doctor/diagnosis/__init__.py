"""From a log to its cause: its lines (log), what is seen in them (sightings), what that means (cause), the report."""
