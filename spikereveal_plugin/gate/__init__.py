"""What weights must pass before they ship: ten small scenes, made in memory."""
