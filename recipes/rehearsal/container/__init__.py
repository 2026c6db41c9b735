"""The stand-in for a release's image: its paths, tool names and words, a CPU engine inside (`--in-container`)."""
