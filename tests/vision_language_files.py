"""Vision-language models in small, written to a folder in the published layout."""

import json

import torch

WORDS = (
    *("this", "is", "a", "photo", "of", "radiograph", "showing", "x", "-", "ray", ":", "the"),
    *("plain", "thoracolumbar", "demonstrating", "normal", "straight", "spine", "spinal", "no"),
    *("without", "deformity", "abnormality", "scoliosis", "lateral", "curvature", "with"),
    *("rotation", "spondylolisthesis", "forward", "slip", "lumbar", "vertebra", "in"),
)
BERT = "microsoft/BiomedNLP-BiomedBERT-base-uncased-abstract"
MOMENTS = {"mean": [0.48145466, 0.4578275, 0.40821073], "std": [0.26862954, 0.26130258, 0.27577711]}


def biomedclip(folder, seed=1):
    """A timm tower beside a transformer of BERT's kind, as BiomedCLIP's files are."""
    import open_clip
    from transformers import BertConfig, BertTokenizerFast

    folder.mkdir()
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *dict.fromkeys(WORDS)]
    (folder / "vocab.txt").write_text("\n".join(vocabulary), encoding="utf-8")
    BertTokenizerFast(vocab=str(folder / "vocab.txt")).save_pretrained(folder)
    BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=64,
    ).save_pretrained(folder)
    text = {
        **{"hf_model_name": BERT, "hf_tokenizer_name": BERT, "hf_proj_type": "mlp"},
        **{"hf_pooler_type": "cls_last_hidden_state_pooler", "context_length": 48},
    }
    vision = {
        **{"timm_model_name": "test_vit", "timm_model_pretrained": False, "timm_pool": ""},
        **{"timm_proj": "linear", "image_size": 160},
    }
    here = {**text, "hf_model_name": str(folder), "hf_model_pretrained": False}
    model = _drawn(open_clip.CustomTextCLIP, seed, embed_dim=24, vision_cfg=vision, text_cfg=here)
    config = {"embed_dim": 24, "vision_cfg": vision, "text_cfg": text}
    _write(folder, config, model, "open_clip_pytorch_model.bin")
    return folder


def clip(folder, seed=1, **changes):
    """open_clip's own two transformers, as a plain CLIP's files are."""
    import open_clip

    folder.mkdir()
    vision = {
        **{"image_size": 64, "layers": 6, "width": 64, "head_width": 32, "mlp_ratio": 3.0},
        **{"patch_size": 16, **changes},
    }
    text = {"context_length": 48, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 2}
    model = _drawn(open_clip.CLIP, seed, embed_dim=24, vision_cfg=vision, text_cfg=text)
    config = {"embed_dim": 24, "vision_cfg": vision, "text_cfg": text}
    _write(folder, config, model, "open_clip_model.safetensors")
    return folder


def _drawn(made, seed, **config):
    """A random model with weights so large that films and words are told apart."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = made(**config).eval()
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                if parameter.ndim > 1:
                    parameter.mul_(12 if name.startswith("text.transformer.") else 3)
                elif name.endswith("bias"):
                    parameter.normal_(0, 0.1)
                elif parameter.ndim == 1:
                    parameter.mul_(1 + 0.2 * torch.randn_like(parameter))
    return model


def _write(folder, model_cfg, model, checkpoint):
    config = {"model_cfg": model_cfg, "preprocess_cfg": MOMENTS}
    (folder / "open_clip_config.json").write_text(json.dumps(config, indent=2), encoding="utf-8")
    tensors = {name: tensor.contiguous() for name, tensor in model.state_dict().items()}
    if checkpoint.endswith(".safetensors"):
        from safetensors.torch import save_file

        save_file(tensors, folder / checkpoint)
    else:
        torch.save(tensors, folder / checkpoint)
