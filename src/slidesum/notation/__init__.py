"""Text to equation and back."""
