"""Weights that come with the package, their model cards, and the registry that names them."""
