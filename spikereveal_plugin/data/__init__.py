"""The dataset, and builders of data sets."""

from spikereveal_plugin.data.spike_blur_dataset import SpikeBlurDataset

__all__ = ['SpikeBlurDataset']
