"""Trains an encoder on pairs, in steps that may be interrupted anywhere.

InfoNCE: of the passages of a batch, each text's own is to be the nearest (van den Oord et al.,
arXiv:1807.03748), among one hard negative of each. The word vectors and the lower half of the
layers stay as they are: they know the language, and half of the work is saved. Everything random is
decided by the seed and the number of the step, so that a run that was killed gives what one without
interruption gives.
"""

from __future__ import annotations

import hashlib
import json
import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from services.tuning.training_pairs import TrainingPair
from shared.system.cpu import available_threads

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

BATCH: Final = 48
LEARNING_RATE: Final = 4e-5
WARM_UP: Final = 0.1
SCALE: Final = 20.0
CHECKPOINT_EVERY_S: Final = 20.0
EPOCHS: Final = ((500, 5), (3_000, 2))
"""The number of epochs for up to so many pairs; one for more."""
CHECKPOINT: Final = "checkpoint.pt"

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Training:
    """How it is trained.

    Attributes:
        pairs: The pairs.
        epochs: How often each pair is used.
        seed: Decides the order of the pairs, and which of their passages are used.
        query_prompt: What is put before each text.
        passage_prompt: What is put before each passage.
    """

    pairs: Sequence[TrainingPair]
    epochs: int
    seed: int
    query_prompt: str = ""
    passage_prompt: str = ""

    @property
    def steps(self) -> int:
        """The number of steps, each of one batch."""
        return self.epochs * -(-len(self.pairs) // BATCH)

    @property
    def digest(self) -> str:
        """A hash of everything that decides the result, but the model."""
        content = json.dumps(asdict(self), ensure_ascii=False, sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()


def epochs_for(pairs: int) -> int:
    """How many epochs so many pairs are trained for: fewer pairs, more often."""
    return next((epochs for most, epochs in EPOCHS if pairs <= most), 1)


def train(
    model: SentenceTransformer, training: Training, folder: Path, *, device: str, say: Say
) -> float:
    """Train a model in place; continues where an interrupted run of the same training ended.

    Args:
        model: The model as it is before the training.
        training: How it is trained.
        folder: Where checkpoints are kept; none is used that is of another training.
        device: ``cpu`` or ``cuda``.
        say: Prints a line of progress.

    Returns:
        The mean loss of the last epoch.

    Raises:
        OSError: The folder cannot be written.
    """
    import torch  # noqa: PLC0415

    torch.set_num_threads(available_threads())
    model.to(device)
    tuned = _freeze(model)
    optimizer = torch.optim.AdamW(tuned, lr=LEARNING_RATE)
    checkpoint = _Checkpoint(folder / CHECKPOINT, training.digest, tuned, optimizer)
    step, losses = checkpoint.load()
    began, done = time.monotonic(), 0
    model.train()
    for number, batch in enumerate(_batches(training)):
        if number < step:
            continue
        torch.manual_seed(training.seed * 1_000_003 + number)
        for group in optimizer.param_groups:
            group["lr"] = LEARNING_RATE * _schedule(number, training.steps)
        loss = _loss(model, training, batch, device)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
        done += 1
        left_s = (time.monotonic() - began) / done * (training.steps - number - 1)
        if checkpoint.save_when_due(number + 1, losses):
            say(f"step {number + 1} of {training.steps}, loss {losses[-1]:.3f}, {_left(left_s)}")
    checkpoint.save(training.steps, losses)
    model.eval()
    last = losses[-(training.steps // training.epochs) :]
    return sum(last) / len(last)


@dataclass(frozen=True, slots=True)
class _Batch:
    texts: list[str]
    positives: list[str]
    negatives: list[str]


def _batches(training: Training) -> Iterator[_Batch]:
    for epoch in range(training.epochs):
        chance = random.Random(f"{training.seed}:{epoch}")  # noqa: S311
        order = list(training.pairs)
        chance.shuffle(order)
        for start in range(0, len(order), BATCH):
            chosen = order[start : start + BATCH]
            yield _Batch(
                [pair.text for pair in chosen],
                [chance.choice(pair.positives) for pair in chosen],
                [chance.choice(pair.negatives) for pair in chosen if pair.negatives],
            )


def _loss(model: SentenceTransformer, training: Training, batch: _Batch, device: str) -> Any:
    import torch  # noqa: PLC0415

    texts = _vectors(model, batch.texts, training.query_prompt, device)
    passages = batch.positives + batch.negatives
    nearest = texts @ _vectors(model, passages, training.passage_prompt, device).T * SCALE
    own = torch.arange(len(batch.texts), device=device)
    return torch.nn.functional.cross_entropy(nearest, own)


def _vectors(model: SentenceTransformer, texts: list[str], prompt: str, device: str) -> Any:
    import torch  # noqa: PLC0415

    features = model.preprocess(texts, prompt=prompt or None)
    moved = {
        name: value.to(device) if hasattr(value, "to") else value
        for name, value in features.items()
    }
    with torch.autocast(device, dtype=torch.bfloat16) if _has_bf16(device) else nullcontext():
        vectors = model(moved)["sentence_embedding"]
    return torch.nn.functional.normalize(vectors.float(), dim=1)


def _has_bf16(device: str) -> bool:
    import torch  # noqa: PLC0415

    if device == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    return bool(torch.cpu._is_avx512_bf16_supported())


def _freeze(model: SentenceTransformer) -> list[Any]:
    """Keep the word vectors and the lower half of the layers; returns the other parameters."""
    first: Any = model[0]
    transformer = getattr(first, "model", None)
    if transformer is not None:
        embeddings = getattr(transformer, "embeddings", None)
        layers = _layers(transformer)
        for part in [embeddings, *layers[: len(layers) // 2]]:
            if part is not None:
                part.requires_grad_(requires_grad=False)
    return [parameter for parameter in model.parameters() if parameter.requires_grad]


def _layers(transformer: Any) -> list[Any]:
    """The layers of a transformer, the lowest first; none if it is built in another way."""
    for path in ("encoder.layer", "encoder.layers", "transformer.layer", "layers"):
        part = transformer
        for name in path.split("."):
            part = getattr(part, name, None)
        if part is not None:
            return list(part)
    return []


def _schedule(step: int, steps: int) -> float:
    """The share of the learning rate: it rises over the first tenth, and falls to zero."""
    warm = max(1, round(WARM_UP * steps))
    if step < warm:
        return (step + 1) / warm
    return max(0.0, (steps - step) / max(1, steps - warm))


class _Checkpoint:
    """The state of a training on disk: replaced as a whole, and read only if it is of this one."""

    def __init__(self, path: Path, digest: str, tuned: Sequence[Any], optimizer: Any) -> None:
        self._path = path
        self._digest = digest
        self._tuned = tuned
        self._optimizer = optimizer
        self._saved_at = time.monotonic()

    def load(self) -> tuple[int, list[float]]:
        """Restore the state; returns the number of steps done, and their losses."""
        import torch  # noqa: PLC0415

        if not self._path.is_file():
            return 0, []
        state = torch.load(self._path, weights_only=True, map_location="cpu")
        if state["digest"] != self._digest:
            return 0, []
        with torch.no_grad():
            for parameter, value in zip(self._tuned, state["parameters"], strict=True):
                parameter.copy_(value)
        self._optimizer.load_state_dict(state["optimizer"])
        return int(state["step"]), list(state["losses"])

    def save_when_due(self, step: int, losses: Sequence[float]) -> bool:
        """Save the state now and then; returns whether it did."""
        if time.monotonic() - self._saved_at < CHECKPOINT_EVERY_S:
            return False
        self.save(step, losses)
        return True

    def save(self, step: int, losses: Sequence[float]) -> None:
        """Save the state."""
        import torch  # noqa: PLC0415

        self._path.parent.mkdir(parents=True, exist_ok=True)
        partial = self._path.with_suffix(".partial")
        state = {
            "digest": self._digest, "step": step, "losses": list(losses),
            "parameters": [parameter.detach().cpu() for parameter in self._tuned],
            "optimizer": self._optimizer.state_dict(),
        }  # fmt: skip
        torch.save(state, partial)
        partial.replace(self._path)
        self._saved_at = time.monotonic()


def _left(seconds: float) -> str:
    return f"about {seconds / 60:.0f} min left" if seconds >= 90 else f"about {seconds:.0f} s left"
