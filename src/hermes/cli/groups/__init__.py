"""Command groups, one module each, imported only when used."""
