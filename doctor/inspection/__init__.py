"""`invoke inspect`: what a file or folder is, whether it is whole, and what TensorRT will say of it."""
