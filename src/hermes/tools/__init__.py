"""What the agent can do: one file for a tool or a small family of tools."""
