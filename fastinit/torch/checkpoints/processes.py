"""What one process of a group does for all."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from torch import distributed

T = TypeVar("T")


def number_of_processes() -> int:
    """The size of the process group, or 1."""
    return distributed.get_world_size() if distributed.is_available() and distributed.is_initialized() else 1


def is_first() -> bool:
    """Whether this process is rank 0, or alone."""
    return number_of_processes() == 1 or distributed.get_rank() == 0


def on_first_rank(action: Callable[[], T]) -> T:
    """Do something on rank 0; every rank gets what it returned or raised."""
    if number_of_processes() == 1:
        return action()
    outcome: list[tuple[T | None, BaseException | None]] = [(None, None)]
    if is_first():
        try:
            outcome = [(action(), None)]
        except Exception as error:
            outcome = [(None, error)]
    distributed.broadcast_object_list(outcome, src=0)
    result, raised = outcome[0]
    if raised is not None:
        raise raised
    return result  # type: ignore[return-value]
