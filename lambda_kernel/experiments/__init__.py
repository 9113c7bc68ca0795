"""Experiments: a plan of runs of one cell, and a row of figures for each. It knows neither Jupyter nor boto3."""
