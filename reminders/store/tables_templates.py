"""The tables of drafts, proposals and approvals of message templates."""
