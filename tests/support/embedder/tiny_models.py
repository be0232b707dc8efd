"""Small sentence-transformers models with random weights."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

WORDS = ("a", "quiet", "film", "loud", "war", "and", "love")
MOST_TOKENS = 44

Kind = Literal["bert", "roberta", "xlm-roberta", "camembert", "mpnet", "distilbert"]
Pooling = Literal["cls", "mean", "max", "mean_sqrt_len_tokens", "weightedmean", "lasttoken"]

_SPECIAL = ("[PAD]", "[CLS]", "[SEP]", "[UNK]")
_SIZES: dict[str, Any] = {"vocab_size": len(_SPECIAL + WORDS), "initializer_range": 0.5}
_LAYERS: dict[str, Any] = {
    "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64,
}  # fmt: skip


def tiny_model(
    folder: Path,
    *,
    kind: Kind = "bert",
    pooling: Pooling | tuple[Pooling, ...] = "mean",
    dense: int | None = None,
    normalised: bool = True,
    between: Sequence[Literal["LayerNorm", "Dropout"]] = (),
    include_prompt: bool = True,
    prompts: dict[str, str] | None = None,
    max_tokens: int = MOST_TOKENS,
) -> Path:
    """Make a model with its tokenizer and the requested modules; returns its folder.

    Args:
        folder: Folder in which it is made.
        kind: Type of its transformer.
        pooling: How its token vectors are pooled.
        dense: Width of a dense layer after pooling; None for no such layer.
        normalised: Whether it ends with a normalisation.
        between: Further modules after pooling.
        include_prompt: Whether the tokens of a prompt are pooled, too.
        prompts: Its prompts by their names.
        max_tokens: The longest text that it reads.
    """
    import torch  # noqa: PLC0415 - only the tests that are marked pay for it
    from sentence_transformers import SentenceTransformer  # noqa: PLC0415
    from sentence_transformers.sentence_transformer import modules  # noqa: PLC0415
    from tokenizers import BertWordPieceTokenizer  # noqa: PLC0415
    from transformers import PreTrainedTokenizerFast  # noqa: PLC0415

    torch.manual_seed(7)
    inner = folder / "inner"
    inner.mkdir(parents=True)
    _transformer(kind).save_pretrained(inner, safe_serialization=True)
    special = _SPECIAL
    if kind not in {"bert", "distilbert"}:  # these have the padding token second
        special = (special[1], special[0], *special[2:])
    (inner / "vocab.txt").write_text("\n".join(special + WORDS))
    fast = BertWordPieceTokenizer(str(inner / "vocab.txt"), lowercase=True)
    fast.save(str(inner / "tokenizer.json"))
    PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_file=str(inner / "tokenizer.json"), pad_token="[PAD]", unk_token="[UNK]",
        cls_token="[CLS]", sep_token="[SEP]",
    ).save_pretrained(inner)  # fmt: skip
    transformer = modules.Transformer(str(inner), max_seq_length=max_tokens)
    pooled = modules.Pooling(32, pooling_mode=pooling, include_prompt=include_prompt)
    parts = [transformer, pooled]
    for name in between:
        module = getattr(modules, name)
        parts.append(module(32) if name == "LayerNorm" else module())
    if dense is not None:
        parts.append(modules.Dense(pooled.get_embedding_dimension(), dense))
    if normalised:
        parts.append(modules.Normalize())
    whole = SentenceTransformer(modules=parts, device="cpu", prompts=prompts)
    whole.save(str(folder / "model"))
    return folder / "model"


def static_model(folder: Path, *, dim: int = 24) -> Path:
    """Make a model that averages fixed vectors of the tokens; returns its folder."""
    import torch  # noqa: PLC0415
    from sentence_transformers import SentenceTransformer  # noqa: PLC0415
    from sentence_transformers.sentence_transformer import modules  # noqa: PLC0415
    from tokenizers import BertWordPieceTokenizer, Tokenizer  # noqa: PLC0415

    torch.manual_seed(7)
    folder.mkdir(parents=True)
    (folder / "vocab.txt").write_text("\n".join(_SPECIAL + WORDS))
    fast = BertWordPieceTokenizer(str(folder / "vocab.txt"), lowercase=True)
    tokenizer = Tokenizer.from_str(fast.to_str())
    table = modules.StaticEmbedding(tokenizer, embedding_dim=dim)
    SentenceTransformer(modules=[table], device="cpu").save(str(folder / "model"))
    return folder / "model"


def _transformer(kind: Kind) -> Any:
    import transformers  # noqa: PLC0415

    longest: dict[str, Any] = {"max_position_embeddings": MOST_TOKENS, "pad_token_id": 0}
    config: Any
    if kind == "distilbert":
        config = transformers.DistilBertConfig(
            **_SIZES, **longest, dim=32, n_layers=2, n_heads=4, hidden_dim=64
        )
        return transformers.DistilBertModel(config)
    if kind == "bert":
        return transformers.BertModel(transformers.BertConfig(**_SIZES, **_LAYERS, **longest))
    # Their positions begin after the padding token's id, which is 1.
    longest = {"max_position_embeddings": MOST_TOKENS + 2, "pad_token_id": 1}
    if kind != "mpnet":
        name = {"roberta": "Roberta", "xlm-roberta": "XLMRoberta", "camembert": "Camembert"}[kind]
        make = getattr(transformers, f"{name}Config")
        config = make(**_SIZES, **_LAYERS, **longest, type_vocab_size=1)
        return getattr(transformers, f"{name}Model")(config)
    return transformers.MPNetModel(transformers.MPNetConfig(**_SIZES, **_LAYERS, **longest))
