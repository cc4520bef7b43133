"""Making what workers made visible."""

from collections.abc import Sequence

from services.chassis.database import Tx, now
from services.chassis.errors import Invalid
from services.media.actions.backends import Backends
from services.media.actions.happenings import stored
from services.media.actions.settling import SETTLED_AFTER
from services.media.model.files import (
    AccountPlace,
    Attempt,
    OldAttempt,
    Output,
    OutputAddress,
    OutputMissing,
    OverQuota,
    PartPlace,
    Place,
    Role,
    UnknownVideo,
    VideoPlace,
    is_path_part,
)
from services.media.store import committing, discarding, filing, parts, serving


class Outputs:
    """Commits the outputs of attempts at items of work, all or none."""

    def __init__(self, backends: Backends) -> None:
        self._backends = backends

    async def commit(self, attempt: Attempt, place: Place, outputs: Sequence[Output]) -> list[str]:
        """Make an attempt's outputs visible and return their paths, in the order of `outputs`.

        The path of a video's file is empty, that of what a part made its key in storage. A repeat
        of the visible attempt changes nothing, were the outputs deleted meanwhile; a newer one
        replaces it. Raises Invalid, OldAttempt, UnknownVideo (the outputs are deleted then),
        OverQuota and OutputMissing.
        """
        _check(attempt, place, outputs)
        if isinstance(place, VideoPlace) and not await self._exists(place):
            await self._discard(outputs)
            raise UnknownVideo(place.video_id)
        present = await self._present(attempt)
        async with self._backends.database.transaction() as tx:
            visible = await committing.claim_commit(tx, attempt, now() + SETTLED_AFTER)
            if visible < attempt.number:
                await self._check_present(tx, outputs, present)
                await self._replace(tx, attempt, place, outputs, visible)
                paths = {}
            else:
                paths = await serving.find_outputs(tx, attempt.item_id)
        if visible > attempt.number:
            await self._discard(outputs)
            raise OldAttempt
        if isinstance(place, PartPlace):
            return [output.file.storage_key for output in outputs]
        return [str(paths.get(output.name, _address(attempt, place, output))) for output in outputs]

    async def _replace(
        self,
        tx: Tx,
        attempt: Attempt,
        place: Place,
        outputs: Sequence[Output],
        visible: int,
    ) -> None:
        """Make outputs visible in place of those of the attempt that is; 0 for none."""
        match place:
            case VideoPlace(video_id):
                old = await filing.delete_made(tx, video_id)
                for output in outputs:
                    await self._make(tx, place, attempt, output)
            case AccountPlace():
                old = await serving.delete_outputs(tx, attempt.item_id) if visible else []
                await self._keep(tx, place, attempt, outputs)
            case PartPlace(whole_id):
                old = await parts.delete_part(tx, attempt.item_id)
                keys = [output.file.storage_key for output in outputs]
                ask_at = now() + SETTLED_AFTER
                await parts.insert_parts(tx, attempt.item_id, whole_id, keys, ask_at)
        await self._backends.discard(tx, old)

    async def _keep(
        self, tx: Tx, place: AccountPlace, attempt: Attempt, outputs: Sequence[Output]
    ) -> None:
        usage = await serving.insert_outputs(
            tx, place.account_id, attempt.item_id, outputs, place.lifetime
        )
        more = sum(output.file.size for output in outputs)
        if place.limit and more and usage.stored_bytes > place.limit:
            raise OverQuota(place.limit, usage.stored_bytes - more, more)

    async def _make(self, tx: Tx, place: VideoPlace, attempt: Attempt, output: Output) -> None:
        role = _checked_role(output)
        media = await filing.insert_made(tx, place.video_id, role, attempt.item_id, output.file)
        await self._backends.outbox.append(tx, *stored(media))

    async def _exists(self, place: VideoPlace) -> bool:
        return await self._backends.catalogue.find(place.video_id) is not None

    async def _present(self, attempt: Attempt) -> dict[str, int]:
        """Sizes of the objects that the attempt put into storage, by key."""
        listing = self._backends.storage.list(attempt.folder)
        return {entry.key: entry.size async for entry in listing}

    async def _check_present(
        self, tx: Tx, outputs: Sequence[Output], present: dict[str, int]
    ) -> None:
        # An object that the sweep has discarded is as good as gone.
        known = await discarding.known_keys(tx, [output.file.storage_key for output in outputs])
        for output in outputs:
            file = output.file
            if present.get(file.storage_key) != file.size or file.storage_key in known:
                raise OutputMissing(f"The output {output.name!r} is not in storage as described.")

    async def _discard(self, outputs: Sequence[Output]) -> None:
        async with self._backends.database.transaction() as tx:
            await self._backends.discard(tx, [output.file.storage_key for output in outputs])


def _check(attempt: Attempt, place: Place, outputs: Sequence[Output]) -> None:
    names = [attempt.item_id]
    if isinstance(place, AccountPlace):
        # These make up the address; the name of a video's file is free text.
        names += [place.account_id, *(output.file.file_name for output in outputs)]
    if wrong := [name for name in names if not is_path_part(name)]:
        raise Invalid(f"Not usable in a path: {wrong[0]!r}.")
    if isinstance(place, VideoPlace):
        roles = [_checked_role(output) for output in outputs]
        if not roles or len(set(roles)) < len(roles):
            raise Invalid("A video takes at least one output, and one in each role.")
    if attempt.number < 1:
        raise Invalid("Attempts count from 1.")
    if not all(output.file.storage_key.startswith(f"{attempt.folder}/") for output in outputs):
        raise Invalid(f"Outputs of this attempt lie in {attempt.folder}.")
    names = [output.name for output in outputs]
    file_names = [output.file.file_name for output in outputs]
    if len(set(names)) < len(names) or len(set(file_names)) < len(file_names):
        raise Invalid("Two outputs have the same name.")


def _address(attempt: Attempt, place: Place, output: Output) -> OutputAddress | str:
    if isinstance(place, AccountPlace):
        return OutputAddress(place.account_id, attempt.item_id, output.file.file_name)
    return ""


def _checked_role(output: Output) -> Role:
    if output.role is None or output.role is Role.ORIGINAL:
        raise Invalid(f"Say which of the video's files the output {output.name!r} becomes.")
    return output.role
