"""The strategy "zero-shot": a head written by a text tower, and nothing learned from any film.

Every fold has the same network, so what changes from fold to fold is only which films it is judged
on. Train and tune parts are not used at all; a temperature is a matter of calibration, later and by
other folds. Labels and shortcuts of the cohort cannot have taught it anything, which is what it is
for: a figure that no training could have spoiled, and a low bar for all that train.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from spondyl.errors import SpondylError
from spondyl.learn import solving
from spondyl.learn.materials import Learned, Materials, Task, initial_network, rows_of
from spondyl.learn.outcome import Configuration
from spondyl.learn.spec import StudySpec
from spondyl.learn.vision_language import prompts, wording
from spondyl.learn.vision_language.prompts import Prompts
from spondyl.learn.vision_language.published import Published
from spondyl.learn.vision_language.towers import TOWERS
from spondyl.learn.vision_language.worded_head import WordedHead
from spondyl.learn.weights import WeightsFile

_WORDED: dict[tuple[str, str], wording.Worded] = {}
"""(hash of the model's files, hash of the prompts) → what fills a head: some kilobytes for each,
where a text tower takes seconds to build."""


def classify(task: Task, materials: Materials, checkpoint: Path) -> Learned:
    """Logits by the words for each label; too quick to need its checkpoint."""
    del checkpoint
    configuration, spec = task.configuration, materials.spec
    found, record = solving.features_of(configuration, materials)
    head = worded_head(configuration, spec, materials.files[configuration.network])

    def said_of(image_ids: tuple[str, ...]) -> NDArray[np.float64]:
        rows = torch.from_numpy(found[rows_of(materials.cohort, image_ids)])
        with torch.inference_mode():
            return head.classify(rows).double().numpy()

    tensors = {name: t.detach().clone() for name, t in head.state_dict().items()}
    how = f"prompts: {prompts_of(spec)}"
    return Learned(
        said_of(task.parts.test), (), tensors, record, how=how, tune_logits=said_of(task.parts.tune)
    )


def worded_head(configuration: Configuration, spec: StudySpec, file: WeightsFile) -> WordedHead:
    """The head of a configuration, filled, and proven on one picture when it is first made."""
    asked = prompts_of(spec)
    key = (file.sha256, asked.sha256)
    network, _ = initial_network(configuration, spec, {configuration.network: file}, spec.seed)
    head = network.head
    assert isinstance(head, WordedHead)
    first = key not in _WORDED
    if first:
        _WORDED[key] = wording.worded(_published(configuration, file), asked)
    _WORDED[key].fill(head)
    if first:
        _WORDED[key].prove(network.body.eval(), head, configuration.network)
    return head


def prompts_of(spec: StudySpec) -> Prompts:
    """The prompts of a study, label by label."""
    return prompts.asked(spec.prompt_templates, spec.prompt_names, spec.labels)


def refuse_unless_ready(configuration: Configuration, spec: StudySpec, file: WeightsFile) -> None:
    """Raises `SpondylError` for whatever would keep a begun study from its words: libraries, files
    of the text tower, films of another size than the tower learned from."""
    published = _published(configuration, file)
    wording.refuse_unless_installed(bool(published.text_transformer))
    published.refuse_unless_readable()
    size = published.tower.size
    if spec.size != (size, size):
        raise SpondylError(
            f"size: {list(spec.size)}, and {configuration.network} matches films of {size} × "
            f"{size} with texts",
            f"Write size = [{size}, {size}], or run other strategies at this size.",
        )


def _published(configuration: Configuration, file: WeightsFile) -> Published:
    return Published.at(file.path, TOWERS[configuration.network])
