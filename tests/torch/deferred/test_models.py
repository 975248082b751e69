"""Models of timm, torchvision, diffusers and transformers have the laws of their plain constructors.

`python -m docs.scripts.models.trial` does this for four times as many.
"""

import pytest

pytest.importorskip("torch", reason="needs PyTorch")

import torch
from torch import nn

import fastinit.torch as ft
from docs.scripts.models import laws, trial
from docs.scripts.models.zoo import LIBRARIES, operators
from tests.torch.common import on_meta

pytestmark = pytest.mark.filterwarnings("default")

#: BatchNorm's counters, cloned layers, zero convolutions, `torch.FloatTensor`, copies of `trunc_normal_`, computed buffers.
CHOSEN = {
    "timm": """efficientformerv2_s0 efficientnet_b0 efficientvit_b0 ghostnet_050 hardcorenas_b hgnet_small inception_next_atto
        lcnet_035 resnet18 shvit_s1""",
    "torchvision": """efficientnet_b0 mnasnet0_5 mobilenet_v3_small raft_small shufflenet_v2_x0_5
        squeezenet1_0""",
    "diffusers": """AutoencoderKL AutoencoderKLTemporalDecoder CogView4Transformer2DModel
        GlmImageTransformer2DModel HeliosTransformer3DModel LTXVideoTransformer3DModel MiniMaxMusic3Transformer1DModel
        SanaControlNetModel SanaTransformer2DModel StableAudioDiTModel""",
    "transformers": """apertus aria_text bamba bert biogpt blip bros chinese_clip clip_vision_model cohere ctrl data2vec-text
        decision_transformer diffllama distilbert dpt electra ernie4_5_moe exaone4 falcon fuyu gemma3_text git glm4_moe_lite
        gpt2 gpt_neox granitemoe hubert ibert jais2 lilt longt5 mamba mobilebert modernbert nomic_bert olmo3 owlvit phi qwen3
        rwkv""",
}
#: Models that `materialize` may refuse, whose constructors set what no rule does. It must serve all the others.
REFUSED = {
    "timm": """efficientformerv2_s0 efficientnet_b0 hardcorenas_b hgnet_small inception_next_atto lcnet_035 resnet18
        shvit_s1""",
    "torchvision": "efficientnet_b0 mnasnet0_5 mobilenet_v3_small raft_small squeezenet1_0",
    "diffusers": """AutoencoderKLTemporalDecoder HeliosTransformer3DModel LTXVideoTransformer3DModel
        MiniMaxMusic3Transformer1DModel SanaControlNetModel SanaTransformer2DModel StableAudioDiTModel""",
    "transformers": "apertus blip chinese_clip decision_transformer hubert",
}
MODELS = [(library, name) for library, names in CHOSEN.items() for name in names.split()]


def build(library, name):
    operators.declare()
    pytest.importorskip(library, reason=f"needs {library}")
    names, make = LIBRARIES[library]
    if name not in names:
        pytest.fail(f"{name} must be in docs/scripts/models/zoo")
    return lambda: make(name)


@pytest.mark.nightly
@pytest.mark.parametrize(("library", "name"), MODELS, ids=str)
def test_a_deferred_model_has_the_laws_of_its_constructor(library, name):
    assert trial.compare(build(library, name)) == []


@pytest.mark.nightly
@pytest.mark.parametrize(("library", "name"), MODELS, ids=str)
def test_a_model_on_meta_has_the_laws_of_its_constructor_or_is_refused(library, name):
    try:
        on_meta(build(library, name))
    except NotImplementedError:
        pytest.skip("its constructor does not run on the meta device")
    found = trial.verdict(build(library, name), "materialize")
    assert found == "good" or (name in REFUSED[library].split() and found.startswith("refused: ValueError: model must"))


def test_there_are_enough():
    assert len(set(MODELS)) >= 60


class Wrong(nn.Module):
    """What the comparison must find, one fault for each argument."""

    def __init__(self, fault=None):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(2000) * (1.5 if fault == "law" else 1))
        self.twin = nn.Parameter(torch.randn(2000) if fault == "twin" else self.weight.detach().clone())
        self.bias = nn.Parameter(torch.randn(8) if fault == "drawn" else torch.zeros(8))
        self.padded = nn.Parameter(torch.randn(40, 8))
        self.register_buffer("mask", torch.ones(3) * (2 if fault == "buffer" else 1), persistent=False)
        if fault != "padding":
            self.padded.data[3] = 0
        if fault == "constant":
            self.weight.data.zero_()
        self.more = torch.ones(2, dtype=torch.float64 if fault == "dtype" else torch.float32)


@pytest.mark.parametrize("fault", ["law", "twin", "drawn", "buffer", "padding", "constant", "dtype", None], ids=str)
def test_the_comparison_finds_faults(fault):
    plain = [laws.state_of(trial._seeded(seed, Wrong)) for seed in (1, 2)]
    ours = []
    for seed in (3, 4):
        with ft.fast_init(seed):
            ours.append(laws.state_of(Wrong(fault)))
    assert bool(list(laws.faults(plain, ours))) == (fault is not None)
