"""The part of a statement that keeps it to one profile and, where set, one person."""

from hermes.store.backend import Value
from hermes.store.records import Scope


def in_scope(table: str) -> str:
    """The condition on `table`, which has the columns `profile` and `person`. A scope without a person is the
    profile's owner, who sees all of it."""
    return f"{table}.profile = :profile AND (CAST(:person AS TEXT) IS NULL OR {table}.person = :person)"


def scope_values(scope: Scope) -> dict[str, Value]:
    """The parameters of `in_scope`."""
    return {"profile": scope.profile, "person": scope.person}
