"""What a program sees of the GPUs in the container it runs in. Python 3.8's standard library only: it is given to a
container's own Python as an argument, never imported here.
"""

import ctypes
import json
import subprocess
import sys


def nvidia_smi() -> tuple[int, str]:
    """Exit code and words of `nvidia-smi -L`; 127 where there is none."""
    try:
        done = subprocess.run(
            ("nvidia-smi", "-L"), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=20, check=False
        )
    except OSError as error:
        return 127, str(error)
    except subprocess.TimeoutExpired:
        return 124, "no answer within 20 s"
    return done.returncode, done.stdout.decode("utf-8", "replace")[-2000:]


def cuda() -> tuple[int | None, int, str]:
    """The answer of cuInit (None without libcuda) and how many devices CUDA counts."""
    try:
        driver = ctypes.CDLL("libcuda.so.1")
    except OSError as error:
        return None, 0, str(error)
    code, count = driver.cuInit(0), ctypes.c_int(0)
    if code == 0:
        code = driver.cuDeviceGetCount(ctypes.byref(count))
    return code, count.value, ""


if __name__ == "__main__":
    smi, (code, count, words) = nvidia_smi(), cuda()
    seen = {"smi": smi[0], "smi_said": smi[1], "cuda": code, "devices": count, "cuda_said": words}
    json.dump(seen, sys.stdout)
