"""Reading what cameras and tools wrote: images, spikes, calibrations, data sets."""
