"""Settings: where they come from, what is refused, and that importing the package costs little."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from stubs import StubEmbedder

import dmha
from dmha.errors import InvalidInput, Unavailable
from dmha.models.extractive import Extractive
from dmha.models.openai import OpenAIChat
from dmha.settings import Settings, make_chat, make_embedder, make_reranker, read_settings, told_zone


def test_the_environment_outweighs_the_file_and_the_file_the_defaults(tmp_path: Path) -> None:
    """Each setting has one value, from the most particular place that gives it."""
    config = tmp_path / "dmha.toml"
    config.write_text('zone = "Asia/Tokyo"\nseed = 3\n')
    settings = read_settings({"DMHA_CONFIG": str(config), "DMHA_SEED": "7"})
    assert (settings.zone, settings.seed, settings.embedder) == ("Asia/Tokyo", 7, "minilm")


@pytest.mark.parametrize(
    ("environment", "field"),
    [
        ({"DMHA_SEED": "many"}, "DMHA_SEED"),
        ({"DMHA_ZONE": "Mars/Olympus"}, "DMHA_ZONE"),
        ({"DMHA_ZONE": "../etc/passwd"}, "DMHA_ZONE"),
        ({"DMHA_CONFIG": "/nowhere/dmha.toml"}, "DMHA_CONFIG"),
        ({"DMHA_EMBEDER": "minilm"}, "embeder"),
    ],
)
def test_a_wrong_setting_is_named(environment: dict[str, str], field: str) -> None:
    """The error names the variable and what to give."""
    with pytest.raises(InvalidInput) as caught:
        read_settings(environment)
    assert caught.value.field == field


def test_an_unknown_name_in_the_file_is_refused(tmp_path: Path) -> None:
    """A misspelt setting is not silently ignored."""
    config = tmp_path / "dmha.toml"
    config.write_text('embeder = "minilm"\n')
    with pytest.raises(InvalidInput, match="embeder"):
        read_settings({"DMHA_CONFIG": str(config)})


@pytest.mark.parametrize(
    ("chosen", "part"),
    [
        ("openai", "there is no 'openai'. Use extractive"),
        ("http://host/v1", "names no model. Put its name behind it: http://host/v1#model"),
        ("localhost:9#m", "has no http://. Give http://localhost:9#m"),
    ],
)
def test_an_address_that_is_none_says_what_it_lacks(chosen: str, part: str) -> None:
    """No such name, no model, or no http://: each with what to give."""
    with pytest.raises(InvalidInput, match=re.escape(part)):
        make_chat(Settings(chat=chosen))


def test_a_reranker_without_http_is_taken_for_an_address() -> None:
    """host:port#model asks for no extra: it lacks its http://."""
    with pytest.raises(InvalidInput, match="Give http://localhost:9#m"):
        make_reranker(Settings(reranker="localhost:9#m"))


def test_a_zone_is_told_only_where_it_is_set(tmp_path: Path) -> None:
    """By the environment or the file, UTC too; the default tells nobody's zone."""
    config = tmp_path / "dmha.toml"
    config.write_text('zone = "Asia/Tokyo"\n')
    assert [told_zone(given) for given in ({}, {"DMHA_ZONE": "UTC"}, {"DMHA_CONFIG": str(config)})] == [
        None, "UTC", "Asia/Tokyo",
    ]  # fmt: skip


def test_a_key_is_never_printed() -> None:
    """The settings' own representation hides the secret."""
    assert "sk-secret" not in repr(Settings(api_key="sk-secret"))


def test_a_chat_model_is_named_by_its_address() -> None:
    """`extractive` needs nothing; an address and a model make an OpenAI-compatible one; anything else is refused."""
    assert isinstance(make_chat(Settings()), Extractive)
    assert isinstance(make_chat(Settings(chat="http://127.0.0.1:1/v1#llama3.1")), OpenAIChat)
    for wrong in ("gpt-4", "http://127.0.0.1:1/v1", "ftp://host#model"):
        with pytest.raises(InvalidInput, match="DMHA_CHAT"):
            make_chat(Settings(chat=wrong))
    with pytest.raises(InvalidInput, match="DMHA_EMBEDDER"):
        make_embedder(Settings(embedder="bge-m3"))


def test_an_object_is_taken_as_it_is() -> None:
    """A caller's own embedder or chat model is used unchanged."""
    embedder = StubEmbedder()
    assert make_embedder(Settings(), embedder) is embedder


def test_a_server_s_address_is_not_taken_for_a_file() -> None:
    """A database URL is refused in words until servers are served."""
    with pytest.raises(Unavailable, match="postgresql"):
        dmha.open("postgresql://localhost/dmha", embedder=StubEmbedder())


def test_a_mind_in_memory_leaves_nothing_behind() -> None:
    """`:memory:` works as a file does and is gone after close."""
    with dmha.open(":memory:", embedder=StubEmbedder()) as mind:
        mind.add("bees", user_id="a")
        assert len(mind.search("bees", user_id="a")) == 1
    with dmha.open(":memory:", embedder=StubEmbedder()) as mind:
        assert mind.search("bees", user_id="a") == []


def test_an_object_that_is_no_embedder_is_refused_by_name() -> None:
    """What it lacks is said, before anything is opened."""
    with pytest.raises(InvalidInput, match="has no id and no dimension"):
        make_embedder(Settings(), embedder=type("Half", (), {"embed": None})())


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda made: made * np.nan, "not of length 1"),
        (lambda made: made * 3, "not of length 1"),
        (lambda made: made * 0, "not of length 1"),
        (lambda made: made[:, :3], "shape"),
        (lambda made: made[:0], "shape"),
    ],
)
def test_what_an_embedder_gives_is_not_taken_on_trust(spoil: Callable[[Any], Any], said: str) -> None:
    """Vectors of another length or shape are the embedder's fault, and nothing is remembered with them."""

    class Spoilt(StubEmbedder):
        def embed(self, texts: list[str], /) -> Any:
            return spoil(super().embed(texts))

    with dmha.open(":memory:", embedder=Spoilt()) as mind:
        with pytest.raises(Unavailable, match=said):
            mind.add("bees", user_id="a")
        with pytest.raises(Unavailable, match=said):
            mind.search("bees", user_id="a")


def test_importing_the_package_brings_nothing_heavy() -> None:
    """`import dmha` alone loads neither NumPy, SQLAlchemy, ONNX Runtime nor rich."""
    code = "import sys, dmha; print([m for m in ('numpy', 'sqlalchemy', 'onnxruntime', 'rich') if m in sys.modules])"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"
