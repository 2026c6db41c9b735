"""The Triton models of a rehearsal. They run inside tritonserver's Python backend, not in the tasks' process."""
