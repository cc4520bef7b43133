"""Following items: what becomes of them, as it happens, for readers who may be slow.

Nobody who tells waits for a reader. Of what waits for one, the newest of each state of an item is
kept: progress that a newer one overtook is left out, changes of state come in their order.
"""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from services.tasks.actions.waiting import stopping
from services.tasks.model import Item, Lease, State, is_news, looks_same


@dataclass
class _Followed:
    """An item as it was last told of, without what was asked of it, and who follows it."""

    item: Item | None = None
    feeds: set["Feed"] = field(default_factory=set)


class Feed:
    """The news of the items that one reader follows."""

    def __init__(self, feeds: "Feeds") -> None:
        self._feeds = feeds
        self._open: set[str] = set()
        self._news: OrderedDict[tuple[str, State, int], Item] = OrderedDict()
        self._stirred = asyncio.Event()
        self._error: Exception | None = None

    def follow(self, ids: Iterable[str]) -> None:
        """Hear from now on of items, which need not exist yet."""
        new = set(ids) - self._open
        self._open |= new
        self._feeds.enrol(self, new)

    def begin(self, known: Iterable[Item]) -> None:
        """Have as news what is newer than what the reader knows, which was read after `follow`.

        Of items that the reader does not know, or knows to have ended, nothing is heard any more.
        """
        by_id = {item.item_id: item for item in known}
        for item in by_id.values():
            self._feeds.tell(item)
        over = {each for each in self._open if each not in by_id or by_id[each].ended}
        self._open -= over
        self._feeds.dismiss(self, over)
        for key, item in list(self._news.items()):
            before = by_id.get(item.item_id)
            if before is None or not is_news(item, before):
                del self._news[key]

    async def news(self) -> AsyncIterator[Item]:
        """Yield the followed items as they change, get further or know more of their result,
        until all have ended.

        Raises Unavailable when the process stops before.
        """
        while self._open or self._news:
            await self._stirred.wait()
            self._stirred.clear()
            while self._news:
                yield self._news.popitem(last=False)[1]
            if self._error:
                raise self._error

    def hear(self, item: Item) -> None:
        """Take in what is new about an item."""
        self._news[item.item_id, item.shown_state, item.attempt] = item
        if item.ended:
            self._open.discard(item.item_id)
        self._stirred.set()

    def end(self, error: Exception) -> None:
        """Have `news` raise once what is there was taken."""
        self._error = error
        self._stirred.set()

    def leave(self) -> None:
        """Hear of nothing any more."""
        self._feeds.dismiss(self, self._open)
        self._open.clear()
        self._news.clear()


class Feeds:
    """Who follows what in this process.

    `began` is set when somebody follows where nobody did, `doubted` when items that somebody
    follows are said to have changed at another replica.
    """

    def __init__(self) -> None:
        self.began = asyncio.Event()
        self.doubted = asyncio.Event()
        self._followed: dict[str, _Followed] = {}
        self._doubtful: set[str] = set()
        self._readers: set[Feed] = set()
        self._closing = False

    def __bool__(self) -> bool:
        """Whether anybody follows anything."""
        return bool(self._followed)

    def __contains__(self, item_id: str) -> bool:
        """Whether anybody follows an item."""
        return item_id in self._followed

    @contextmanager
    def following(self, ids: Iterable[str] = ()) -> Iterator[Feed]:
        """Give a feed of items, and of those that it is told to follow later."""
        feed = Feed(self)
        self._readers.add(feed)
        if self._closing:
            feed.end(stopping())
        try:
            feed.follow(ids)
            yield feed
        finally:
            feed.leave()
            self._readers.discard(feed)

    def close(self) -> None:
        """End every feed, and those that come: the process stops."""
        self._closing = True
        for feed in self._readers:
            feed.end(stopping())

    def tell(self, item: Item) -> None:
        """Tell those who follow an item what it is like now, unless they know."""
        followed = self._followed.get(item.item_id)
        if followed is None:
            return
        before = followed.item
        if before is not None and not is_news(item, before):
            return
        followed.item = item = replace(item, spec=b"", destination=b"")
        if before is None or not looks_same(item, before):
            for feed in followed.feeds:
                feed.hear(item)
        if item.ended:
            del self._followed[item.item_id]

    def executing(self, lease: Lease) -> Item | None:
        """Return a followed item that this attempt is known to run for."""
        followed = self._followed.get(lease.item_id)
        item = followed.item if followed else None
        return item if item and item.is_held_by(lease) else None

    def followed(self) -> list[str]:
        """Return the ids of the items that somebody follows."""
        return list(self._followed)

    def doubt(self, ids: Iterable[str]) -> None:
        """Note that items changed elsewhere; of those that nobody follows it does not matter."""
        if here := [item_id for item_id in ids if item_id in self._followed]:
            self._doubtful.update(here)
            self.doubted.set()

    def take_doubtful(self) -> list[str]:
        """Return the items that changed elsewhere since the last call."""
        doubtful, self._doubtful = self._doubtful, set()
        return list(doubtful)

    def enrol(self, feed: Feed, ids: Iterable[str]) -> None:
        """Count a feed among those who follow some items."""
        if not self._followed:
            self.began.set()
        for item_id in ids:
            self._followed.setdefault(item_id, _Followed()).feeds.add(feed)

    def dismiss(self, feed: Feed, ids: Iterable[str]) -> None:
        """Do not count a feed among those who follow some items any more."""
        for item_id in ids:
            if followed := self._followed.get(item_id):
                followed.feeds.discard(feed)
                if not followed.feeds:
                    del self._followed[item_id]
