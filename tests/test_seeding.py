import hashlib

import torch

from spikereveal_plugin.seeding import numpy_generator, stable_seed, torch_generator


def test_seed_is_the_half_of_a_sha256_word():
    word = hashlib.sha256(b'7\0clip\x00000019').digest()[:8]
    assert stable_seed(7, 'clip', '000019') == int.from_bytes(word, 'little') // 2


def test_names_are_kept_apart():
    seeds = {stable_seed(0, 'ab', 'c'), stable_seed(0, 'a', 'bc'), stable_seed(0, 'abc'), stable_seed(1, 'ab', 'c')}
    assert len(seeds) == 4


def test_generators_repeat():
    first, second = (torch.rand(4, generator=torch_generator(3, 'x')) for _ in range(2))
    torch.testing.assert_close(first, second, rtol=0, atol=0)
    assert numpy_generator(3, 'x').random() == numpy_generator(3, 'x').random()
