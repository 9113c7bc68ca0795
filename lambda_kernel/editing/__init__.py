"""What an editor asks for while the user types: completion, inspection, and whether the text is complete."""
