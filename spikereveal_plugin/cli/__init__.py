"""The commands `basicsr` and `spikereveal`."""
