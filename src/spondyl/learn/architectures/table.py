"""Every network that can be trained: one entry each, and nothing anywhere else (docs/networks.md).

torchvision's where it has them, because the references used those or their like; timm's for the
others. `used_by` says no more than the paper's text does, which seldom tells a network's depth or
version: "VGG" of a work stands beside both VGGs.
"""

from __future__ import annotations

from spondyl.learn.architectures.architecture import HALVES, Architecture
from spondyl.learn.architectures.families import chain
from spondyl.learn.architectures.odd_families import (
    ALEXNET,
    DENSENET,
    RESNET,
    SPINE_FINDER,
    SWIN,
    VGG,
    VIT,
)
from spondyl.learn.vision_language.towers import TOWERS

_BOTH = "Güneş or Saravagi"
"""The paper says of both together: VGG, ResNet, InceptionV3 and EfficientNet."""

GOOGLENET = chain(
    "googlenet",
    {
        "stem": "conv1 maxpool1 conv2 conv3",
        "inception3": "maxpool2 inception3a inception3b",
        "inception4": "maxpool3 inception4a inception4b inception4c inception4d inception4e",
        "inception5": "maxpool4 inception5a inception5b",
    },
    dropout=0.2,
)
INCEPTION = chain(
    "inception",
    {
        "stem": "Conv2d_1a_3x3 Conv2d_2a_3x3 Conv2d_2b_3x3 maxpool1 Conv2d_3b_1x1 Conv2d_4a_3x3",
        "mixed5": "maxpool2 Mixed_5b Mixed_5c Mixed_5d",
        "mixed6": "Mixed_6a Mixed_6b Mixed_6c Mixed_6d Mixed_6e",
        "mixed7": "Mixed_7a Mixed_7b Mixed_7c",
    },
    dropout=0.5,
)
XCEPTION = chain(
    "xception",
    {
        "stem": "conv1 bn1 act1 conv2 bn2 act2",
        "entry": "block1..3",
        "middle": "block4..11",
        "exit": "block12 conv3 bn3 act3 conv4 bn4 act4",
    },
)
CONVNEXT = chain(
    "convnext",
    {"stem": "stem"} | {f"stage{i}": f"stages.{i - 1}" for i in (1, 2, 3, 4)},
    norm="head.norm",
    above=("average over\nthe image", "norm"),
)

# What a network was trained beside and is not: `aux_logits` are further classifiers half way up,
# which only training reads, and which would judge by labels of ImageNet. `transform_input` gives
# films of ImageNet's moments those of 0.5 in the library's `forward`, where a body has no part; the
# entry says the same by `expects`.
_MAIN_PATH = {"aux_logits": False, "transform_input": False, "init_weights": True}

ARCHITECTURES: dict[str, Architecture] = {
    architecture.name: architecture
    for architecture in (
        Architecture("resnet18", RESNET, "torchvision", used_by=(_BOTH, "Sarmadi")),
        Architecture("resnet50", RESNET, "torchvision", used_by=(_BOTH, "Sarmadi", "Takahashi")),
        Architecture("resnet101", RESNET, "torchvision", used_by=(_BOTH, "Sarmadi")),
        Architecture("vgg16", VGG, "torchvision", used_by=(_BOTH, "Sarmadi")),
        Architecture("vgg19", VGG, "torchvision", used_by=(_BOTH, "Sarmadi")),
        Architecture("densenet121", DENSENET, "torchvision", used_by=("Takahashi",)),
        Architecture("densenet169", DENSENET, "torchvision"),
        Architecture("alexnet", ALEXNET, "torchvision", least_side=63),
        Architecture(
            *("googlenet", GOOGLENET, "torchvision"),
            options=_MAIN_PATH,
            expects=HALVES,
        ),
        Architecture(
            *("inception_v3", INCEPTION, "torchvision"),
            options=_MAIN_PATH,
            expects=HALVES,
            usual_side=299,
            least_side=107,
            used_by=(_BOTH, "Takahashi"),
        ),
        Architecture(
            *("xception", XCEPTION, "timm", "legacy_xception.tf_in1k"),
            expects=HALVES,
            usual_side=299,
            used_by=("Lu",),
        ),
        Architecture(
            "mobilenet_v2",
            chain(
                "mobilenet",
                {
                    **{"stem": "features.0", "stage1": "features.1", "stage2": "features.2..3"},
                    **{"stage3": "features.4..6", "stage4": "features.7..10"},
                    **{"stage5": "features.11..13", "stage6": "features.14..16"},
                    "stage7": "features.17..18",
                },
                dropout=0.2,
            ),
            "torchvision",
        ),
        Architecture(
            "efficientnet_b0",
            chain(
                "efficientnet",
                {"stem": "features.0"}
                | {f"stage{i}": f"features.{i}" for i in range(1, 7)}
                | {"stage7": "features.7..8"},
                dropout=0.2,
            ),
            "torchvision",
            used_by=(_BOTH,),
        ),
        Architecture(
            "efficientnet_v2_s",
            chain(
                "efficientnet-v2",
                {"stem": "features.0"}
                | {f"stage{i}": f"features.{i}" for i in range(1, 6)}
                | {"stage6": "features.6..7"},
                dropout=0.2,
            ),
            "torchvision",
            usual_side=384,
            least_side=33,
            used_by=("Chen",),
        ),
        Architecture(
            *("convnextv2_tiny", CONVNEXT, "timm", "convnextv2_tiny.fcmae_ft_in22k_in1k"),
            used_by=("Takahashi",),
        ),
        Architecture(
            *("vit_small", VIT, "timm", "vit_small_patch16_224.augreg_in21k_ft_in1k"),
            expects=HALVES,
            used_by=("Sarmadi", "Takahashi"),
        ),
        Architecture(
            *("vit_base", VIT, "timm", "vit_base_patch16_224.augreg2_in21k_ft_in1k"),
            expects=HALVES,
            used_by=("Sarmadi", "Takahashi"),
        ),
        Architecture(
            *("vit_small_patch16_224", VIT, "timm"), expects=HALVES, superseded_by="vit_small"
        ),
        Architecture(
            *("vit_base_patch16_224", VIT, "timm"), expects=HALVES, superseded_by="vit_base"
        ),
        Architecture("swin_t", SWIN, "torchvision", used_by=("Takahashi",)),
        Architecture("resnet10t", RESNET, "timm", usual_side=176),
        Architecture("spine-finder", SPINE_FINDER, "spondyl"),
        *(
            Architecture(
                *(tower.name, VIT, "open_clip"),
                usual_side=tower.size,
                for_tests=not tower.hub_id,
            )
            for tower in TOWERS.values()
        ),
        Architecture("test_resnet", RESNET, "timm", usual_side=160, for_tests=True),
        Architecture("test_vit", VIT, "timm", usual_side=160, for_tests=True),
        Architecture(
            "test_convnext", CONVNEXT, "timm", expects=HALVES, usual_side=160, for_tests=True
        ),
    )
}
