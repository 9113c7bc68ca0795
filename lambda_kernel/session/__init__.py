"""One shell that lives in an execution environment, and the invocations that make up a cell."""
