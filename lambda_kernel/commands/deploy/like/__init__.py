"""`deploy --like`: a shell function with what another function has. The other function is only read."""
