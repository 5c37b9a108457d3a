"""What `basicsr train` and `basicsr test` do."""
