"""A model of each of torchvision's families."""

from __future__ import annotations

from torch import nn

from docs.scripts.models.zoo import operators

NAMES = [
    "convnext_tiny",
    "densenet121",
    "efficientnet_b0",
    "fasterrcnn_mobilenet_v3_large_fpn",
    "googlenet",
    "inception_v3",
    "lraspp_mobilenet_v3_large",
    "maxvit_t",
    "mnasnet0_5",
    "mobilenet_v3_small",
    "mvit_v2_s",
    "r3d_18",
    "raft_small",
    "regnet_y_400mf",
    "resnet18",
    "s3d",
    "shufflenet_v2_x0_5",
    "squeezenet1_0",
    "ssdlite320_mobilenet_v3_large",
    "swin_t",
    "swin_v2_t",
    "vgg11",
    "vit_b_32",
]

#: Parts of the names of models that are built on another one.
ON_ANOTHER = ("rcnn", "deeplab", "fcn", "fcos", "retina", "ssd", "lraspp")


def build(name: str) -> nn.Module:
    """Make a model without weights from elsewhere."""
    operators.declare()
    import torchvision

    more = {"weights_backbone": None} if any(part in name for part in ON_ANOTHER) else {}
    model: nn.Module = torchvision.models.get_model(name, weights=None, **more)
    return model
