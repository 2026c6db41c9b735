"""How an image comes to be."""
