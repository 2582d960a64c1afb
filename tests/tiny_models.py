"""Models of torch that a test writes itself, so small that nothing is downloaded or waited for."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any


def tiny_model(folder: Path, kind: str, **config: Any) -> Path:
    """A model of two layers of 32 numbers with weights from a fixed seed, saved as safetensors."""
    import torch

    transformers = importlib.import_module("transformers")  # not in the default install, for mypy to look at
    folder.mkdir()
    words = ["the", "cat", "sat", "a", "dog", "river", "in", "spring", "and", "again"]
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *words]
    (folder / "vocab.txt").write_text("\n".join(pieces), encoding="utf-8")
    torch.manual_seed(0)
    size = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64}
    made = transformers.BertConfig(vocab_size=len(pieces), **size, **config)
    getattr(transformers, kind)(made).save_pretrained(folder)
    transformers.BertTokenizerFast(str(folder / "vocab.txt")).save_pretrained(folder)
    return folder
