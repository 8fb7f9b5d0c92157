"""A hub in memory, for faults; the real one is used where auth itself is tested."""

from __future__ import annotations

from typing import Any

from alongside.errors import NotFound, Unavailable
from alongside_service.hub import Hub
from alongside_service.sessions import Session

ACCESS = "access:services!service=alongside"


class MemoryHub(Hub):
    """Knows users, groups, tokens and sessions; with `down` it answers nothing."""

    def __init__(self) -> None:
        self.down = False
        self.tokens: dict[str, dict[str, Any]] = {}
        self.users: dict[str, frozenset[str]] = {}
        self.servers: dict[str, set[str]] = {}
        self.about: dict[tuple[str, str], dict[str, Any]] = {}
        self.ends: list[tuple[str, str]] = []
        self.refusals = 0
        self.scopes = frozenset({"list:users", "read:users:name", "read:servers", "delete:servers"})
        self.questions = 0

    def add(
        self, user: str, *groups: str, admin: bool = False, scopes: tuple[str, ...] = ()
    ) -> str:
        """A user and a token of that user."""
        self.users[user] = frozenset(groups)
        self.servers.setdefault(user, {""})
        token = f"token-of-{user}"
        extra = ("admin:servers",) if admin else ()
        self.tokens[token] = {
            "kind": "user",
            "name": user,
            "groups": list(groups),
            "scopes": [*(scopes or (ACCESS,)), *extra],
        }
        return token

    async def identify(self, token: str) -> dict[str, Any] | None:
        self._answer()
        return self.tokens.get(token)

    async def own_scopes(self) -> frozenset[str]:
        self._answer()
        return self.scopes

    async def groups(self, user: str) -> frozenset[str]:
        self._answer()
        if user not in self.users:
            raise NotFound(f"The hub has no user {user!r}.", "Check the name.", "owner")
        return self.users[user]

    async def sessions(self) -> dict[str, dict[str, Session]]:
        """`about` has more on each, by owner and name."""
        self._answer()
        return {
            user: {
                name: Session(user, name, groups, **self.about.get((user, name), {}))
                for name in self.servers.get(user, ())
            }
            for user, groups in self.users.items()
        }

    async def session(self, owner: str, name: str) -> Session | None:
        return (await self.sessions()).get(owner, {}).get(name)

    async def end_session(self, owner: str, name: str) -> None:
        """Noted in `ends`; refused as often as `refusals` says."""
        self._answer()
        self.ends.append((owner, name))
        if self.refusals > 0:
            self.refusals -= 1
            raise Unavailable("The hub answered 500 to the service.", "Try again in a moment.")
        self.servers[owner].discard(name)

    async def close(self) -> None:
        """Nothing to close."""

    def _answer(self) -> None:
        self.questions += 1
        if self.down:
            raise Unavailable("The hub does not answer.", "Try again in a moment.")
