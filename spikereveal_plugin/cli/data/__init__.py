"""`spikereveal data`, a module for each verb."""
