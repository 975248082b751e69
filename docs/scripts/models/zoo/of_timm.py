"""The smallest model of each of timm's modules."""

from __future__ import annotations

from torch import nn

from docs.scripts.models.zoo import operators

NAMES = [
    "caformer_s18",
    "cait_xxs24_224",
    "coat_tiny",
    "coatnet_nano_cc_224",
    "convit_tiny",
    "convmixer_768_32",
    "convnext_atto_rms",
    "cpubone_nano",
    "crossvit_tiny_240",
    "cs3darknet_focus_s",
    "csatv2",
    "cspnext_tiny",
    "davit_tiny",
    "deit_tiny_distilled_patch16_224",
    "densenet121",
    "dla46x_c",
    "dpn48b",
    "eca_botnext26ts_256",
    "edgenext_small",
    "efficientformer_l1",
    "efficientformerv2_s0",
    "efficientnet_b0",
    "efficientvim_m1",
    "efficientvit_b0",
    "efficientvit_m0",
    "eva02_tiny_patch14_224",
    "fasternet_t0",
    "fastvit_s12",
    "gcvit_small",
    "ghostnet_050",
    "gmlp_s16_224",
    "hardcorenas_b",
    "hgnet_small",
    "hiera_tiny_224",
    "hrnet_w18",
    "iformer_s",
    "inception_next_atto",
    "inception_resnet_v2",
    "inception_v3",
    "inception_v4",
    "lcnet_035",
    "lcnetv2_small",
    "levit_384_s8",
    "lowformer_b0",
    "mobileone_s1",
    "mobilevit_s",
    "mvitv2_small",
    "nest_small",
    "nextvit_small",
    "nf_regnet_b0",
    "pit_s_224",
    "pvt_v2_b0",
    "rdnet_small",
    "regnety_040_sgn",
    "repghostnet_050",
    "repvit_m1",
    "res2net50_14w_8s",
    "resnest14d",
    "resnet18",
    "resnetv2_18",
    "rexnet_100",
    "sam2_hiera_tiny",
    "selecsls42",
    "sequencer2d_s",
    "shvit_s1",
]


def build(name: str) -> nn.Module:
    """Make a model without weights from elsewhere."""
    operators.declare()
    import timm

    model: nn.Module = timm.create_model(name, pretrained=False)
    return model
