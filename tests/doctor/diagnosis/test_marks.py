"""The words by which a log shows that something failed, whatever it is of: each was printed by the program named."""

from __future__ import annotations

import pytest

from doctor.diagnosis.cause import explain
from environment.errors import ExitCode

FAILURES = {
    "argparse, click, gunicorn": (
        "gunicorn: error: No application module specified.",
        "lmdeploy: error: unrecognized arguments: --tool-call-parser",
        "Error: No such option: --foo",
        "Error: Invalid value for '--tp': 'x' is not a valid integer.",
        "Worker failed to boot.",
    ),
    "shells": (
        "/opt/nvidia/nvidia_entrypoint.sh: line 92: exec: server: not found",
        "./run.sh: line 3: 12345 Killed                  python3 x.py",
        "./run.sh: line 3: 12345 Aborted                 (core dumped) python3 x.py",
        "Aborted",
        "zsh: segmentation fault  python x.py",
        "sh: 1: Syntax error: end of file unexpected",
        "env: 'python': No such file or directory",
        "cp: cannot stat '/x': No such file or directory",
    ),
    "pip, setuptools, npm, dpkg": (
        "  Preparing metadata (setup.py) ... error",
        "  Building wheel for foo (pyproject.toml) ... error",
        "  × python setup.py egg_info did not run successfully.",
        "error: subprocess-exited-with-error",
        "npm error code ENOENT",
        "dpkg: error processing package nvidia-dkms (--configure):",
    ),
    "compilers, CMake, Ninja, Gradle, Jenkins": (
        "error C2065: 'x': undeclared identifier",
        "LINK : fatal error LNK1181: cannot open input file 'nvinfer.lib'",
        'x.cu(12): catastrophic error: cannot open source file "cuda.h"',
        "ptxas fatal   : Unresolved extern function 'foo'",
        "-- Configuring incomplete, errors occurred!",
        "ninja: error: loading 'build.ninja': No such file or directory",
        "BUILD FAILED in 3s",
        "Finished: FAILURE",
        "error[E0433]: failed to resolve: use of undeclared crate",
    ),
    "glibc, Python, Go, Rust, Java, JavaScript": (
        "double free or corruption (!prev)",
        "*** stack smashing detected ***: terminated",
        "terminate called without an active exception",
        "[gpu1:00042] *** Process received signal ***",
        "Fatal Python error: Aborted",
        "/usr/bin/python3: No module named build",
        "goroutine 1 [running]:",
        "thread 'main' panicked at src/main.rs:2:5:",
        'Exception in thread "main" java.lang.IllegalStateException: x',
        "Exception in thread Thread-1:",
        "Uncaught Error: boom",
    ),
    "loggers": (
        "ERROR:root:conversion failed",
        "2026-11-28 02:00:00.123 | ERROR    | app:main:3 - conversion failed",
        "2026-11-28 02:00:00,123 ERROR app conversion failed",
        "[2026-11-28 02:00:00,123] ERROR in app: Exception on /generate [POST]",
        "(EngineCore pid=1) ERROR 10-24 05:33:06 [core.py:842] EngineCore failed to start.",
        '{"levelname": "ERROR", "message": "boom"}',
        "FATA[0000] boom",
        '{"object":"error","message":"boom","type":"BadRequestError","code":400}',
    ),
    "Docker, Kubernetes, systemd, Slurm": (
        "no configuration file provided: not found",
        "triton-1 exited with code 139",
        "      Exit Code:    1",
        "systemd[1]: triton.service: Main process exited, code=exited, status=1/FAILURE",
        "systemd[1]: triton.service: Failed with result 'exit-code'.",
        "slurmstepd: error: Detected 1 oom-kill event(s)",
    ),
    "TensorRT, Triton": (
        "&&&& FAILED TensorRT.trtexec [TensorRT v100300]",
        "[E] Engine set up failed",
        "Engine building failed, exiting.",
        "Failed to start server",
        "HTTP/1.1 500 Internal Server Error",
    ),
    "PowerShell, Windows": (
        "python : The term 'python' is not recognized as the name of a cmdlet, function or script file.",
        "    + CategoryInfo          : ObjectNotFound: (x:String) [], CommandNotFoundException",
        "'nvcc' is not recognized as an internal or external command,",
        "New-Item : Access to the path 'C:\\models' is denied.",
        "The system cannot find the path specified.",
    ),
    "systems that speak Chinese": (
        "错误：找不到文件",
        "模型加载失败: config.json",
        "bash: foo：未找到命令",
        "ls: 无法访问 '/models': 没有那个文件或目录",
        "段错误（核心已转储）",
        "已杀死",
        "系统找不到指定的路径。",
        "'nvcc' 不是内部或外部命令，也不是可运行的程序",
    ),
}
HARMLESS = (
    "INFO 0 errors, 0 failures",
    "find: '/etc/redis': Permission denied",
    "ls: cannot access '/dev/nvidia0': No such file or directory",
    "rm: cannot remove '/tmp/x': No such file or directory",
    "2026-11-28 02:00:00 INFO no ERROR was seen",
    "kc.pem: OK",
    "错误: 连接断开, 1 秒后重试",
    "checking for nvcc... no",
    "loaded 3 errors.txt files",
    "HTTP/1.1 200 OK",
)
FAILED_TIME = (
    'E1128 03:57:35.371866 6379 model_repository_manager.cc:470] "Failed to set config modification time: empty"'
)
FAILED_LOAD = "E1128 03:57:35.371866 6379 model_lifecycle.cc:621] failed to load 'x' version 1: Internal: odd"
LOADED = "I1128 03:57:36.900039 6379 model_lifecycle.cc:839] \"successfully loaded 'Linear'\""


