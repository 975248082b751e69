"""Models of diffusers, with one layer where their defaults have many."""

from __future__ import annotations

import inspect
from typing import Any

from torch import nn

from docs.scripts.models.zoo import operators

NAMES = [
    "AllegroTransformer3DModel",
    "AnyFlowFARTransformer3DModel",
    "AnyFlowTransformer3DModel",
    "AsymmetricAutoencoderKL",
    "AudioLDM2UNet2DConditionModel",
    "AuraFlowTransformer2DModel",
    "AutoencoderKL",
    "AutoencoderKLAllegro",
    "AutoencoderKLCogVideoX",
    "AutoencoderKLFlux2",
    "AutoencoderKLHunyuanImageRefiner",
    "AutoencoderKLHunyuanVideo",
    "AutoencoderKLHunyuanVideo15",
    "AutoencoderKLTemporalDecoder",
    "AutoencoderTiny",
    "BriaFiboTransformer2DModel",
    "BriaTransformer2DModel",
    "ChronoEditTransformer3DModel",
    "CogVideoXTransformer3DModel",
    "CogView3PlusTransformer2DModel",
    "CogView4Transformer2DModel",
    "ConsisIDTransformer3DModel",
    "ControlNetModel",
    "CosmosControlNetModel",
    "CosmosTransformer3DModel",
    "DiTTransformer2DModel",
    "Flux2Transformer2DModel",
    "Flux3Transformer2DModel",
    "FluxControlNetModel",
    "FluxTransformer2DModel",
    "GlmImageTransformer2DModel",
    "HeliosTransformer3DModel",
    "HunyuanImageTransformer2DModel",
    "HunyuanVideo15Transformer3DModel",
    "HunyuanVideoFramepackTransformer3DModel",
    "HunyuanVideoTransformer3DModel",
    "Ideogram4Transformer2DModel",
    "LTXVideoTransformer3DModel",
    "LongCatImageTransformer2DModel",
    "MiniMaxMusic3Transformer1DModel",
    "MochiTransformer3DModel",
    "MotifVideoTransformer3DModel",
    "NucleusMoEImageTransformer2DModel",
    "OvisImageTransformer2DModel",
    "PixArtTransformer2DModel",
    "QwenImage21Transformer2DModel",
    "QwenImageControlNetModel",
    "QwenImageTransformer2DModel",
    "SD3ControlNetModel",
    "SD3Transformer2DModel",
    "SanaControlNetModel",
    "SanaTransformer2DModel",
    "SanaVideoTransformer3DModel",
    "SkyReelsV2Transformer3DModel",
    "SparseControlNetModel",
    "StableAudioDiTModel",
    "UNet1DModel",
    "UNet2DConditionModel",
    "UNet2DModel",
    "UNet3DConditionModel",
    "UNetControlNetXSModel",
    "UNetMotionModel",
    "UNetSpatioTemporalConditionModel",
    "VQModel",
    "WanAnimateTransformer3DModel",
    "WanTransformer3DModel",
]

ONE = frozenset(
    [
        "num_layers",
        "num_single_layers",
        "num_refiner_layers",
        "num_dit_layers",
        "depth",
        "layers_per_block",
        "num_mmdit_layers",
        "num_single_dit_layers",
        "transformer_layers_per_block",
        "n_layers",
        "num_blocks",
    ]
)
TWO = frozenset(["num_attention_heads", "num_cross_attention_heads", "heads", "num_heads"])
NARROW = frozenset(
    [
        "joint_attention_dim",
        "caption_channels",
        "cross_attention_dim",
        "text_dim",
        "pooled_projection_dim",
        "text_embed_dim",
        "caption_projection_dim",
        "ffn_dim",
        "freq_dim",
        "intermediate_size",
    ]
)


def _small(parameter: inspect.Parameter) -> Any:
    name, default = parameter.name, parameter.default
    if name == "block_out_channels" and isinstance(default, tuple):
        return (32,) * len(default)
    if type(default) is not int:
        return default
    most = 1 if name in ONE else 2 if name in TWO else 32 if name in NARROW else default
    return min(default, most)


def build(name: str) -> nn.Module:
    """Make a small model of a class; where its numbers do not go together, one with fewer layers alone."""
    operators.declare()
    import diffusers

    cls = getattr(diffusers, name)
    parameters = inspect.signature(cls.__init__).parameters.values()
    small = {each.name: _small(each) for each in parameters if each.default is not each.empty and _small(each) != each.default}
    try:
        model: nn.Module = cls(**small)
    except Exception:  # whatever each class raises
        model = cls(**{key: value for key, value in small.items() if key in ONE})
    return model
