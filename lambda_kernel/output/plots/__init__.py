"""Plots of an experiment: one specification, drawn by the front end and, for all others, by the kernel."""
