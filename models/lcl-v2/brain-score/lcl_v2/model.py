"""LCL-V2 as Brain-Score takes it: a wrapped network, its layers and its source."""

import functools
from pathlib import Path

from .network import load

IDENTIFIER = "lcl-v2"

# 224 pixels are the 8 degrees that Brain-Score takes a model to see.
IMAGE_SIZE = 224

# The model claims nothing of V4, IT and behaviour.
REGION_LAYER_MAP = {"V1": "V1", "V2": "V2"}

BIBTEX = """@article{parthasarathy2024layerwise,
    title = {Layerwise complexity-matched learning yields an improved model of cortical area V2},
    author = {Parthasarathy, Nikhil and H{\\'e}naff, Olivier J. and Simoncelli, Eero P.},
    journal = {Transactions on Machine Learning Research},
    year = {2024},
}"""


def get_model_list():
    return [IDENTIFIER]


def get_model(name):
    assert name == IDENTIFIER
    from brainscore_vision.model_helpers.activations.pytorch import (
        PytorchWrapper,
        load_preprocess_images,
    )

    network, mean, std = load(Path(__file__).with_name("checkpoint.safetensors"))
    preprocessing = functools.partial(
        load_preprocess_images, image_size=IMAGE_SIZE, normalize_mean=mean, normalize_std=std
    )
    wrapper = PytorchWrapper(identifier=name, model=network, preprocessing=preprocessing)
    wrapper.image_size = IMAGE_SIZE
    return wrapper


def get_layers(name):
    assert name == IDENTIFIER
    return ["V1", "V2"]


def get_bibtex(model_identifier):
    return BIBTEX
