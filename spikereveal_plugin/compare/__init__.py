"""`spikereveal compare`: methods scored side by side, each number with its protocol, as tables and one page."""
