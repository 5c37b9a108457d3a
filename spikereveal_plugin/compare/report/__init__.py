"""What a comparison leaves: tables, plots, pictures, the page."""
