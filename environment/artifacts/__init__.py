"""What lies on disk, read by its header alone: checkpoints, engines, model repositories. Nothing of it is executed."""
