"""What the echo knows and its tests say."""

START, END = "<|im_start|>", "<|im_end|>"
ALL = "What did we say?"  # is answered with the whole prompt, its special tokens written otherwise
DIES = "Is the memory full?"  # ends the server, with a cause in its log
FAULT = "[TensorRT-LLM][ERROR] CUDA runtime error in cudaMalloc(ptr, n): out of memory"  # that cause
BEGINS = "the echo begins an answer"  # a line of the server's log
PAUSE = "ECHO_PAUSE"  # the variable with the seconds between two tokens
