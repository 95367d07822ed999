"""Masks: the published keystream, words that wrap around, and inputs that look like noise."""

import numpy as np
from scipy import stats

from heronry.privacy.secure.agreement import pairwise_mask
from heronry.privacy.secure.masks import Mask, apply_masks

# RFC 8439, appendix A.1, test vectors 1 and 2: key and nonce are zero, blocks 0 and 1.
_RFC_BLOCKS = bytes.fromhex(
    "76b8e0ada0f13d90405d6ae55386bd28bdd219b8a08ded1aa836efcc8b770dc7"
    "da41597c5157488d7724e03fb8d84a376a43b8f41518a11cc387b669b2ee6586"
    "9f07e7be5551387a98ba977c732d080dcb0f29a048e3656912c6533e32ee7aed"
    "29b721769ce64e43d57133b074d839d531ed1f28510afb45ace10a1f4b794d6f"
)


def test_a_mask_is_the_published_keystream() -> None:
    words = np.zeros(32, np.uint32)

    apply_masks(words, [Mask(bytes(32), is_added=True)])

    assert words.astype("<u4").tobytes() == _RFC_BLOCKS


def test_words_wrap_around_and_come_back() -> None:
    words = np.array([0, 2**32 - 1] * 20_000, np.uint32)
    masks = [Mask(bytes([number]) * 32, is_added=bool(number % 2)) for number in range(5)]
    masked = words.copy()

    apply_masks(masked, masks)
    assert (masked != words).mean() > 0.99
    apply_masks(masked, [mask.undone() for mask in reversed(masks)])

    assert np.array_equal(masked, words)


def test_more_masks_than_streams_at_once_are_all_applied() -> None:
    key = bytes(range(32))
    once, often = np.zeros(5, np.uint32), np.zeros(5, np.uint32)

    apply_masks(once, [Mask(key, is_added=True)])
    apply_masks(often, [Mask(key, is_added=True)] * 300)

    assert np.array_equal(often, once * np.uint32(300))


def test_a_mask_does_not_show_its_key() -> None:
    assert "key" not in repr(Mask(b"k" * 32, is_added=True))


def test_masked_inputs_look_uniform(rounds) -> None:
    # Chi-square over 256 values of each of the four bytes of a word, 1e-6 false alarms each: 4e-6 for the test.
    size = 65_536
    one = rounds.open(3, 2, num_parameters=size)
    one.advertise()
    one.share()
    one.contribute({member: np.zeros(size, np.float32) for member in one.parameters.members})

    for place in range(4):
        counts = np.bincount(one.inputs["client-000"].view(np.uint8)[place::4], minlength=256)
        assert stats.chisquare(counts).pvalue > 1e-6


def test_masks_change_with_every_round_and_every_client(rounds) -> None:
    vector = np.ones(1000, np.float32) / 1000
    inputs = []
    for _ in range(2):
        one = rounds.open(3, 2, num_parameters=1000)
        one.run(dict.fromkeys(one.parameters.members, vector))
        inputs += one.inputs.values()

    # Equal words of two independent uniform vectors: 1000 * 2^-32 are expected.
    assert all((a != b).mean() > 0.99 for i, a in enumerate(inputs) for b in inputs[:i])


def test_pairwise_masks_alone_do_not_uncover_an_input(rounds) -> None:
    """The server that takes a slow client for dropped learns its pairwise masks; the self mask is left."""
    one = rounds.open(3, 2, num_parameters=1000)
    one.advertise()
    one.share()
    late, *others = one.parameters.members
    late_words = one.clients[late].contribute(np.zeros(1000)).words
    one.contribute({member: np.zeros(1000) for member in others})
    pair = one.clients[late]._secrets.masking
    view = one.roster.digest(one.parameters)

    peers = [(m, one.roster.keys[m].mask_key) for m in others]
    apply_masks(late_words, [pairwise_mask(pair, late, key, m, view).undone() for m, key in peers])

    assert (late_words != 0).mean() > 0.99
