"""Looking into recordings and data sets: layout, alignment, playback, checks."""
