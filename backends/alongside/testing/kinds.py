"""What every kind must do: on paper, and then with real processes of this machine."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from alongside.errors import InvalidRequest, NotReady
from alongside.kinds import get_kind
from alongside.kinds.base import Kind, Place
from alongside.models import Spec, Status
from alongside.phases import Phase
from alongside.platforms.base import Platform
from alongside.platforms.local import LocalPlatform
from alongside.platforms.local.warm import ONE_THREAD
from alongside.requests import parse
from alongside.testing.waiting import make_spec, until


class KindSuite:
    """Subclass it, say which kind, and run it with pytest.

    kind : its name, as registered under the entry point group ``alongside.kinds``
    size : the name of the option that is its number of members
    """

    kind: str
    size: str
    timeout = 60.0

    @pytest.fixture
    def it(self) -> Kind:
        return get_kind(self.kind)

    @pytest.fixture
    async def platform(self) -> AsyncIterator[Platform]:
        """An open local platform, with nothing left afterwards."""
        with tempfile.TemporaryDirectory(prefix="al-") as home:
            platform = LocalPlatform(home=home)
            await platform.open()
            try:
                yield platform
            finally:
                for seen in await platform.observed():
                    await platform.stop(seen.spec.id)
                    await until(platform, seen.spec.id, None, self.timeout)
                await platform.close()

    def spec(self, members: int = 2) -> Spec:
        return make_spec(self.kind, {self.size: members})

    def options(self, it: Kind, members: int = 2) -> Any:
        return it.Options.model_validate({self.size: members})

    # -- on paper --------------------------------------------------------------------------

    def test_it_introduces_itself(self, it: Kind) -> None:
        assert it.name == self.kind
        assert it.title
        assert it.description
        assert it.member
        assert it.scaling in ("live", "relaunch")

    def test_every_option_explains_itself_in_the_form(self, it: Kind) -> None:
        schema = it.Options.model_json_schema()
        assert schema["additionalProperties"] is False
        for name, field in it.Options.model_fields.items():
            assert field.title, name
            assert field.description, name
            assert not field.is_required(), f"{name} needs a default, the form starts with it"

    def test_options_survive_json(self, it: Kind) -> None:
        options = self.options(it, 3)
        again = it.Options.model_validate_json(json.dumps(options.model_dump(mode="json")))
        assert again == options

    @pytest.mark.parametrize("value", [-1, 10**12, "many", 1.5, None, float("nan"), [], {}])
    def test_a_senseless_size_is_refused(self, it: Kind, value: Any) -> None:
        with pytest.raises(InvalidRequest) as caught:
            parse(it.Options, {self.size: value}, "options")
        assert caught.value.field == f"options.{self.size}"

    def test_roles_and_resources_agree_with_the_size(self, it: Kind) -> None:
        for members in (1, 3):
            options = self.options(it, members)
            roles = it.roles(options)
            counted = [role for role in roles if role.members]
            if it.scaling == "live":
                assert len(counted) == 1, "exactly one role has the members"
                assert counted[0].count == members
            assert it.wanted(options) == members
            assert it.bounds(options) is None, "a plain size is fixed"
            assert it.resources(options).workers == members
            assert it.resources(options).backends == 1
            assert len({role.name for role in roles}) == len(roles)
            assert all(role.name.isidentifier() for role in roles)

    def test_a_change_to_the_same_size_changes_nothing(self, it: Kind) -> None:
        options = self.options(it, 2)
        changed = it.change(options, {self.size: 2})
        assert it.Options.model_validate(changed) == options
        grown = it.Options.model_validate(it.change(options, {self.size: 3}))
        assert it.wanted(grown) == 3

    def test_credentials_differ_from_backend_to_backend(self, it: Kind) -> None:
        one, two = it.secrets(self.spec()), it.secrets(self.spec())
        assert one.keys() == two.keys()
        assert all(one[name] != two[name] for name in one)
        assert all(Path(name).name == name and name[0] != "." for name in one)

    def test_no_command_contains_a_secret(self, it: Kind, tmp_path: Path) -> None:
        spec, place = self.spec(), Place(tmp_path)
        secrets = [content.decode() for content in it.secrets(spec).values()]
        for role in it.roles(self.options(it)):
            command = it.command(role, f"{role.name}-1", spec, place)
            assert command.argv
            words = [*command.argv, *command.env.values()]
            assert not any(secret in word for secret in secrets for word in words)

    def test_it_is_not_ready_when_nothing_runs(self, it: Kind, tmp_path: Path) -> None:
        with pytest.raises(NotReady):
            it.observe(self.spec(), Place(tmp_path), 0.5)

    def test_modules_imported_beforehand_start_no_threads(self, it: Kind) -> None:
        code = f"import {', '.join(it.preload) or 'os'}; import os; "
        code += "print(len(os.listdir('/proc/self/task')))"
        environment = ONE_THREAD | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        done = subprocess.run(
            [sys.executable, "-c", code],
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.stdout.strip() == "1", done.stderr

    # -- with real processes ---------------------------------------------------------------

    async def test_it_runs_is_attached_to_and_changes_its_size(
        self, it: Kind, platform: Platform
    ) -> None:
        spec = self.spec(2)
        await platform.launch(spec)
        await until(platform, spec.id, Phase.RUNNING, self.timeout)
        connection = await platform.connection(spec.id)
        client = await asyncio.to_thread(it.attach, connection, spec.name)
        assert client is not None
        for generation, members in enumerate((3, 1), start=2):
            options = it.change(it.Options.model_validate(spec.options), {self.size: members})
            spec = spec.model_copy(update={"options": options, "generation": generation})
            await platform.update(spec)
            seen = await until(platform, spec.id, _runs_as(generation), self.timeout)
            assert seen.status.ready == members
        await asyncio.to_thread(getattr(client, "close", lambda: None))


def _runs_as(generation: int) -> Callable[[Status], bool]:
    return lambda status: status.phase is Phase.RUNNING and status.generation == generation
