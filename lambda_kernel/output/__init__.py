"""What the front end shows: streams, displays, notices, the report line, live views."""
