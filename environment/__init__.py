"""What is pinned (releases), what will be done (plans) and where it runs (this host, a container of the image)."""
