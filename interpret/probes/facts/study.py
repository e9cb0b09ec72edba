"""The measuring part: which facts are known, and what comes back of them when their subject is restored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch

from interpret.contracts import ProbeSpecification
from interpret.errors import FactsUnknown, ProbeError
from interpret.probes.answer_texts import Array, by_length, in_batches
from interpret.probes.devices import to_device
from interpret.probes.dose import SHARES, WHOLE, by_dose, places_of_placebos
from interpret.probes.facts.statements import WAYS, Couple, Fact, FactSet, couple_up, ends_of, tokenize
from interpret.probes.session import ModelSession
from interpret.probes.token_patching import Restoring, TokenPatching
from interpret.probes.tokenization import digest_of_tokenizer
from interpret.probes.weights import LoadedModel

KNOWN_BY: Final = range(WAYS // 2)
TRACED_IN: Final = range(WAYS // 2, WAYS)
KNOWN, OTHER, THIRD = range(3)  # of a couple's facts
FIND_ONE_OF: Final = 4  # couples: the rest is reported on
LEAST_COUPLES: Final = 8  # fewer leave fewer than two to find layers on


@dataclass(frozen=True, slots=True)
class _Text:
    """One couple's statements, in one way, of one length.

    Attributes:
        texts: tokens of the known fact's statement, the other's and the third's.
        subject: the place of the subject's last token, in all three.
    """

    couple: Couple
    way: int
    texts: tuple[tuple[int, ...], ...]
    subject: int


@dataclass(frozen=True, slots=True)
class Site:
    """A place in statements, and the layers through which the residual stream is restored there.

    Attributes:
        shares: of each statement, where its token lies; None: at the subject's last.
    """

    first: int
    last: int
    shares: Array | None = None


class Study:
    """One language's facts, on a model and its dead copy."""

    def __init__(
        self,
        facts: FactSet,
        models: ModelSession,
        specification: ProbeSpecification,
        given: Mapping[str, float],
        *,
        again: int,
    ) -> None:
        """Find what the model knows, and put facts in couples: the second seed's (`again` 1) are coupled anew.

        Raises:
            StructureUntold: as `tokenize`.
            FactsUnknown: fewer than `LEAST_COUPLES` couples have a known fact.
        """
        self._models, self._specification, self._given = models, specification, given
        self._facts, self._again, self._seed = facts, again, specification.seed + again
        self._loaded = models.model(specification.model_digest)
        self._made = tokenize(facts, self._loaded.tokenizer)
        self._known = self._known_facts()
        first, rest = self._split()
        self._find, self._report = _texts(first), _texts(rest)

    def living(self) -> dict[str, Any]:
        """Restore the reported facts at their subject, in order and in another one; JSON values."""
        patching, window = TokenPatching(self._models.passes, self._loaded), self._window()
        moved, odds = self._restore(patching, self._report, [Site(*window)])
        third, _ = self._restore(patching, self._report, [Site(*window)], out_of=THIRD)
        shuffled, _ = self._restore(patching, self._report, [Site(*window)], shuffled=True)
        return {
            "found": list(window),
            "known": int(sum(self._known)),
            "stated": len(self._made),
            "facts": [text.couple.cluster for text in self._report],
            "texts": [text.couple.digest(text.way) for text in self._report],
            "found_on": sorted(
                {name for text in self._find for name in (text.couple.cluster, text.couple.digest(text.way))}
            ),
            "found_facts": len({text.couple.cluster for text in self._find}),
            "tokenizer_digest": digest_of_tokenizer(self._loaded.tokenizer),
            "moved": moved[0].tolist(),
            "third": third[0].tolist(),
            "shuffled": shuffled[0].tolist(),
            "odds": [float(each.mean()) for each in odds],
            "by_layer": self._by_layer(patching),
            "fired": dict(patching.fired),
        } | ({} if self._again else self._doses(patching, window))

    def dead(self) -> dict[str, Any]:
        """Restore likewise in the dead copy; JSON values."""
        loaded = self._models.dead(self._specification.model_digest, self._seed)
        patching = TokenPatching(self._models.passes, loaded)
        return {"moved": self._restore(patching, self._report, [Site(*self._window())])[0][0].tolist()}

    def control(self, part: slice) -> dict[str, Any]:
        """Restore at a part of the random places and layers; JSON values: what each comes to, in either way."""
        window, sites = self._window(), self._random_sites()[part]
        patching = TokenPatching(self._models.passes, self._loaded)
        moved, _ = self._restore(patching, self._report, sites)
        return {"found": list(window), "moved": _either_way(moved).tolist()}

    def _doses(self, patching: TokenPatching, window: tuple[int, int]) -> dict[str, Any]:
        """Restore less than all of the residual, there and at some of the random places; JSON values."""
        sites = self._random_sites()
        at = [Site(*window), *(sites[place] for place in places_of_placebos(len(sites)))]
        tried = {dose: self._restore(patching, self._report, at, share=dose)[0] for dose in SHARES}
        return {
            "doses": by_dose({dose: moved[0] for dose, moved in tried.items()}),
            "placebo_doses": by_dose({dose: _either_way(moved[1:]) for dose, moved in tried.items()}),
        }

    def _known_facts(self) -> list[bool]:
        """Return which facts' ends beat all others of their kind, in each of the ways to know them by."""
        asked = self._specification
        key = ("known facts", self._facts.language, asked.model_digest)
        known: list[bool] = self._models.remembered(key, lambda: _knows(self._loaded, self._made))
        return known

    def _split(self) -> tuple[list[Couple], list[Couple]]:
        """Return couples to find layers on, of the first seed, and to report on; a fact is on one side for both."""
        couples = couple_up(self._made, self._known, seed=self._specification.seed)
        many = int(self._given["facts"])
        if len(couples) < LEAST_COUPLES:
            raise FactsUnknown(
                f"the model knows {sum(self._known)} of {len(self._made)} facts, and {len(couples)} of them stand"
                f" beside another of equal length: {LEAST_COUPLES} are needed for there to be anything to trace"
            )
        couples = couples[:many]
        finding, reporting = couples[::FIND_ONE_OF], [c for i, c in enumerate(couples) if i % FIND_ONE_OF]
        if self._again:
            members = {id(fact) for couple in reporting for fact in (couple.known, couple.other)}
            own = [place for place, fact in enumerate(self._made) if id(fact) in members]
            reporting = couple_up(
                [self._made[place] for place in own], [self._known[place] for place in own], seed=self._seed
            )
        return finding, reporting

    def _window(self) -> tuple[int, int]:
        """Return the layers, first and last, that bring most back of the facts to find them on, a third's left out."""
        asked = self._specification
        key = (
            "facts",
            self._facts.language,
            asked.model_digest,
            asked.seed,
            tuple(sorted(self._given.items())),
        )
        window: tuple[int, int] = self._models.remembered(key, self._search)
        return window

    def _search(self) -> tuple[int, int]:
        sites = self._windows()
        patching = TokenPatching(self._models.passes, self._loaded)
        moved, _ = self._restore(patching, self._find, sites)
        third, _ = self._restore(patching, self._find, sites, out_of=THIRD)
        best = sites[int(np.argmax((moved - third).mean(axis=1)))]
        return best.first, best.last

    def _windows(self) -> list[Site]:
        """Return all windows that end before the last layer, after which no other token is read."""
        width = int(self._given["window"])
        if width > self._loaded.shape.layers - 1:
            raise ProbeError(
                f"{self._loaded.shape.layers} layers: too few for a window of {width} before the last"
            )
        return [Site(first, first + width - 1) for first in range(self._loaded.shape.layers - width)]

    def _random_sites(self) -> list[Site]:
        """Draw places of tokens other than the subject's last and the text's last, and windows of as many layers."""
        rng, windows = np.random.default_rng(self._seed), self._windows()
        many = int(self._given["control_draws"])
        return [
            Site(window.first, window.last, rng.random(len(self._report)))
            for window in (windows[place] for place in rng.integers(0, len(windows), many))
        ]

    def _by_layer(self, patching: TokenPatching) -> dict[str, Any]:
        """Return what restoring each window brings back of the facts to find layers on, at two tokens."""
        windows, last = self._windows(), np.ones(len(self._find))
        rows = []
        for sites in (windows, [Site(each.first, each.last, last) for each in windows]):
            moved, _ = self._restore(patching, self._find, sites)
            rows.append(moved.mean(axis=1).tolist())
        return {
            "rows": ["subject's last token", "text's last token"],
            "columns": [str(each.first) for each in windows],
            "row": "token",
            "column": "first layer",
            "unit": "log-odds",
            "values": rows,
        }

    def _restore(
        self,
        patching: TokenPatching,
        some: Sequence[_Text],
        sites: Sequence[Site],
        *,
        out_of: int = KNOWN,
        shuffled: bool = False,
        share: float = WHOLE,
    ) -> tuple[Array, Array]:
        """Restore the residual of the known fact's statement, or of the third's, in the other's, at each site.

        Returns:
            How far the answer moves towards the known fact's end, (site, text), and the log-odds of that end after the
            known fact's and the other's statement, (2, text).
        """
        rng, n = np.random.default_rng(self._seed), len(some)
        orders = [_order(len(text.texts[0]), rng, shuffled=shuffled) for text in some]
        read = [
            [text.texts[which][place] for place in order]
            for which in (KNOWN, OTHER, THIRD)
            for text, order in zip(some, orders, strict=True)
        ]
        reading = patching.read(read, [(text.couple.known.end, text.couple.other.end) for text in some] * 3)
        wanted = [
            Restoring(
                OTHER * n + i, out_of * n + i, _token(some[i], orders[i], site, i), site.first, site.last
            )
            for site in sites
            for i in range(n)
        ]
        before = reading.odds.reshape(3, n)
        restored = patching.restored(reading, wanted, share).reshape(len(sites), n)
        return restored - before[OTHER], before[:2]


