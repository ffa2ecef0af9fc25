"""The cases, by theme. Each is one small function that makes both sides; what they have in common stands in `made`."""
