"""The verbs: sync, plan, deliver, receive, report, purge."""
