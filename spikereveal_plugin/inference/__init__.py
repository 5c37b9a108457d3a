"""From one blurry photo and its spikes to sharp frames: what `spikereveal deblur` and `Deblurrer` do."""
