"""What one kernel keeps between cells: settings, a session for each target, history, costs."""
