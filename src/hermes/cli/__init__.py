"""The `hermes` command: one module a command group, imported only when used."""
