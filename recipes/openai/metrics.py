"""The gateway's own figures, in Prometheus's text format (https://prometheus.io/docs/instrumenting/exposition_formats/)."""

from __future__ import annotations

import http.client
from bisect import bisect_left
from collections import Counter
from itertools import accumulate

from recipes.openai.admission import Line
from recipes.ports import HOST

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)  # seconds
PREFIX = "trtllm_openai"


class Meter:
    """Counts answers by their ending, tokens, and the time to the first piece."""

    def __init__(self) -> None:
        self.endings: Counter[str] = Counter()
        self.tokens = 0
        self._first = [0] * (len(BUCKETS) + 1)
        self._seconds = 0.0

    def first(self, seconds: float) -> None:
        """Notes how long an answer's first piece took."""
        self._first[bisect_left(BUCKETS, seconds)] += 1
        self._seconds += seconds

    def text(self, line: Line) -> str:
        """All figures."""
        name = f"{PREFIX}_time_to_first_piece_seconds"
        sums = list(accumulate(self._first))
        bounds = (*map(str, BUCKETS), "+Inf")
        rows = [
            *_family("requests_total", "counter", "Requests by how they ended: a finish reason or an HTTP status."),
            *(
                f'{PREFIX}_requests_total{{ending="{ending}"}} {count}'
                for ending, count in sorted(self.endings.items())
            ),
            *_family("completion_tokens_total", "counter", "Tokens answered."),
            f"{PREFIX}_completion_tokens_total {self.tokens}",
            *_family("answering", "gauge", "Answers under way."),
            f"{PREFIX}_answering {line.answering}",
            *_family("waiting", "gauge", "Requests in line."),
            f"{PREFIX}_waiting {line.waiting}",
            *_family("time_to_first_piece_seconds", "histogram", "From the request to the first piece of its answer."),
            *(f'{name}_bucket{{le="{bound}"}} {count}' for bound, count in zip(bounds, sums, strict=True)),
            f"{name}_sum {self._seconds:.6f}",
            f"{name}_count {sums[-1]}",
        ]
        return "\n".join(rows) + "\n"


def _family(name: str, kind: str, about: str) -> tuple[str, str]:
    return f"# HELP {PREFIX}_{name} {about}", f"# TYPE {PREFIX}_{name} {kind}"


def triton_metrics(port: int) -> str:
    """Triton's own figures; a comment when it does not answer."""
    connection = http.client.HTTPConnection(HOST, port, timeout=2)
    try:
        connection.request("GET", "/metrics")
        return connection.getresponse().read().decode("utf-8", "replace")
    except (OSError, http.client.HTTPException) as error:
        return f"# Triton's metrics port {port} does not answer: {error}\n"
    finally:
        connection.close()
