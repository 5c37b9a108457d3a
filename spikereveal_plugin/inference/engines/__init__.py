"""Ways to run a student."""
