"""`python -m tests.bench [--only NAME] [--quick]`: one JSON object a line.

Every figure is a ratio to a baseline measured in the same run (docs/performance.md).
"""

import argparse
from collections.abc import Callable, Iterator

from tests.bench import (
    claiming,
    delivery,
    pages,
    planning,
    reports,
    running,
    savings,
    scale,
    webhook,
)
from tests.bench.measure import Figure, Size, quiet

BENCHMARKS: dict[str, Callable[[Size], Iterator[Figure]]] = {
    "plan": planning.measure_plan,
    "replan": planning.measure_replan,
    "deliver": delivery.measure_deliver,
    "claim": claiming.measure_claim,
    "webhook": webhook.measure_webhook,
    "memory": scale.measure_memory,
    "pages": pages.measure_pages,
    "backlog": pages.measure_backlog,
    "reports": reports.measure_reports,
    "savings": savings.measure_savings,
    "start": running.measure_start,
    "idle": running.measure_idle,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--only", choices=sorted(BENCHMARKS), help="one benchmark instead of all")
    parser.add_argument("--quick", action="store_true", help="smaller sizes, fewer repetitions")
    parser.add_argument("--tiny", action="store_true", help="no figure of use: does it run?")
    chosen = parser.parse_args()
    quiet()
    size: Size = "tiny" if chosen.tiny else "quick" if chosen.quick else "full"
    for name in [chosen.only] if chosen.only else BENCHMARKS:
        for figure in BENCHMARKS[name](size):
            print(figure.line(), flush=True)


if __name__ == "__main__":
    main()
