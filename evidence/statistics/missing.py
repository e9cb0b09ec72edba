"""What was to be observed and was not: four numbers against what was planned. None of them is ever good."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Missing:
    """Observations without a value, by how they went missing."""

    errored: int = 0  # the system, or the scorer, failed
    unscored: int = 0  # the scorer gave none
    rejected: int = 0  # what was sent could not be read
    absent: int = 0  # planned, and nothing was sent

    @property
    def total(self) -> int:
        """All of them."""
        return self.errored + self.unscored + self.rejected + self.absent

    def as_dict(self) -> dict[str, int]:
        """Return those that are not 0, by name."""
        return {name: count for name, count in asdict(self).items() if count}


@dataclass(frozen=True, slots=True)
class Plan:
    """How much a run was to observe, as far as it says."""

    samples: int | None = None  # items of the dataset
    limit: int | None = None  # items of it that the run was told to stop after
    epochs: int = 1  # attempts at each item

    @property
    def items(self) -> int | None:
        """How many items make the whole dataset, else at least the limit; None where nothing says it.

        A limit makes a dataset neither smaller, since what it left out is absent, nor larger.
        """
        return self.limit if self.samples is None else self.samples

    def absent(self, attempts: Collection[int]) -> int:
        """Return how many planned observations were not made, from how many attempts there are at each item.

        A further attempt at one item stands for none at another: whoever tries the easy half twice has left out the
        hard half.
        """
        short = sum(max(0, self.epochs - count) for count in attempts)
        return short + self.epochs * max(0, (self.items or 0) - len(attempts))

    @property
    def is_open(self) -> bool:
        """Whether a limit is stated and not of how many: nobody knows what was left out."""
        return self.limit is not None and self.samples is None
