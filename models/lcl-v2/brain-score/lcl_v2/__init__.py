"""Registers LCL-V2 with Brain-Score."""

from brainscore_vision import model_registry
from brainscore_vision.model_helpers.brain_transformation import ModelCommitment

from .model import IDENTIFIER, REGION_LAYER_MAP, get_layers, get_model

model_registry[IDENTIFIER] = lambda: ModelCommitment(
    identifier=IDENTIFIER,
    activations_model=get_model(IDENTIFIER),
    layers=get_layers(IDENTIFIER),
    region_layer_map=REGION_LAYER_MAP,
)
