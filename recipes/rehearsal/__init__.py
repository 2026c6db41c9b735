"""A rehearsal: real Triton, the release's tensors and streaming, and a CPU engine where the TensorRT engine goes."""
