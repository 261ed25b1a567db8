#!/usr/bin/env python3
"""Checks the plug-in without Brain-Score's servers: `check.py PATH/TO/lcl`.

The network is compared with `lcl features` of the checkpoint, and the registration runs against
stand-ins with the signatures of the classes of Brain-Score that it uses.
"""

import shutil
import subprocess
import sys
import tempfile
import types
from pathlib import Path

import numpy
import torch
from PIL import Image
from safetensors.torch import load_file

HERE = Path(__file__).resolve().parent
CHECKPOINT = HERE.parent / "checkpoint.safetensors"

# Both are sums of 32-bit floats in different orders.
TOLERANCE = 1e-4


class Extractor:
    """Stands where ActivationsExtractorHelper does."""

    degrees = None

    def set_visual_degrees(self, degrees):
        self.degrees = degrees


class PytorchWrapper:
    """Stands where Brain-Score's does: hooks on submodules that are found by name."""

    def __init__(self, model, preprocessing, identifier=None):
        self.model, self.preprocessing, self.identifier = model, preprocessing, identifier
        self._extractor = Extractor()

    def __call__(self, paths, layers):
        found, hooks = {}, []
        for name in layers:
            module = self.model._modules[name]
            keep = lambda _module, _input, output, name=name: found.update({name: output.numpy()})
            hooks.append(module.register_forward_hook(keep))
        with torch.no_grad():
            self.model(torch.from_numpy(self.preprocessing(paths)))
        for hook in hooks:
            hook.remove()
        return found


class ModelCommitment:
    """Stands where Brain-Score's does."""

    def __init__(self, identifier, activations_model, layers, behavioral_readout_layer=None,
                 region_layer_map=None, visual_degrees=8):
        activations_model._extractor.set_visual_degrees(visual_degrees)
        self.identifier, self.activations_model = identifier, activations_model
        self.layers, self.region_layer_map = layers, region_layer_map


def load_preprocess_images(paths, image_size, normalize_mean, normalize_std):
    """Stands where Brain-Score's does, for images that have the size already."""
    images = []
    for path in paths:
        pixels = numpy.asarray(Image.open(path).convert("RGB"), dtype=numpy.float32) / 255
        assert pixels.shape[:2] == (image_size, image_size)
        pixels = (pixels - numpy.float32(normalize_mean)) / numpy.float32(normalize_std)
        images.append(pixels.transpose(2, 0, 1))
    return numpy.stack(images)


def stand_in(name, **members):
    module = types.ModuleType(name)
    vars(module).update(members)
    module.__path__ = []
    sys.modules[name] = module


def main(lcl):
    registry = {}
    stand_in("brainscore_vision", model_registry=registry)
    stand_in("brainscore_vision.model_helpers")
    stand_in("brainscore_vision.model_helpers.activations")
    stand_in("brainscore_vision.model_helpers.activations.pytorch",
             PytorchWrapper=PytorchWrapper, load_preprocess_images=load_preprocess_images)
    stand_in("brainscore_vision.model_helpers.brain_transformation",
             ModelCommitment=ModelCommitment)
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        shutil.copytree(HERE / "lcl_v2", folder / "lcl_v2")
        shutil.copy(CHECKPOINT, folder / "lcl_v2" / "checkpoint.safetensors")
        sys.path.insert(0, str(folder))
        import lcl_v2  # noqa: F401, it registers itself

        commitment = registry["lcl-v2"]()
        model = commitment.activations_model
        assert set(commitment.region_layer_map.values()) <= set(commitment.layers)
        assert model._extractor.degrees == 8 and model.image_size == 224
        parameters = sum(values.numel() for values in model.model.state_dict().values())
        print(f"registered {list(registry)}, {parameters} numbers, regions {commitment.region_layer_map}")

        images = folder / "images"
        images.mkdir()
        generator = numpy.random.default_rng(0)
        for index in range(4):
            coarse = generator.integers(0, 256, (28, 28, 3), dtype=numpy.uint8)
            Image.fromarray(coarse).resize((224, 224), Image.BICUBIC).save(images / f"{index}.png")
        out = folder / "features.safetensors"
        subprocess.run([lcl, "features", "--model", CHECKPOINT, "--images", images, "--size", "224",
                        "--out", out], check=True)
        expected = load_file(out)
        found = model(sorted(images.iterdir()), commitment.layers)
        for layer in commitment.layers:
            theirs = expected[layer.lower()].numpy().transpose(0, 3, 1, 2)
            assert found[layer].shape == theirs.shape, (found[layer].shape, theirs.shape)
            error = numpy.abs(found[layer] - theirs).max() / numpy.abs(theirs).max()
            print(f"{layer}: {found[layer].shape[1:]}, largest difference {error:.1e} of the largest feature")
            assert error < TOLERANCE, layer
    print("the plug-in is sound, as far as can be told without Brain-Score's servers")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
