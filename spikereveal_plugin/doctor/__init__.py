"""What `spikereveal doctor` looks at."""
