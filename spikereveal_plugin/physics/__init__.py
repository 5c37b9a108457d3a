"""The equations: exposure, firing rates, deblurring model, reblurring, gray, the spike camera."""
