"""``python -m services.embedder`` runs the service; ``--check`` tests whether it is healthy."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from functools import partial
from typing import TYPE_CHECKING

from sqlalchemy.exc import SQLAlchemyError

from services.embedder.database.engine import open_engine
from services.embedder.database.schema import SchemaIncompatible
from services.embedder.model.conversion import ModelChanges, ensure_artefact
from services.embedder.model.model_files import ModelInvalid
from services.embedder.service import Embedder
from services.embedder.settings import EmbedderSettings
from services.embedder.worker_locks import TooManyWorkers, converting
from shared.delivery import heartbeats
from shared.delivery.redis_check import RedisUnusable, check_redis
from shared.delivery.redis_client import UNAVAILABLE, connect
from shared.encoder import Encoder, EncoderInvalid, GraphEncoder, artefact_folder, available_threads
from shared.settings import PREFIX, SettingsInvalid, load_settings
from shared.system.child_process import EXIT_USAGE
from shared.telemetry import configure_logging, get_logger, serve_metrics, warn_of_unknown_settings

if TYPE_CHECKING:
    from shared.evaluation.canary import Canaries


def main() -> int:
    """Run the service; returns its exit code."""
    parser = argparse.ArgumentParser(prog="services.embedder", description=__doc__)
    parser.add_argument("--check", action="store_true", help="exit 0 if the service is healthy")
    arguments = parser.parse_args()
    try:
        settings = load_settings(EmbedderSettings)
        if not arguments.check:
            configure_logging("embedder", settings)
            warn_of_unknown_settings()
        settings.require_redis_url()
        canaries = _canaries(settings)
    except SettingsInvalid as error:
        print(f"embedder: {error}", file=sys.stderr)
        return EXIT_USAGE
    if arguments.check:
        return asyncio.run(_check(settings))
    try:
        return _serve(settings, canaries)
    except (
        EncoderInvalid, ModelInvalid, RedisUnusable, SchemaIncompatible, TooManyWorkers, OSError,
        SQLAlchemyError,
    ) as error:  # fmt: skip
        reason = error.args[0] if error.args else error
        get_logger().error("cannot start", error=str(reason).splitlines()[0])
        return 1


def _canaries(settings: EmbedderSettings) -> Canaries | None:
    """Read the queries of the promotion gate, if there are any.

    Raises:
        SettingsInvalid: The file of queries cannot be used.
    """
    if settings.canary_queries is None:
        return None
    # Imported here because it imports scipy, which only the promotion gate needs at start.
    from shared.evaluation.canary import CanariesInvalid, read_canaries  # noqa: PLC0415

    try:
        return read_canaries(settings.canary_queries)
    except CanariesInvalid as error:
        raise SettingsInvalid(f"{PREFIX}CANARY_QUERIES: {error}") from error


def _serve(settings: EmbedderSettings, canaries: Canaries | None) -> int:
    # First, because converting a model takes much longer.
    asyncio.run(_refuse_unusable_redis(settings.require_redis_url()))
    settings.snapshot_dir.mkdir(parents=True, exist_ok=True)
    engine = open_engine(settings.database)
    with converting(settings.snapshot_dir):
        spec = ensure_artefact(
            settings.snapshot_dir,
            model=settings.encoder_model,
            passage_tokens=settings.passage_tokens,
            changes=ModelChanges(
                settings.encoder_dim,
                settings.encoder_query_prompt,
                settings.encoder_passage_prompt,
            ),
        )
    encoder, precision = _open_encoder(settings, spec.encoder_id)
    serve_metrics(settings)
    if encoder.passage_tokens < settings.passage_tokens:
        get_logger().warning(
            "passages shortened to what the model reads", tokens=encoder.passage_tokens
        )
    get_logger().info("ready", model=spec.model, encoder_id=spec.encoder_id, precision=precision)
    promote = partial(canaries.refusal, encoder=encoder) if canaries is not None else None
    asyncio.run(_run(Embedder(settings, engine, encoder, precision=precision, promote=promote)))
    engine.dispose()
    get_logger().info("stopped")
    return 0


async def _refuse_unusable_redis(url: str) -> None:
    """Check Redis; the service starts without it if it may become available.

    Raises:
        RedisUnusable: It cannot do the work, and waiting would not help.
    """
    try:
        await check_redis(url)
    except UNAVAILABLE as error:
        get_logger().warning("redis unavailable, starting without it", error=str(error))


def _open_encoder(settings: EmbedderSettings, encoder_id: str) -> tuple[Encoder, str]:
    graph = GraphEncoder(
        artefact_folder(settings.snapshot_dir, encoder_id),
        encoder_id=encoder_id,
        threads=settings.encode_threads or max(1, available_threads() // settings.embedders),
        precision=settings.encoder_precision,
    )
    if settings.encoder_backend == "torch":
        # torch takes seconds to import, and the default backend does not need it.
        from services.embedder.model.torch_encoder import TorchEncoder  # noqa: PLC0415

        return TorchEncoder(settings.encoder_model, graph), "f32"
    return graph, graph.passage_precision


async def _run(embedder: Embedder) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await embedder.run(stop)


async def _check(settings: EmbedderSettings) -> int:
    redis = connect(settings.require_redis_url())
    try:
        alive = await heartbeats.is_alive_here(redis, "embedder")
    except UNAVAILABLE as error:
        print(f"embedder: redis: {error}", file=sys.stderr)
        return 1
    finally:
        await redis.aclose()
    if not alive:
        print("embedder: no heartbeat", file=sys.stderr)
    return 0 if alive else 1


if __name__ == "__main__":
    sys.exit(main())
