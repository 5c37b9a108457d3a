"""Restorers by the words that users type."""

from dataclasses import dataclass

import pytest
import torch

from spikereveal_plugin.compare.kinds import kinds
from spikereveal_plugin.errors import OptionError
from spikereveal_plugin.physics.density import AS_RECORDED, Density
from spikereveal_plugin.restorers.blur import Blur
from spikereveal_plugin.restorers.kinds import KINDS, DensityOptions, RestorerOptions, register, words_alone
from spikereveal_plugin.weights.card import Card
from spikereveal_plugin.weights.network import Loaded


def test_the_words():
    assert next(iter(kinds())) == 'folder'
    assert set(KINDS) >= {'blur', 'sdm', 'tfp', 'tfi', 'sdm_bsn', 'teacher', 'network', 'arch', 'option_file'}
    assert set(words_alone()) >= {'blur', 'sdm', 'tfp', 'tfi'}
    assert not {'teacher', 'network', 'arch'} & set(words_alone())


@pytest.mark.parametrize('word', ['blur', 'sdm', 'tfp', 'tfi'])
def test_physics_is_built_without_options(word: str):
    options = KINDS[word]()
    assert options.files() == ()
    assert options.identity() == KINDS[word]().identity()
    assert options.build(torch.device('cpu')).networks == {}


def test_a_word_is_taken_once():
    @dataclass(frozen=True, kw_only=True)
    class Mine(RestorerOptions):
        def build(self, device: torch.device) -> Blur:
            return Blur()

    with pytest.raises(ValueError, match="restorer 'sdm' is SdmOptions already"):
        register('sdm')(Mine)


@dataclass(frozen=True, kw_only=True)
class Dense(DensityOptions):
    def build(self, device: torch.device) -> Blur:
        return Blur()


def loaded(density: Density | None) -> Loaded:
    card = Card({}) if density is None else Card({}, density.threshold, density.value)
    return Loaded(torch.nn.Identity(), card, density is not None)


def test_options_of_density_go_over_the_weights():
    card = Density('auto', 2.0)
    assert Dense().wants(loaded(card)) == card
    assert Dense(density=1.0).wants(loaded(card)) == Density(1.0, 2.0)
    assert Dense(trained_threshold=4.0).wants(loaded(card)) == Density('auto', 4.0)
    assert Dense().wants(loaded(None)) == AS_RECORDED
    for wrong in (0, -1.0, float('inf'), float('nan'), 'bright'):
        with pytest.raises(OptionError, match='density: expected auto or a positive number'):
            Dense(density=wrong)


def test_weights_that_see_the_same_spikes_must_agree():
    card, other = Density('auto', 2.0), Density('auto', 1.0)
    assert Dense().wants(loaded(card), loaded(None), loaded(card)) == card
    with pytest.raises(OptionError, match=r'the weights want auto \(threshold 2\) and auto \(threshold 1\)'):
        Dense().wants(loaded(card), loaded(other))
    assert Dense(density=1.0).wants(loaded(card), loaded(other)).value == 1.0


@pytest.mark.parametrize(
    ('word', 'options', 'message'),
    [
        ('sdm', {'short_window': 4}, 'short_window: expected an odd number of readouts'),
        ('tfp', {'short_window': 0}, 'short_window: expected an odd number of readouts'),
        ('sdm', {'sigma': -1.0}, 'sigma: .*positive'),
        ('sdm', {'sigma': 2.0, 'short_window': 5}, 'give short_window, or sigma'),
    ],
)
def test_wrong_options_are_named(word: str, options: dict, message: str):
    with pytest.raises(OptionError, match=message):
        KINDS[word](**options).build(torch.device('cpu'))
