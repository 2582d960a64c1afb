"""Term weights: stable ids, packed counts, saturation and idf."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dmha.domain.terms import K1, MAX_SATURATION, REFERENCE_LENGTH, TERM_DTYPE, B, idf, pack, saturated, term_id


def test_a_term_has_the_same_id_for_ever() -> None:
    """Stored ids must be readable by every later version and machine."""
    assert term_id("cat") == 0x2F989D7B2CDD2733
    assert term_id("猫") == 0x3974566081432538
    assert term_id("\ud800") != term_id("\ud801")


@given(st.lists(st.sampled_from("abcdefgh猫犬")))
def test_packing_keeps_every_count(text_terms: list[str]) -> None:
    """The packed array holds each term once, sorted by id, with its count."""
    packed = pack(text_terms)
    assert packed.dtype == TERM_DTYPE
    assert packed.itemsize == 10
    assert np.all(np.diff(packed["term"].astype(object)) > 0)
    assert dict(packed.tolist()) == {term_id(term): count for term, count in Counter(text_terms).items()}


def test_a_count_stops_at_what_its_field_holds() -> None:
    """A term said 70,000 times counts as 65,535, not as 4,464."""
    assert pack(["a"] * 70_000)["count"].tolist() == [65_535]


def test_saturation_is_bm25_with_a_fixed_reference() -> None:
    """A term once in a text of the reference length weighs 1; counts saturate below the maximum; length costs."""
    packed = pack(["a"] + ["b"] * 1000)
    weights = dict(zip(packed["term"].tolist(), saturated(packed, 10, 10.0).tolist(), strict=True))
    assert weights[term_id("a")] == 1.0
    assert math.isclose(weights[term_id("b")], 1000 * (K1 + 1) / (1000 + K1), rel_tol=1e-6)
    assert weights[term_id("b")] < MAX_SATURATION == K1 + 1
    longer = saturated(pack(["a"]), 30, 10.0)
    assert longer.dtype == np.float32
    assert math.isclose(longer[0], (K1 + 1) / (1 + K1 * (1 - B + B * 3)), rel_tol=1e-6)


def test_every_language_has_a_reference_length() -> None:
    """Each value that `language` gives is in the table."""
    assert set(REFERENCE_LENGTH) == {"en", "ja", "zh", "other"}


def test_idf_falls_with_frequency_and_stays_positive() -> None:
    """The number form and the array form agree with ln(1 + (N - df + 0.5) / (df + 0.5))."""
    assert idf(10, 2) == math.log1p(8.5 / 2.5)
    values = idf(10, np.arange(11))
    assert np.all(np.diff(values) < 0)
    assert values[-1] > 0
    assert values[2] == idf(10, 2)


def test_nothing_packs_to_nothing() -> None:
    """A text without terms has an empty array of the right type and no weights."""
    assert len(pack([])) == 0
    assert saturated(pack([]), 0, 10.0).shape == (0,)
