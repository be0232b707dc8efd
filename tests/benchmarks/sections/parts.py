"""The parts of a search: encoding alone, searching alone, and bulk encoding.

Our encoder and the reference take turns with the same texts.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from contextlib import ExitStack

from services.embedder.model.conversion import BUNDLED_MODEL, find_model
from shared.encoder import GraphEncoder
from tests.benchmarks.catalogues.built import Catalogue
from tests.benchmarks.catalogues.queries import take
from tests.benchmarks.figures.measurement import Series, Window, number
from tests.benchmarks.figures.plan import Plan
from tests.benchmarks.figures.section import Say, Section
from tests.benchmarks.figures.tables import Table
from tests.benchmarks.figures.targets import Measured
from tests.benchmarks.probes.probing import ProbeProcess, probe

QUERIES_A_WINDOW = 200
REVIEW_TOKENS = 256
GRAPH, REFERENCE = "our graph", "sentence-transformers, torch fp32"
INT8 = "our graph, queries in int8"
SEARCH = "our searcher, hybrid with evidence, without encoding"


def measure(plan: Plan, catalogue: Catalogue, say: Say) -> Section:
    """Measure the parts.

    Raises:
        tests.benchmarks.probes.probing.ProbeFailed: a probe ended.
    """
    say("parts: encoding and searching alone")
    logs = plan.work / "probes"
    with ExitStack() as stack:
        enter = stack.enter_context
        encoders = {
            GRAPH: enter(probe("encode", catalogue.artefact, 1, "auto", log=logs / "encode.log")),
            INT8: enter(probe("encode", catalogue.artefact, 1, "int8", log=logs / "int8.log")),
            REFERENCE: enter(
                probe("reference", find_model(BUNDLED_MODEL), 1, log=logs / "reference.log")
            ),
        }
        searcher = enter(
            probe("search", catalogue.store.root, catalogue.snapshot.snapshot_id,
                  log=logs / "search.log")
        )  # fmt: skip
        single = _single(plan, catalogue, encoders, searcher)
        say("parts: bulk encoding")
        both = {name: encoders[name] for name in (GRAPH, REFERENCE)}  # passages are never int8
        bulk, outcome = _bulk(plan, catalogue, both)
    single.tables += bulk.tables
    single.figures |= bulk.figures
    single.outcomes["bulk"] = outcome
    return single


def _single(
    plan: Plan, catalogue: Catalogue, encoders: dict[str, ProbeProcess], searcher: ProbeProcess
) -> Section:
    texts = take(catalogue.queries, QUERIES_A_WINDOW * (plan.rounds + 1), seed=2)
    windows_of: dict[str, list[Window]] = {}
    for turn in range(plan.rounds + 1):
        part = texts[turn * QUERIES_A_WINDOW : (turn + 1) * QUERIES_A_WINDOW] or texts
        for batch in (1, 8):
            for name, encoder in encoders.items():
                window = encoder.measure({"texts": part, "batch": batch})
                windows_of.setdefault(f"{name}, {_batch(batch)}", []).append(window)
        windows_of.setdefault(SEARCH, []).append(searcher.measure({"texts": part}))
    series = {
        name: Series.of(window.cpu_ms for window in windows[1:])  # the first warms up
        for name, windows in windows_of.items()
    }
    processes = {
        **{f"{name}, {_batch(1)}": encoder for name, encoder in encoders.items()},
        SEARCH: searcher,
    }
    rows = [
        [
            name, number(cpu_ms.minimum), number(cpu_ms.median),
            *((number(processes[name].peak_mb, 0), number(processes[name].start_s, 1))
              if name in processes else ("", "")),
        ]
        for name, cpu_ms in series.items()
    ]  # fmt: skip
    columns = ("part", "CPU ms a query, min", "median", "peak MB", "start s")
    remark = (
        f"One thread each; {QUERIES_A_WINDOW} distinct queries a round: {catalogue.queries_from}."
    )
    table = Table("parts", "Bare parts", columns, rows, [remark])
    figures = {"parts": {name: cpu_ms.to_json() for name, cpu_ms in series.items()}}
    return Section([table], figures)


def _bulk(
    plan: Plan, catalogue: Catalogue, encoders: dict[str, ProbeProcess]
) -> tuple[Section, Measured]:
    counter = GraphEncoder(catalogue.artefact)
    kinds = {
        f"passages, at most {counter.passage_tokens} tokens": catalogue.passages(),
        f"reviews, cut at {REVIEW_TOKENS} tokens": catalogue.reviews(),
    }
    rows, figures = [], {}
    outcomes: list[Measured] = []
    for kind, texts in kinds.items():
        count = plan.bulk_texts if "passages" in kind else plan.bulk_texts // 4
        chosen = random.Random(3).sample(texts, min(count, len(texts)))
        tokens = _tokens(counter, chosen)
        speeds: dict[str, list[float]] = {name: [] for name in encoders}
        for turn in range(plan.rounds + 1):
            for name, encoder in encoders.items():
                part = chosen if turn else chosen[: len(chosen) // 10]  # the first warms up
                window = encoder.measure({"texts": part, "batch": 0, "bulk": True})
                if turn:
                    speeds[name].append(tokens / window.cpu_s)
        series = {name: Series.of(values) for name, values in speeds.items()}
        ratio = series[GRAPH].over(series[REFERENCE])
        outcomes.append(Measured(ratio, kind))
        figures[kind] = {name: speed.to_json() for name, speed in series.items()}
        for name, speed in series.items():
            rows.append([
                f"{name}: {kind}", number(speed.maximum, 0), number(speed.median, 0),
                number(ratio.median) if name == GRAPH else "1",
            ])  # fmt: skip
    columns = ("encoder: texts", "tokens a CPU second, max", "median", "ratio")
    table = Table("bulk", "Bulk encoding, one thread, sorted by length", columns, rows)
    return Section([table], {"bulk": figures}), outcomes[0]


def _tokens(counter: GraphEncoder, texts: Sequence[str]) -> int:
    """The number of tokens that a model sees, including the two special tokens of each text."""
    return sum(min(n + 2, counter.spec.max_tokens) for n in counter.count_tokens(texts))


def _batch(size: int) -> str:
    return "one by one" if size == 1 else f"batches of {size}"