def _knows(loaded: LoadedModel, facts: Sequence[Fact]) -> list[bool]:
    """Return which facts' ends have the largest logit of all ends of their kind, in each way to know them by."""
    ends, right = ends_of(facts), [True] * len(facts)
    for way in KNOWN_BY:
        texts = [fact.statements[way].tokens for fact in facts]
        for places in by_length(texts):
            for rows in in_batches(places, len(texts[places[0]])):
                ids = to_device(np.asarray([texts[row] for row in rows], dtype=np.int64), loaded.device)
                with torch.inference_mode():
                    logits = loaded.model(input_ids=ids, use_cache=False, logits_to_keep=1).logits[:, -1]
                for inner, row in enumerate(rows):
                    own = ends[facts[row].relation]
                    right[row] &= own[int(logits[inner, own].argmax())] == facts[row].end
    return right


def _either_way(moved: Array) -> Array:
    """Return how far the answer moves over all texts at each site, whichever way. Shape (site,)."""
    more: Array = np.abs(moved.mean(axis=1))
    return more


def _texts(couples: Sequence[Couple]) -> list[_Text]:
    """Return the statements in which couples are traced, two a couple."""
    return [
        _Text(
            couple,
            way,
            tuple(fact.statements[way].tokens for fact in (couple.known, couple.other, couple.third)),
            couple.known.statements[way].subject,
        )
        for couple in couples
        for way in TRACED_IN
    ]


def _token(text: _Text, order: Sequence[int], site: Site, number: int) -> int:
    """Return where a site's token is in a text that was put in this order."""
    if site.shares is None:
        return list(order).index(text.subject)
    if site.shares[number] == 1:
        return len(order) - 1
    others = [place for place in range(len(order) - 1) if place != text.subject]
    after = [place for place in others if place > text.subject] or others  # before the subject all are alike
    return after[int(site.shares[number] * len(after))]


def _order(tokens: int, rng: np.random.Generator, *, shuffled: bool) -> list[int]:
    """Return the places of the tokens, or the same in another order, whose last token is another one."""
    order = np.arange(tokens)
    while shuffled and order[-1] == tokens - 1:
        order = rng.permutation(tokens)
    return [int(place) for place in order]
