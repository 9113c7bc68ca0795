"""`lambda-kernel compare`: one notebook on several targets, and what differs."""
