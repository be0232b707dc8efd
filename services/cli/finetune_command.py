"""``finetune``: tunes the encoder on the catalogue."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from services.cli.api import DataDirOption, absolute, fail, misused, say
from shared.settings import SettingsInvalid, load_settings

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def finetune(
    name: Annotated[str, typer.Option(help="Name of the tuned model.")] = "tuned",
    pairs: Annotated[
        Path | None,
        typer.Option(
            help="Texts about movies, a JSON object with movie_id and text in each line; default: "
            "the catalogue's descriptions."
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Decides what is kept out.")] = 0,
    epochs: Annotated[
        int | None, typer.Option(min=1, max=50, help="How often each text is used.")
    ] = None,
    data_dir: DataDirOption = None,
) -> None:
    """Tune the encoder on the catalogue; the result is used only if it finds movies better."""
    # torch takes longer to import than the other commands to run.
    from services.embedder.model.model_files import ModelInvalid  # noqa: PLC0415
    from services.embedder.settings import EmbedderSettings  # noqa: PLC0415
    from services.tuning.finetune import (  # noqa: PLC0415
        CannotTune,
        TuningOptions,
    )
    from services.tuning.finetune import finetune as tune  # noqa: PLC0415
    from services.tuning.training_pairs import PairsInvalid  # noqa: PLC0415
    from shared.encoder import EncoderInvalid  # noqa: PLC0415
    from shared.snapshot.storage.store import NoSnapshot  # noqa: PLC0415
    from shared.snapshot.storage.verify import SnapshotCorrupt  # noqa: PLC0415

    if _NAME.fullmatch(name) is None:
        misused("--name must have letters, digits, dots, dashes and underscores only")
    try:
        settings = load_settings(EmbedderSettings)
    except SettingsInvalid as error:
        misused(error)
    if data_dir is not None:
        settings = settings.model_copy(update={"data_dir": absolute(data_dir)})
    options = TuningOptions(
        snapshots=settings.snapshot_dir,
        models=settings.data_dir / "models",
        name=name,
        model=settings.encoder_model,
        passage_tokens=settings.passage_tokens,
        pairs=pairs,
        seed=seed,
        epochs=epochs,
    )
    try:
        report, folder = tune(options, say)
    except (
        CannotTune, PairsInvalid, ModelInvalid, EncoderInvalid, NoSnapshot, SnapshotCorrupt,
    ) as error:  # fmt: skip
        fail(error)
    except OSError as error:
        fail(f"{error.filename}: {error.strerror}")
    for line in report.lines():
        say(line)
    if report.refusal is not None:
        fail(f"not used, because {report.refusal}; it is kept in {folder}")
    say(f"better: use it with MOVIE_SEARCH_ENCODER_MODEL={folder}")
