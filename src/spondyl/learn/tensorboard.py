"""The epochs of a study for TensorBoard, where someone asks to see them.

Decision: an onlooker. It is told of each epoch and nothing is read back, so no result can depend on
it. A trial that is gone on with, or was finished before, is told from its first epoch, and its
curves are written anew, so no step stands there twice; its event files end in its id, so those of
another study stay. Price: what was written of an interrupted trial is written again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from spondyl.errors import SpondylError
from spondyl.files import refuse_unless_fillable
from spondyl.learn.conduct import Watch
from spondyl.learn.outcome import Epoch
from spondyl.learn.trial import Trial

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

NewWriter = Callable[..., "SummaryWriter"]


@contextmanager
def curves(folder: Path) -> Iterator[Watch]:
    """What writes each epoch that it hears of to `folder`/<configuration>-fold<k>.

    Scalars: loss/train and loss/tune in nats, accuracy/tune in 0 … 1, learning_rate, and seconds;
    steps are the epochs' numbers, from 0. Raises `SpondylError` where TensorBoard is not installed
    or the folder cannot be filled, before anything is run.
    """
    watch = _Curves(folder, _new_writer())
    refuse_unless_fillable(folder)
    try:
        yield watch
    finally:
        watch.close()


def _new_writer() -> NewWriter:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise SpondylError(
            f"no curves can be written for TensorBoard: {error}",
            "Install it with pip install 'spondyl[tensorboard]', or run without --tensorboard.",
        ) from error
    return SummaryWriter


class _Curves:
    """Writes one trial after the other, each from its first epoch on."""

    def __init__(self, folder: Path, new_writer: NewWriter) -> None:
        self._folder = folder
        self._new_writer = new_writer
        self._writer: SummaryWriter | None = None

    def __call__(self, trial: Trial, epoch: Epoch) -> None:
        if epoch.epoch == 0:
            self._begin(trial)
        assert self._writer is not None
        for name, value in _scalars(epoch).items():
            self._writer.add_scalar(name, value, epoch.epoch)
        self._writer.flush()

    def close(self) -> None:
        """Closes the file of the last trial."""
        if self._writer is not None:
            self._writer.close()

    def _begin(self, trial: Trial) -> None:
        self.close()
        home = self._folder / f"{trial.configuration.slug}-fold{trial.fold}"
        for earlier in home.glob(f"*.{trial.trial_id}"):
            earlier.unlink()
        self._writer = self._new_writer(str(home), filename_suffix=f".{trial.trial_id}")


def _scalars(epoch: Epoch) -> dict[str, float]:
    return {
        "loss/train": epoch.train_loss,
        "loss/tune": epoch.tune_loss,
        "accuracy/tune": epoch.tune_accuracy,
        "learning_rate": epoch.learning_rate,
        "seconds": epoch.seconds,
    }
