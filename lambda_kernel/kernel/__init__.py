"""Jupyter's messages: a request becomes a cell that runs, and what happens becomes messages again."""
