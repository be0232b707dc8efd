"""A model of several languages, in the form of the public ones, with a catalogue in Spanish.

The public models have hundreds of megabytes and no package that is installed carries one
(docs/languages.md), so this one is made here: an XLM-RoBERTa with a Unigram tokenizer and prompts,
as multilingual-e5 has, but tiny and with random weights. It goes the same way: converted, packed,
encoded with its prompts, published and searched.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from services.embedder.model.conversion import ensure_artefact, load_torch_model
from shared.delivery.redis_client import Client
from shared.encoder import GraphEncoder, artefact_folder
from tests.integration.embedder.test_catalogue_language import asking, crawled, settings_of
from tests.support.embedder.running import current
from tests.support.foreign_catalogues import CATALOGUES

pytestmark = [
    pytest.mark.encoder,
    pytest.mark.filterwarnings("ignore::FutureWarning:transformers"),
]

TEXTS = [text for catalogue in CATALOGUES.values() for movie in catalogue.values()
         for text in movie.reviews]  # fmt: skip
MOST_TOKENS = 66


def tiny_multilingual_model(folder: Path) -> Path:
    """Make a model whose tokenizer has learnt the words of both catalogues."""
    import torch  # noqa: PLC0415 - only the tests that are marked pay for it
    from sentence_transformers import SentenceTransformer  # noqa: PLC0415
    from sentence_transformers.sentence_transformer import modules  # noqa: PLC0415
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers  # noqa: PLC0415
    from tokenizers.processors import TemplateProcessing  # noqa: PLC0415
    from transformers import (  # noqa: PLC0415
        PreTrainedTokenizerFast,
        XLMRobertaConfig,
        XLMRobertaModel,
    )

    torch.manual_seed(7)
    inner = folder / "inner"
    inner.mkdir(parents=True)
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    special = ["<s>", "<pad>", "</s>", "<unk>"]
    tokenizer.train_from_iterator(
        [*TEXTS, "query: passage:"] * 4,
        trainers.UnigramTrainer(
            vocab_size=600, special_tokens=special, unk_token="<unk>", show_progress=False
        ),
    )
    tokenizer.post_processor = TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer, bos_token="<s>", cls_token="<s>", eos_token="</s>",
        sep_token="</s>", pad_token="<pad>", unk_token="<unk>",
    ).save_pretrained(inner)  # fmt: skip
    config = XLMRobertaConfig(
        vocab_size=tokenizer.get_vocab_size(), hidden_size=64, num_hidden_layers=2,
        num_attention_heads=4, intermediate_size=64, initializer_range=0.3, pad_token_id=1,
        max_position_embeddings=MOST_TOKENS + 2, type_vocab_size=1,
    )  # fmt: skip
    XLMRobertaModel(config).save_pretrained(inner, safe_serialization=True)
    transformer = modules.Transformer(str(inner), max_seq_length=MOST_TOKENS)
    parts = [transformer, modules.Pooling(64, pooling_mode="mean"), modules.Normalize()]
    prompts = {"query": "query: ", "passage": "passage: "}
    SentenceTransformer(modules=parts, device="cpu", prompts=prompts).save(str(folder / "model"))
    return folder / "model"


async def test_a_multilingual_encoder_serves_a_catalogue_in_spanish(
    redis: Client, redis_url: str, tmp_path: Path
) -> None:
    model = tiny_multilingual_model(tmp_path / "made")
    settings = settings_of(tmp_path, redis_url, "es")
    spec = ensure_artefact(settings.snapshot_dir, model=str(model), passage_tokens=32)
    assert (spec.query_prompt, spec.passage_prompt) == ("query: ", "passage: ")
    encoder = GraphEncoder(
        artefact_folder(settings.snapshot_dir, spec.encoder_id),
        encoder_id=spec.encoder_id, threads=1, precision="f32",
    )  # fmt: skip
    expected = load_torch_model(str(model)).encode(
        TEXTS, prompt="passage: ", normalize_embeddings=True, show_progress_bar=False
    )
    assert (encoder.encode_passages(TEXTS) * expected).sum(axis=1).min() > 0.9999

    await crawled(redis, settings, encoder, "es")
    snapshot = current(settings)
    assert snapshot.manifest.language == "es"
    assert snapshot.manifest.encoder.encoder_id == spec.encoder_id
    async with asking(tmp_path, encoder) as ask:
        # Random weights know no meaning, so the words decide here; each hit has its evidence.
        for movie_id, movie in CATALOGUES["es"].items():
            for text in movie.reviews:
                assert (await ask.words(text))[0] == movie_id, text
        answer = await ask("niño travieso y canción divertida")
        assert len(answer["hits"]) == 5
        for hit in answer["hits"]:
            said = CATALOGUES["es"][hit["movie"]["movie_id"]].reviews
            assert any(hit["evidence"][0]["text"] in text for text in said)
            assert -1 <= hit["evidence"][0]["score"] <= 1
        assert set(await ask.words("historia tristísima con alpinista")) == {"es1", "es5"}
        assert (await ask.words("niño travieso y canción divertida"))[0] == "es2"
        assert (await ask.words("la mina, terror, ruido y oscuridad"))[0] == "es3"
