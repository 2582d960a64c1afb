"""A BERT sentence encoder written as one ONNX graph from its weights, and the NumPy forward that it is judged by.

Only the graph and its reference live here: no files, no sessions. The graph takes one text's `input_ids` [1, length]
and gives its `embedding` [1, width]: the mean of the last layer over all pieces, at length 1. One text at a time needs
no attention mask. Weights carry the names of Hugging Face's `BertModel`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import onnx

Precision = Literal["int8", "float32"]
Weights = Mapping[str, NDArray[np.float32]]

_EPSILON = 1e-12  # config.json: layer_norm_eps
_BLOCK = 64
"""Weights and activations share one scale per 64 values of a row.

Over 300 texts, least cosine to float32 and turns/s in one thread: quantize_dynamic (per tensor, weights per channel)
0.975 and 346; blocks of 128: 0.9947, of 64: 0.9977, both 266; of 32: 0.9984 and 15% slower. BERT's few huge
activations spoil a scale that a whole tensor shares; here they spoil their own block.
"""


def build(weights: Weights, *, layers: int, heads: int, precision: Precision) -> onnx.ModelProto:
    """Write the whole encoder as one graph, its weights inside."""
    from onnx import TensorProto, helper

    graph = _Graph(precision)
    x = _embed(graph, weights)
    for layer in range(layers):
        x = _layer(graph, weights, x, f"encoder.layer.{layer}.", heads)
    mean = graph.node("ReduceMean", [x, graph.constant("pieces", np.array([1]))], "mean", keepdims=0)
    graph.node("LpNormalization", [mean], "embedding", axis=-1, p=2)
    width = weights["embeddings.LayerNorm.weight"].size
    return helper.make_model(
        helper.make_graph(
            graph.nodes,
            "sentence_encoder",
            [helper.make_tensor_value_info("input_ids", TensorProto.INT64, [1, "length"])],
            [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, [1, width])],
            graph.constants,
        ),
        # 23 is the first opset with Attention as one node: 8% faster than the matmuls and transposes it replaces.
        opset_imports=[helper.make_opsetid("", 23), helper.make_opsetid("com.microsoft", 1)],
        ir_version=11,
    )


@dataclass
class _Graph:
    """Nodes and constants as they are written; each method returns the name of what it made."""

    precision: Precision
    nodes: list[Any] = field(default_factory=list)
    constants: list[Any] = field(default_factory=list)

    def constant(self, name: str, value: NDArray[Any]) -> str:
        from onnx import numpy_helper

        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def node(self, kind: str, inputs: list[str], output: str, **attributes: Any) -> str:
        from onnx import helper

        self.nodes.append(helper.make_node(kind, inputs, [output], name=output, **attributes))
        return output

    def rows(self, table: NDArray[np.float32], ids: str, name: str) -> str:
        """Look up rows of a table; in int8 each row has its own scale."""
        if self.precision == "float32":
            return self.node("Gather", [self.constant(name + ".table", table), ids], name)
        from onnx import TensorProto

        codes, scales = _quantised(table, table.shape[1])
        picked = self.node("Gather", [self.constant(name + ".codes", codes[:, 0]), ids], name + ".picked")
        scale = self.node("Gather", [self.constant(name + ".scales", scales), ids], name + ".scale")
        as_float = self.node("Cast", [picked], name + ".float", to=TensorProto.FLOAT)
        return self.node("Mul", [as_float, scale], name)

    def dense(self, x: str, weight: NDArray[np.float32], bias: NDArray[np.float32], name: str) -> str:
        """`x @ weight.T + bias`, with `weight` [out, in] as torch keeps it."""
        b = self.constant(name + ".bias", bias)
        if self.precision == "float32":
            product = self.node("MatMul", [x, self.constant(name + ".weight", weight.T)], name + ".product")
            return self.node("Add", [product, b], name)
        codes, scales = _quantised(weight, _BLOCK)
        unsigned = (codes.astype(np.int16) + 128).astype(np.uint8)  # the operator's zero point where none is given
        inputs = [x, self.constant(name + ".codes", unsigned), self.constant(name + ".scales", scales), "", "", b]
        # accuracy_level 4: activations too become int8, row by row, so no row's scale depends on another row.
        shape = {"N": weight.shape[0], "K": weight.shape[1], "bits": 8, "block_size": _BLOCK, "accuracy_level": 4}
        return self.node("MatMulNBits", inputs, name, domain="com.microsoft", **shape)

    def normalise(self, x: str, weights: Weights, prefix: str) -> str:
        w, b = (self.constant(prefix + part, weights[prefix + part]) for part in (".weight", ".bias"))
        return self.node("LayerNormalization", [x, w, b], prefix, axis=-1, epsilon=_EPSILON)


def _quantised(matrix: NDArray[np.float32], block: int) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Codes [rows, blocks, block] and scales [rows, blocks] with `codes * scales` nearest to the matrix."""
    blocks = matrix.reshape(matrix.shape[0], -1, block)
    scales = (np.abs(blocks).max(axis=-1) / np.float32(127)).astype(np.float32)
    scales[scales == 0] = 1.0
    return np.rint(blocks / scales[..., None]).astype(np.int8), scales


