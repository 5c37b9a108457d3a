"""Contact sheets and videos: arrays in, files out."""
