"""Messages to plain values and back; framing of streams; errors and their status."""
