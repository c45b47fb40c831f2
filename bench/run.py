"""`make bench`: what it costs to run, measured side by side with upstream where that is installed.

    python bench/run.py [--runs 7] [--upstream PATH] [--only NAME]

Upstream is measured when its command is given or stands in `.venv-upstream/bin/hermes`
(`python -m venv .venv-upstream && .venv-upstream/bin/pip install hermes-agent==0.19.0`).
Figures are medians; on a shared machine trust the ratios more than single times.
"""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from processes import Product, Sample, in_turn, median, run_once, scripted_server, temporary_home
from store_figures import measure_store

ROOT = Path(__file__).resolve().parent.parent
TERMINAL_CALLS = 10


class Figure(NamedTuple):
    name: str
    unit: str
    ours: float
    budget: float
    upstream: float | None

    def row(self) -> str:
        ratio = f"{self.upstream / self.ours:.1f}x" if self.upstream and self.ours else "-"
        upstream = "-" if self.upstream is None else f"{self.upstream:.3g}"
        verdict = "ok" if self.ours <= self.budget else "OVER"
        return (
            f"{self.name:<44} {self.ours:>9.3g} {self.budget:>9.3g} {verdict:<5}"
            f"{upstream:>9} {ratio:>7}  {self.unit}"
        )


def hello_script(path: Path) -> Path:
    path.write_text(
        json.dumps(
            {"follow": "conversation", "replies": [{"text": "Hello. What can I do?", "repeat": "forever"}]}
        )
    )
    return path


def ten_calls_script(path: Path) -> Path:
    calls = [
        {"calls": [{"name": "terminal", "arguments": {"command": f"echo step {number}"}}]}
        for number in range(TERMINAL_CALLS)
    ]
    replies = [*calls, {"text": "Ten commands were run."}]
    path.write_text(json.dumps({"follow": "conversation", "replies": replies}))
    return path


def measure_command(
    products: Sequence[Product],
    arguments: Sequence[str],
    runs: int,
    home: Path,
    base_url: str,
) -> list[list[Sample]]:
    def measure(product: Product) -> Callable[[], Sample]:
        own = home / product.name
        own.mkdir(exist_ok=True)
        argv = [str(product.command), *arguments]
        return lambda: run_once(argv, product.environment(own, base_url), own)

    return in_turn([measure(product) for product in products], runs)


def process_figures(products: Sequence[Product], runs: int, home: Path) -> list[Figure]:
    def figure(name: str, unit: str, field: str, budget: float, samples: list[list[Sample]]) -> Figure:
        for product, taken in zip(products, samples, strict=True):
            if any(sample.exit_code for sample in taken):
                print(f"note: {product.name} exited with an error while measuring '{name}'", file=sys.stderr)
        values = [median(taken, field) for taken in samples]
        return Figure(name, unit, values[0], budget, values[1] if len(values) > 1 else None)

    version = measure_command(products, ["--version"], runs, home, "http://127.0.0.1:9/v1")
    with scripted_server(hello_script(home / "hello.json")) as base_url:
        hello = measure_command(products, ["-z", "hello"], runs, home, base_url)
    with scripted_server(ten_calls_script(home / "ten.json")) as base_url:
        ten = measure_command(
            products, ["--yolo", "-z", "run ten commands"], max(3, runs // 2), home, base_url
        )
    return [
        figure("hermes --version", "s", "seconds", 0.06, version),
        figure("hermes -z hello, to exit", "s", "seconds", 0.35, hello),
        figure("hermes -z hello, processor time", "s", "cpu_seconds", 0.35, hello),
        figure("ten sequential terminal calls in one run", "s", "seconds", 0.9, ten),
        figure("peak memory of -z", "MB", "peak_mb", 60, hello),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure what it costs to run.")
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--upstream", type=Path, default=ROOT / ".venv-upstream" / "bin" / "hermes")
    parser.add_argument("--only", choices=("processes", "store"))
    options = parser.parse_args()

    products = [Product("ours", ROOT / ".venv" / "bin" / "hermes")]
    if options.upstream.exists():
        products.append(Product("upstream", options.upstream))
    figures: list[Figure] = []
    with temporary_home() as home:
        if options.only != "store":
            figures += process_figures(products, options.runs, home)
        if options.only != "processes":
            store = measure_store(home / "store")
            figures.append(
                Figure("search in 100,000 messages, 95th percentile", "ms", store.search_p95_ms, 50, None)
            )
            figures.append(Figure("list of 50,000 sessions", "ms", store.list_median_ms, 20, None))

    print(f"{'':<44} {'median':>9} {'budget':>9}      {'upstream':>9} {'ratio':>7}")
    for figure in figures:
        print(figure.row())


if __name__ == "__main__":
    main()
