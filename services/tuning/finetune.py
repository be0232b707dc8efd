"""Fine-tunes the encoder on a catalogue, from its snapshot to a folder that can be used.

1. The texts are the catalogue's own descriptions, or those of a file; a third of their movies is
   kept out.
2. The others are paired with passages of reviews, and the model is trained on the pairs.
3. Both encoders are measured on the texts that were kept out.
4. The result is moved to ``models/NAME`` in the data folder if it is better, and otherwise to
   ``models/NAME.refused``, with its report.

Until then everything is in ``models/.NAME``. An interrupted run continues from there.
"""

from __future__ import annotations

import json
import resource
import shutil
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Final

import numpy as np

from services.embedder.model.conversion import ensure_artefact, find_model
from services.embedder.model.direction import DIRECTION_OF_MODEL, fit_direction
from services.embedder.model.graph_export import load_model
from services.embedder.model.model_files import ModelFiles
from services.tuning.passage_index import PassageIndex
from services.tuning.training_loop import Say, Training, epochs_for, train
from services.tuning.training_pairs import (
    MovieText,
    TrainingPair,
    is_kept_out,
    make_pairs,
    read_movie_texts,
)
from services.tuning.trial_catalogue import (
    MOST_MOVIES,
    TrialCatalogue,
    TrialMovie,
    read_movies,
)
from services.tuning.tuning_report import REPORT, Comparison, TuningReport
from shared.encoder import GraphEncoder, artefact_folder, available_threads
from shared.snapshot.reader import Snapshot, open_snapshot
from shared.snapshot.storage.store import SnapshotStore
from shared.text.passages import split

LEAST_PAIRS: Final = 20
LEAST_KEPT_OUT: Final = 10
SAMPLE_OF_DIRECTION: Final = 5_000
"""Passages from which the common direction is fitted."""
MOST_PASSAGES: Final = 200_000
_PACKAGES = ("torch", "sentence-transformers", "transformers", "openvino")


class CannotTune(RuntimeError):
    """Raised when there is too little to tune on, or no place for the result; one line."""


@dataclass(frozen=True)
class TuningOptions:
    """What is tuned, on what, and where the result goes.

    Attributes:
        snapshots: The snapshot store; its current snapshot is the catalogue.
        models: The folder of tuned models.
        name: The name of the result.
        model: The model to tune, a value of the setting ``ENCODER_MODEL``.
        passage_tokens: Longest passage in word pieces.
        pairs: A file of texts; None for the catalogue's descriptions.
        seed: Decides what is kept out, and the order of the training.
        epochs: How often each pair is used; None for what fits their number.
    """

    snapshots: Path
    models: Path
    name: str
    model: str
    passage_tokens: int
    pairs: Path | None = None
    seed: int = 0
    epochs: int | None = None


def finetune(options: TuningOptions, say: Say) -> tuple[TuningReport, Path]:
    """Tune a model and decide on it.

    Args:
        options: What is tuned, and where the result goes.
        say: Prints a line of progress.

    Returns:
        The report, and the folder of the result.

    Raises:
        CannotTune: There is too little to tune on, or a model of that name.
        services.tuning.training_pairs.PairsInvalid: The file of texts cannot be used.
        services.embedder.model.model_files.ModelInvalid: The model cannot be used.
        shared.snapshot.storage.store.NoSnapshot: There is no catalogue.
        OSError: A folder cannot be written.
    """
    began = time.monotonic(), time.process_time()
    if (options.models / options.name).exists():
        raise CannotTune(f"{options.models / options.name} exists: choose another --name")
    store = SnapshotStore(options.snapshots)
    snapshot = open_snapshot(store, store.current().snapshot_id)
    movies = read_movies(snapshot)
    texts = _texts(options, movies)
    trained_on = [each for each in texts if not is_kept_out(each.movie_id, options.seed)]
    kept_out = _for_trial(texts, options.seed)
    work = options.models / f".{options.name}"
    artefacts = work / "artefacts"
    work.mkdir(parents=True, exist_ok=True)
    files = ModelFiles.read(find_model(options.model))
    base = _encoder(artefacts, options.model, options.passage_tokens)
    pairs = _pairs(trained_on, movies, base, snapshot)
    _require_enough(len(pairs), len(kept_out))
    training = Training(
        pairs,
        options.epochs or epochs_for(len(pairs)),
        options.seed,
        base.spec.query_prompt,
        base.spec.passage_prompt,
    )
    say(f"{len(pairs)} pairs to train on, {len(kept_out)} texts kept out")
    tuned_folder, loss = _train(files, training, work, base, movies, say)
    tuned = _encoder(artefacts, str(tuned_folder), options.passage_tokens)
    searched = _sample(movies, kept_out)
    say(f"measuring both on {len(searched)} movies")
    dense, fused = _compare(searched, kept_out, (base, tuned), work, snapshot.manifest.language)
    report = TuningReport(
        base=options.model,
        base_weights_sha256=files.weights_sha256,
        texts_from=options.pairs.name if options.pairs is not None else "descriptions",
        seed=options.seed,
        pairs=len(pairs),
        epochs=training.epochs,
        loss=loss,
        kept_out=len(kept_out),
        movies=len(searched),
        dense=dense,
        fused=fused,
        minutes=(time.monotonic() - began[0]) / 60,
        cpu_s=time.process_time() - began[1],
        peak_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        versions={package: version(package) for package in _PACKAGES},
    )
    return report, _finish(options, tuned_folder, report, work)


def _texts(options: TuningOptions, movies: Sequence[TrialMovie]) -> list[MovieText]:
    """The texts about movies of the catalogue."""
    if options.pairs is not None:
        known = {movie.facts.movie_id for movie in movies}
        return [each for each in read_movie_texts(options.pairs) if each.movie_id in known]
    return [
        MovieText(movie.facts.movie_id, movie.facts.description)
        for movie in movies
        if movie.facts.description
    ]


