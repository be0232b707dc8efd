"""The settings of the embedder: its database, its encoder, and when it publishes."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from shared.settings import AbsolutePath, CommonSettings, EmbeddersSettings
from shared.text.languages import ENGLISH, known_language


class EmbedderSettings(CommonSettings, EmbeddersSettings):
    """One embedder process's configuration."""

    database_url: Annotated[
        str | None,
        Field(
            description="The embedder's database, `sqlite:///...` or `postgresql+psycopg://...`. "
            "Unset: SQLite in the data folder."
        ),
    ] = None
    encoder_model: Annotated[
        str,
        Field(
            description="Folder of a sentence-transformers model, a name that "
            "sentence-transformers can load, or `all-MiniLM-L6-v2` for the bundled model."
        ),
    ] = "all-MiniLM-L6-v2"
    encoder_dim: Annotated[
        int | None,
        Field(
            ge=8,
            description="How many components of each vector are kept, for a model that was trained "
            "for it (Matryoshka). Unset: all.",
        ),
    ] = None
    encoder_query_prompt: Annotated[
        str | None,
        Field(
            max_length=500,
            description="What is put before each query, such as `query: ` for e5. Unset: what the "
            "model's files say.",
        ),
    ] = None
    encoder_passage_prompt: Annotated[
        str | None,
        Field(
            max_length=500,
            description="What is put before each passage, such as `passage: ` for e5. Unset: what "
            "the model's files say.",
        ),
    ] = None
    catalogue_language: Annotated[
        str,
        AfterValidator(known_language),
        Field(
            description="The language of the reviews, as a code: `es`, `de`; `mul` for several. It "
            "decides how words are stemmed and which are left out. Changing it writes the snapshot "
            "again and encodes nothing."
        ),
    ] = ENGLISH
    encoder_backend: Annotated[
        Literal["openvino", "torch"],
        Field(
            description="What encodes reviews: the converted graph, or sentence-transformers "
            "(`torch`, which uses a GPU if there is one). Queries always use the graph."
        ),
    ] = "openvino"
    passage_tokens: Annotated[
        int,
        Field(
            ge=16,
            le=512,
            description="Longest passage, in word pieces. What the model reads at most is the "
            "limit if that is less.",
        ),
    ] = 64
    vector_store: Annotated[
        Literal["faiss"], Field(description="Index of the pooled vectors (`IndexFlatIP`).")
    ] = "faiss"
    encode_threads: Annotated[
        int,
        Field(
            ge=0,
            description="Threads each embedder encodes reviews with; 0: as many as the CPU quota "
            "allows, divided by `EMBEDDERS`.",
        ),
    ] = 0
    publish_idle_s: Annotated[
        float, Field(gt=0, description="Publish when nothing has changed for this long.")
    ] = 1.0
    publish_every_s: Annotated[
        float, Field(gt=0, description="Publish at least this often while changes arrive.")
    ] = 30.0
    snapshots_kept: Annotated[int, Field(ge=3, description="Snapshots that retention keeps.")] = 5
    canary_queries: Annotated[
        AbsolutePath | None,
        Field(
            description="Folder of judged queries in BEIR's layout, with a `floors.toml`. A "
            "snapshot that misses a floor is published but not served. Unset: no such check."
        ),
    ] = None

    @property
    def database(self) -> str:
        """SQLAlchemy URL of the database."""
        return self.database_url or f"sqlite:///{self.data_dir / 'movies.sqlite'}"
