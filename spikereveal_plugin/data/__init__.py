"""The data sets, and builders of them."""

from spikereveal_plugin.data.blur_sequence_dataset import BlurSequenceDataset
from spikereveal_plugin.data.spike_blur_dataset import SpikeBlurDataset

__all__ = ['BlurSequenceDataset', 'SpikeBlurDataset']
