"""What an equation is."""
