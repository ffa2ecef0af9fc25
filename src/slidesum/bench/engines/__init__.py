"""Whole networks by every engine that is installed, each in a process of its own."""
