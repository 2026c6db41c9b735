"""What was seen (facts), what it means (checks), and how it is told (report)."""