def _for_trial(texts: Sequence[MovieText], seed: int) -> list[MovieText]:
    """One text of each movie that is kept out, the longest, of ``MOST_MOVIES`` at most."""
    longest: dict[str, MovieText] = {}
    for each in texts:
        known = longest.get(each.movie_id)
        if is_kept_out(each.movie_id, seed) and (known is None or len(known.text) < len(each.text)):
            longest[each.movie_id] = each
    return list(longest.values())[:MOST_MOVIES]


def _sample(movies: Sequence[TrialMovie], kept_out: Sequence[MovieText]) -> list[TrialMovie]:
    """The movies that are searched: those of the texts, and others up to ``MOST_MOVIES``."""
    asked = {each.movie_id for each in kept_out}
    wanted = [movie for movie in movies if movie.facts.movie_id in asked]
    others = [movie for movie in movies if movie.facts.movie_id not in asked]
    return wanted + others[: max(0, MOST_MOVIES - len(wanted))]


def _require_enough(pairs: int, kept_out: int) -> None:
    if pairs < LEAST_PAIRS or kept_out < LEAST_KEPT_OUT:
        raise CannotTune(
            f"there are {pairs} texts to train on and {kept_out} to decide on, of movies with "
            f"reviews that say the same; {LEAST_PAIRS} and {LEAST_KEPT_OUT} are the least. Add "
            "descriptions with a source of facts, or name a file with --pairs"
        )


def _encoder(artefacts: Path, model: str, passage_tokens: int) -> GraphEncoder:
    spec = ensure_artefact(artefacts, model=model, passage_tokens=passage_tokens)
    folder = artefact_folder(artefacts, spec.encoder_id)
    return GraphEncoder(folder, encoder_id=spec.encoder_id, threads=available_threads())


def _pairs(
    texts: Sequence[MovieText], movies: Sequence[TrialMovie], encoder: GraphEncoder,
    snapshot: Snapshot,
) -> list[TrainingPair]:  # fmt: skip
    passages: list[str] = []
    ranges: dict[str, range] = {}
    asked = {each.movie_id for each in texts}
    # Those of the texts first, in case that there are more passages than are indexed.
    for movie in sorted(movies, key=lambda movie: movie.facts.movie_id not in asked):
        if len(passages) >= MOST_PASSAGES:
            break
        own = _passages(movie.reviews, encoder)
        ranges[movie.facts.movie_id] = range(len(passages), len(passages) + len(own))
        passages += own
    index = PassageIndex(passages, snapshot.terms)
    return list(make_pairs(texts, passages, ranges, index))


def _passages(texts: Sequence[str], encoder: GraphEncoder) -> list[str]:
    spans = split(list(texts), encoder.count_tokens, encoder.passage_tokens)
    return [text[slice(*span)] for text, own in zip(texts, spans, strict=True) for span in own]


def _train(
    files: ModelFiles, training: Training, work: Path, base: GraphEncoder,
    movies: Sequence[TrialMovie], say: Say,
) -> tuple[Path, float]:  # fmt: skip
    """Train the model and save it; returns its folder and the loss."""
    import torch  # noqa: PLC0415

    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = load_model(files.folder)
    checkpoints = work / files.weights_sha256[:16]
    loss = train(model, training, checkpoints, device=device, say=say)
    model.to("cpu")
    target = work / "model"
    shutil.rmtree(target, ignore_errors=True)
    model.save_pretrained(str(target), create_model_card=False, safe_serialization=True)
    if base.spec.direction_sha256 is not None:
        _write_direction(target, base, movies)
    return target, loss


def _write_direction(folder: Path, base: GraphEncoder, movies: Sequence[TrialMovie]) -> None:
    """Fit the common direction of the tuned model: that of the base is of other vectors."""
    with tempfile.TemporaryDirectory(dir=folder.parent) as artefacts:
        spec = ensure_artefact(
            Path(artefacts), model=str(folder), passage_tokens=base.passage_tokens
        )
        encoder = GraphEncoder(
            artefact_folder(Path(artefacts), spec.encoder_id), threads=available_threads()
        )
        step = max(1, len(movies) // 1000)
        sample = [text for movie in movies[::step] for text in movie.reviews]
        passages = _passages(sample, encoder)[:SAMPLE_OF_DIRECTION]
        np.save(folder / DIRECTION_OF_MODEL, fit_direction(encoder.encode_passages(passages)))


def _compare(
    movies: Sequence[TrialMovie], texts: Sequence[MovieText],
    encoders: tuple[GraphEncoder, GraphEncoder], work: Path, language: str,
) -> tuple[Comparison, Comparison]:  # fmt: skip
    dense, fused = [], []
    for encoder in encoders:
        with tempfile.TemporaryDirectory(dir=work) as folder:
            trial = TrialCatalogue(movies, texts, encoder, Path(folder), language=language)
            dense.append(trial.reciprocal_ranks("semantic"))
            fused.append(trial.reciprocal_ranks("hybrid"))
    return Comparison.of(*dense), Comparison.of(*fused)


def _finish(options: TuningOptions, model: Path, report: TuningReport, work: Path) -> Path:
    """Move the model to its place, with its report; the work folder goes last."""
    (model / REPORT).write_text(json.dumps(report.to_json(), indent=1) + "\n")
    is_refused = report.refusal is not None
    target = options.models / (f"{options.name}.refused" if is_refused else options.name)
    shutil.rmtree(target, ignore_errors=True)
    model.rename(target)
    shutil.rmtree(work)
    return target
