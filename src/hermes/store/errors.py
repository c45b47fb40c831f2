"""What the store says when it cannot do what was asked. Each message is one sentence for people."""


class StoreError(Exception):
    """The store refused or failed. Nothing of the transaction was kept."""


class LeaseLost(StoreError):
    """Another process took the run over, or it was released or finished: the holder must stop at once."""


class Conflict(StoreError):
    """A uniqueness or reference rule of the schema was broken."""
