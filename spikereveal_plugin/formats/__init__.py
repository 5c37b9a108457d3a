"""Bytes on disk: the raw `.dat`, LMDB records, bit-packed spikes."""
