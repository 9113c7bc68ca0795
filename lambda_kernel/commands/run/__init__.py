"""`lambda-kernel run`: shell text without a notebook, by the session code that cells use."""