def _embed(graph: _Graph, weights: Weights) -> str:
    words = graph.rows(weights["embeddings.word_embeddings.weight"], "input_ids", "words")
    length = graph.node("Shape", ["input_ids"], "length", start=1, end=2)
    bounds = [graph.constant("from", np.array([0])), length, graph.constant("axis", np.array([0]))]
    positions = graph.node("Slice", [graph.constant("places", _places(weights)), *bounds], "positions")
    return graph.normalise(graph.node("Add", [words, positions], "embedded"), weights, "embeddings.LayerNorm")


def _places(weights: Weights) -> NDArray[np.float32]:
    """Position and segment embeddings as one table: a text alone is all segment 0."""
    segment = weights["embeddings.token_type_embeddings.weight"][0]
    return np.asarray(weights["embeddings.position_embeddings.weight"] + segment, dtype=np.float32)


def _layer(graph: _Graph, weights: Weights, x: str, prefix: str, heads: int) -> str:
    attended = _attention(graph, weights, x, prefix + "attention.", heads)
    x = graph.normalise(
        graph.node("Add", [attended, x], prefix + "attended"), weights, prefix + "attention.output.LayerNorm"
    )
    inner = graph.dense(x, *_pair(weights, prefix + "intermediate.dense"), prefix + "inner")
    inner = graph.node("Gelu", [inner], prefix + "gelu")
    outer = graph.dense(inner, *_pair(weights, prefix + "output.dense"), prefix + "outer")
    return graph.normalise(graph.node("Add", [outer, x], prefix + "sum"), weights, prefix + "output.LayerNorm")


def _attention(graph: _Graph, weights: Weights, x: str, prefix: str, heads: int) -> str:
    together = graph.dense(x, *_qkv(weights, prefix), prefix + "qkv")
    q, k, v = (prefix + part for part in ("query", "key", "value"))
    from onnx import helper

    graph.nodes.append(helper.make_node("Split", [together], [q, k, v], axis=-1, num_outputs=3))
    context = graph.node("Attention", [q, k, v], prefix + "context", q_num_heads=heads, kv_num_heads=heads)
    return graph.dense(context, *_pair(weights, prefix + "output.dense"), prefix + "projected")


def _pair(weights: Weights, prefix: str) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    return weights[prefix + ".weight"], weights[prefix + ".bias"]


def _qkv(weights: Weights, prefix: str) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Query, key and value as one matrix: one product instead of three."""
    pairs = [_pair(weights, f"{prefix}self.{part}") for part in ("query", "key", "value")]
    return np.concatenate([w for w, _ in pairs]), np.concatenate([b for _, b in pairs])


def numpy_forward(weights: Weights, ids: list[int], *, layers: int, heads: int) -> NDArray[np.float32]:
    """The same encoder in plain NumPy, from the paper's formulas: what the graph is held against."""
    x = weights["embeddings.word_embeddings.weight"][ids] + _places(weights)[: len(ids)]
    x = _layer_norm(x, weights, "embeddings.LayerNorm")
    for layer in range(layers):
        prefix = f"encoder.layer.{layer}."
        context = _numpy_attention(x, weights, prefix + "attention.self.", heads)
        attended = _linear(context, weights, prefix + "attention.output.dense")
        x = _layer_norm(x + attended, weights, prefix + "attention.output.LayerNorm")
        inner = _gelu(_linear(x, weights, prefix + "intermediate.dense"))
        x = _layer_norm(x + _linear(inner, weights, prefix + "output.dense"), weights, prefix + "output.LayerNorm")
    mean = x.mean(axis=0)
    return np.asarray(mean / np.linalg.norm(mean), dtype=np.float32)


def _numpy_attention(x: NDArray[np.float32], weights: Weights, prefix: str, heads: int) -> NDArray[np.float32]:
    q, k, v = (
        _linear(x, weights, prefix + part).reshape(len(x), heads, -1).transpose(1, 0, 2)
        for part in ("query", "key", "value")
    )
    scores = q @ k.transpose(0, 2, 1) / math.sqrt(q.shape[-1])
    shares = np.exp(scores - scores.max(axis=-1, keepdims=True))
    context = (shares / shares.sum(axis=-1, keepdims=True)) @ v
    return np.asarray(context.transpose(1, 0, 2).reshape(len(x), -1), dtype=np.float32)


def _linear(x: NDArray[np.float32], weights: Weights, prefix: str) -> NDArray[np.float32]:
    weight, bias = _pair(weights, prefix)
    return np.asarray(x @ weight.T + bias, dtype=np.float32)


def _layer_norm(x: NDArray[np.float32], weights: Weights, prefix: str) -> NDArray[np.float32]:
    weight, bias = _pair(weights, prefix)
    centred = x - x.mean(axis=-1, keepdims=True)
    return np.asarray(centred / np.sqrt(np.square(centred).mean(axis=-1, keepdims=True) + _EPSILON) * weight + bias)


def _gelu(x: NDArray[np.float32]) -> NDArray[np.float32]:
    """Exact, by the error function: BERT's `gelu`, not the tanh form."""
    erf = np.fromiter((math.erf(value / math.sqrt(2.0)) for value in x.flat), dtype=np.float32, count=x.size)
    return np.asarray(x * (1 + erf.reshape(x.shape)) / 2, dtype=np.float32)
