"""What people hold: equations and networks that can be asked everything, and the functions they call."""
