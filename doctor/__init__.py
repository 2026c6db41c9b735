"""What was seen (facts), what it means (checks), how it is told (report); and what a log says (diagnosis)."""