@pytest.mark.parametrize("line", [line for lines in FAILURES.values() for line in lines])
def test_words_of_failure_are_heard(line: str) -> None:
    assert explain(f"fine\n{line}\n").exit_code != ExitCode.OK


RAISE = '  File "x.py", line 3, in f\n    raise Odd(\n'
EXIT = '  File "x.py", line 3, in f\n    sys.exit(x)\n    ~~~~~~~~^^^\n'


@pytest.mark.parametrize(
    ("trace", "raised"),
    [
        (f"{RAISE}    )\n", "Timeout: no lock on /models"),
        (RAISE, "InvalidVersion: Invalid version: 'x'"),
        (RAISE, "huggingface_hub.utils.UpdateRejected: the branch moved"),
        (EXIT, "SystemExit: no such model"),
        ('  File "<string>", line 1, in <module>\n', "SystemExit: 2"),
        ("", "E           SystemExit: 2"),
    ],
)
def test_what_a_stack_raises_is_heard_whatever_its_class_is_called(trace: str, raised: str) -> None:
    diagnosis = explain(f"fine\n{trace}{raised}\n")
    assert [line.text for line in diagnosis.unknown] == [raised]


@pytest.mark.parametrize(
    "text",
    [
        f"{EXIT}SystemExit: 0",
        f"{EXIT}INFO: x",
        "Timeout: 30",
        "SystemExit: x",
        "    raise the limit\nnext: fine",
        '  File "x.py", line 3, in f\nNote: x',
    ],
)
def test_what_no_stack_raises_is_not(text: str) -> None:
    assert explain(f"fine\n{text}\n").exit_code == ExitCode.OK


@pytest.mark.parametrize("line", HARMLESS)
def test_words_that_only_look_like_it_are_not(line: str) -> None:
    assert explain(f"fine\n{line}\n").exit_code == ExitCode.OK


def test_tritons_errors_are_verdicts_only_where_they_say_what_failed() -> None:
    assert explain(FAILED_TIME).exit_code != ExitCode.OK
    assert explain(f"{FAILED_TIME}\n{LOADED}").exit_code == ExitCode.OK
    assert explain(f"{FAILED_LOAD}\n{LOADED}").exit_code != ExitCode.OK
