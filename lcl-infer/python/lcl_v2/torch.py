"""The float network of a checkpoint as a plain `torch.nn.Module`; it needs PyTorch."""

import json
import struct

import torch
from torch import nn
from torch.nn import functional

__all__ = ["LclV2", "load"]

_DTYPES = {"F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}
_POOLS = ("max-blur", "blur-max", "max")


class LclV2(nn.Module):
    """Images `[N, 3, H, W]` of values 0 to 1 in, maps `V1` and `V2`, `[N, C, H', W']`, out.

    `lcl features` gives the same maps, channels last: `byte / 255` is what it takes of an image.
    """

    def __init__(self, pool="max-blur", mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225)):
        super().__init__()
        if pool not in _POOLS:
            raise ValueError(f"pool is one of {', '.join(_POOLS)}, not {pool!r}")
        self.pool = pool
        self.register_buffer("mean", torch.tensor(mean).reshape(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).reshape(1, 3, 1, 1), persistent=False)
        blur = torch.tensor([[1.0, 2.0, 1.0], [2.0, 4.0, 2.0], [1.0, 2.0, 1.0]]) / 16
        self.register_buffer("blur", blur.reshape(1, 1, 3, 3), persistent=False)
        self.layer1 = _layer(3, 64, 11, 4)
        self.layer2 = _layer(64, 192, 5, 1)

    def forward(self, images):
        v1 = self._area(self.layer1, (images - self.mean) / self.std)
        return {"V1": v1, "V2": self._area(self.layer2, v1)}

    def _area(self, layer, x):
        x = functional.relu(layer["bn"](layer["conv"](x)))
        if self.pool == "max-blur":
            return self._blurred(functional.max_pool2d(x, 3, 1, 1), 2)
        if self.pool == "blur-max":
            x = self._blurred(x, 1)
        return functional.max_pool2d(x, 3, 2, 1)

    def _blurred(self, x, stride):
        channels = x.shape[1]
        weight = self.blur.expand(channels, 1, 3, 3)
        return functional.conv2d(x, weight, stride=stride, padding=1, groups=channels)


def load(path):
    """Reads a checkpoint, `.safetensors`, and returns its network, ready to evaluate."""
    with open(path, "rb") as file:
        data = file.read()
    try:
        (length,) = struct.unpack_from("<Q", data)
        header = json.loads(data[8 : 8 + length])
        tensors = {name: header[name] for name in header if name != "__metadata__"}
        metadata = header.get("__metadata__", {})
        values = {name: _tensor(data[8 + length :], of) for name, of in tensors.items()}
    except (struct.error, ValueError, KeyError, TypeError, RuntimeError) as error:
        raise ValueError(f"{path} is no whole safetensors file: {error}") from error
    normalisation = {key: json.loads(metadata[key]) for key in ("mean", "std") if key in metadata}
    network = LclV2(metadata.get("pool", _POOLS[0]), **normalisation)
    wanted = network.state_dict()
    # What only training needs, and a count of batches.
    values = {name: value for name, value in values.items() if name.startswith("layer")}
    for name in ("layer1.conv.bias", "layer2.conv.bias"):
        values.setdefault(name, torch.zeros_like(wanted[name]))
    for name, value in wanted.items():
        if name.endswith("num_batches_tracked"):
            values.setdefault(name, value)
        elif name not in values:
            raise ValueError(f"{path} is not a checkpoint of this model: {name} is missing")
    network.load_state_dict(values)
    return network.eval()


def _layer(inputs, outputs, kernel, stride):
    conv = nn.Conv2d(
        inputs, outputs, kernel, stride, padding=kernel // 2, padding_mode="reflect"
    )
    return nn.ModuleDict({"conv": conv, "bn": nn.BatchNorm2d(outputs)})


def _tensor(data, of):
    start, end = of["data_offsets"]
    values = torch.frombuffer(bytearray(data[start:end]), dtype=_DTYPES[of["dtype"]])
    return values.reshape(of["shape"]).float()
