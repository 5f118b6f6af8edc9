"""Write the measurements as Markdown tables and a plot."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Final

import matplotlib as mpl

from . import roster
from .load import Sample
from .measuring import Measurements

mpl.use("Agg")
from matplotlib import pyplot as plt  # only after the backend is chosen

TARGETS: Final = (
    ("sign one", "Companion", 30.0),
    ("sign one", "usual way", 2.5),
    ("sign one", "Litestar baseline", 0.7),
    ("sign 1,000 in one request", "Companion", 50.0),
    ("sign 1,000 in one request", "usual way", 40.0),
    ("record one", "bare ASGI baseline", 0.75),
    ("record one", "usual way", 1.5),
)
"""The minimum of our rate divided by the peer's."""


@dataclass(slots=True, kw_only=True)
class Extra:
    """Everything but the rates."""

    rounds: int
    mongo: str
    ready: list[float] = field(default_factory=list)
    soaked: float = 0.0
    megabytes_before: float = 0.0
    megabytes_after: float = 0.0


def write_report(folder: Path, found: Measurements, extra: Extra) -> None:
    """Write results.md, samples.json (every measurement) and rates.png."""
    folder.mkdir(parents=True, exist_ok=True)
    sections = (_machine(extra), _targets(found, extra), _table(found))
    (folder / "results.md").write_text("\n\n".join(("# Results", *sections)) + "\n")
    (folder / "samples.json").write_text(json.dumps(found.samples, default=asdict, indent=1) + "\n")
    _plot(folder / "rates.png", found)
    print(f"written to {folder}")


def _machine(extra: Extra) -> str:
    packages = ("litestar", "uvicorn", "uvloop", "pymongo", "fastapi", "boto3", "granian")
    now, load = datetime.now(UTC), os.getloadavg()[0]
    versions = ", ".join(f"{name} {version(name)}" for name in packages)
    lines = (
        f"{now:%Y-%m-%d %H:%M} UTC, {extra.rounds} rounds, each measuring every peer.",
        f"{_cpu()}, {os.cpu_count()} cores, {platform.system()} {platform.release()}.",
        "Servers on core 0; load, database and the S3 stub on core 1.",
        f"Load average at the end {load:.1f}: well above 2 means other processes used the machine.",
        f"Python {platform.python_version()}, {versions}.",
        f"Database: {extra.mongo}, writes by majority and journaled.",
    )
    companion = roster.companion_versions() if roster.HAS_COMPANION else "not installed"
    return "\n".join(f"- {line}" for line in (*lines, f"npm resolved: {companion}."))


def _cpu() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), "?")


def _targets(found: Measurements, extra: Extra) -> str:
    rows = [
        (f"{case}: ours over {peer}", f"{ratio:,.2f}", f">= {least}", ratio >= least)
        for case, peer, least in TARGETS
        if peer in found.samples[case]
        for ratio in [_ratio(found.samples[case]["ours"], found.samples[case][peer])]
    ]
    at = {n: found.samples[f"record at part {n}"]["ours"] for n in ("1", "10,000")}
    slope = 1 / _ratio(at["10,000"], at["1"])
    complete = _median(found.samples["complete 10,000 parts"]["ours"], "cpu") / 1e3
    rows += [
        ("time to record at part 10,000 over at part 1", f"{slope:.2f}", "<= 1.1", slope <= 1.1),
        (
            "our CPU time to complete 10,000 parts",
            f"{complete:.0f} ms",
            "<= 100 ms",
            complete <= 100,
        ),
        (
            "start to ready",
            f"{median(extra.ready):.2f} s",
            "<= 1.5 s",
            median(extra.ready) <= 1.5,
        ),
    ]
    if extra.soaked:
        name = f"a worker's memory after {extra.soaked:,.0f} requests"
        after = f"{extra.megabytes_after:.0f} MB (from {extra.megabytes_before:.0f})"
        rows.append((name, after, "<= 150 MB", extra.megabytes_after <= 150))
    head = "| target | measured | required | |\n|---|---|---|---|\n"
    return head + "\n".join(
        f"| {name} | {value} | {wanted} | {'met' if met else '**missed**'} |"
        for name, value, wanted, met in rows
    )


def _table(found: Measurements) -> str:
    lines = [
        "| case | peer | requests/s | ours / peer | p50 ms | p99 ms | p99.9 ms | CPU us |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for case, peers in found.samples.items():
        for peer, samples in peers.items():
            rate, p50, p99, p99_9, cpu = (
                _median(samples, name) for name in ("rate", "p50", "p99", "p99_9", "cpu")
            )
            ratio = f"{_ratio(peers['ours'], samples):.2f}" if peer != "ours" else ""
            lines.append(
                f"| {case} | {peer} | {rate:,.1f} | {ratio} | {p50:.2f} | {p99:.2f} | {p99_9:.2f} |"
                f" {cpu:,.0f} |"
            )
    return "\n".join(lines)


def _median(samples: Sequence[Sample], name: str) -> float:
    return median(getattr(sample, name) for sample in samples)


def _ratio(ours: Sequence[Sample], theirs: Sequence[Sample]) -> float:
    return median(our.rate / their.rate for our, their in zip(ours, theirs, strict=True))


def _plot(path: Path, found: Measurements) -> None:
    cases = [case for case, peers in found.samples.items() if len(peers) > 1]
    figure, axes = plt.subplots(len(cases), 1, figsize=(8, 1.6 * len(cases)), layout="constrained")
    for axis, case in zip(axes, cases, strict=True):
        peers = found.samples[case]
        rates = [_median(samples, "rate") for samples in peers.values()]
        bars = axis.barh(list(peers), rates, color=["C0" if p == "ours" else "C7" for p in peers])
        axis.bar_label(bars, labels=[f"{rate:,.4g}" for rate in rates], padding=3)
        axis.margins(x=0.15)
        axis.set_title(f"{case}: requests per second", fontsize=9, loc="left")
    figure.savefig(path, dpi=110)
