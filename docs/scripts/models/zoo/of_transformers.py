"""Models of transformers, of many types, with small numbers in their configurations."""

from __future__ import annotations

from typing import Any

from torch import nn

from docs.scripts.models.zoo import operators

NAMES = [
    "aimv2",
    "apertus",
    "aria_text",
    "axk1",
    "bamba",
    "bert",
    "biogpt",
    "blip",
    "bros",
    "chinese_clip",
    "clip_vision_model",
    "cohere",
    "cohere_asr",
    "cosmos3_edge_text",
    "ctrl",
    "data2vec-text",
    "decision_transformer",
    "deepseek_vl",
    "deformable_detr",
    "diffllama",
    "distilbert",
    "dpt",
    "electra",
    "ernie4_5_moe",
    "exaone4",
    "falcon",
    "fastspeech2_conformer",
    "flava",
    "focalnet",
    "fuyu",
    "gemma3_text",
    "git",
    "glm4_moe_lite",
    "glm_image",
    "glmasr",
    "gpt2",
    "gpt_neox",
    "gradium_phonon_tts",
    "granite_docling_vision",
    "granitemoe",
    "grounding-dino",
    "hgnet_v2",
    "hubert",
    "hy_v4_vl_vision",
    "idefics",
    "ijepa",
    "inkling2_text",
    "internlm3",
    "ibert",
    "jais2",
    "rwkv",
    "kimi_k25",
    "kosmos-2.5",
    "lasr_encoder",
    "levit",
    "lfm3_vl",
    "lilt",
    "llama",
    "llava_next",
    "longt5",
    "mamba",
    "mask2former",
    "metaclip_2",
    "minicpm3",
    "minicpmv4_7",
    "minimax_m3_vl_text",
    "mistral4",
    "mixtral",
    "mlcd_vision_model",
    "mobilebert",
    "modernbert",
    "molmo2_text",
    "moss_transcribe_diarize_audio",
    "mt5",
    "muse_spark_text",
    "nanochat",
    "nemotron3_5_transcribe_word_timestamp",
    "nemotron_asr_streaming_encoder",
    "nomic_bert",
    "olmo3",
    "omniasr_audio",
    "openai_privacy_filter",
    "owlvit",
    "parakeet_encoder",
    "patchtst",
    "phi",
    "pixio",
    "pocket_tts_audio_tokenizer_encoder",
    "pp_ocrv6_small_rec",
    "pvt_v2",
    "qwen2_5_vl",
    "qwen2_audio_encoder",
    "qwen3",
    "qwen3_5_moe_vision",
    "qwen3_asr_encoder",
    "qwen3_vl_moe",
    "qwen3_vl_vision",
    "radio",
    "roberta",
    "sam3_tracker",
    "sam_hq",
    "sarvam_mla",
    "segformer",
    "swin",
    "t5",
    "vilt",
    "vit",
    "wav2vec2",
    "whisper",
    "xlnet",
    "yolos",
    "zamba2",
]

#: The most that a number of a configuration may be, by its name.
SIZES = {
    **dict.fromkeys(["hidden_size", "d_model", "n_embd", "dim", "embed_dim", "image_size", "encoder_hidden_dim"], 32),
    **dict.fromkeys(["intermediate_size", "ffn_dim", "d_ff", "encoder_ffn_dim", "decoder_ffn_dim", "n_inner"], 48),
    **dict.fromkeys(["num_hidden_layers", "n_layer", "n_layers", "num_layers"], 2),
    **dict.fromkeys(["encoder_layers", "decoder_layers", "num_decoder_layers"], 1),
    **dict.fromkeys(
        ["num_attention_heads", "n_head", "n_heads", "num_heads", "encoder_attention_heads", "decoder_attention_heads"], 4
    ),
    **dict.fromkeys(["num_key_value_heads", "num_experts", "num_local_experts", "n_routed_experts"], 4),
    **dict.fromkeys(["max_position_embeddings", "n_positions"], 64),
    "vocab_size": 99,
    "head_dim": 8,
    "patch_size": 8,
    "moe_intermediate_size": 24,
}
TOKENS = ("pad_token_id", "bos_token_id", "eos_token_id")


def _shrunk(config: Any) -> Any:
    for value in list(vars(config).values()):
        if hasattr(value, "model_type"):
            _shrunk(value)
    for name, most in SIZES.items():
        if type(getattr(config, name, None)) is int and name in vars(config):
            setattr(config, name, min(getattr(config, name), most))
    for name in TOKENS:
        if type(getattr(config, name, None)) is int and getattr(config, name) > 90:
            setattr(config, name, 1)
    return config


def build(name: str) -> nn.Module:
    """Make a small model of a type."""
    operators.declare()
    import transformers

    model: nn.Module = transformers.AutoModel.from_config(_shrunk(transformers.CONFIG_MAPPING[name]()))
    return model
