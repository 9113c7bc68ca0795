"""A package, so that its fixtures end with it: nothing else can use asyncio while Playwright runs."""
