"""LCL-V2 in PyTorch: two layers, V1 and V2, from the project's checkpoint."""

import json

import torch
from safetensors import safe_open
from torch import nn
from torch.nn import functional

CHANNELS = {"V1": (3, 64), "V2": (64, 192)}


class Pool(nn.Module):
    """Pools 3x3 windows with stride 2, in one of the three orders of LCL-V2.

    The maximum has minus infinity outside of the map, the binomial blur zeros.
    """

    def __init__(self, order, channels):
        super().__init__()
        if order not in ("max-blur", "blur-max", "max"):
            raise ValueError(f"the pool is max-blur, blur-max or max, not {order}")
        self.order = order
        taps = torch.tensor([1.0, 2.0, 1.0]) / 4.0
        kernel = torch.outer(taps, taps).expand(channels, 1, 3, 3).contiguous()
        self.register_buffer("kernel", kernel, persistent=False)

    def blurred(self, x, stride):
        return functional.conv2d(x, self.kernel, stride=stride, padding=1, groups=x.shape[1])

    def forward(self, x):
        if self.order == "max-blur":
            return self.blurred(functional.max_pool2d(x, 3, stride=1, padding=1), 2)
        if self.order == "blur-max":
            return functional.max_pool2d(self.blurred(x, 1), 3, stride=2, padding=1)
        return functional.max_pool2d(x, 3, stride=2, padding=1)


class Area(nn.Module):
    """Convolution, batch norm, ReLU and pool."""

    def __init__(self, channels, kernel, stride, order):
        super().__init__()
        self.conv = nn.Conv2d(
            *channels, kernel, stride=stride, padding=kernel // 2, padding_mode="reflect"
        )
        self.bn = nn.BatchNorm2d(channels[1])
        self.pool = Pool(order, channels[1])

    def forward(self, x):
        return self.pool(torch.relu(self.bn(self.conv(x))))


class LclV2(nn.Module):
    """Images, normalised, `[N, 3, H, W]`, to V2, `[N, 192, H / 16, W / 16]`."""

    def __init__(self, order="max-blur"):
        super().__init__()
        self.V1 = Area(CHANNELS["V1"], 11, 4, order)
        self.V2 = Area(CHANNELS["V2"], 5, 1, order)

    def forward(self, x):
        return self.V2(self.V1(x))


def load(path):
    """Returns the network of a checkpoint, ready to evaluate, and the mean and the
    standard deviation that its input is normalised with."""
    with safe_open(path, framework="pt") as file:
        metadata = file.metadata() or {}
        tensors = {name: file.get_tensor(name).float() for name in file.keys()}
    state = {}
    for name, tensor in tensors.items():
        layer, _, rest = name.partition(".")
        area = {"layer1": "V1", "layer2": "V2"}.get(layer)
        if area is not None:
            state[f"{area}.{rest}"] = tensor
    network = LclV2(metadata.get("pool", "max-blur"))
    # Counters of batches, which nothing here reads, are the only tensors that may be missing.
    missing, unexpected = network.load_state_dict(state, strict=False)
    missing = [name for name in missing if not name.endswith("num_batches_tracked")]
    if missing or unexpected:
        raise ValueError(f"{path}: missing {missing}, unexpected {unexpected}")
    mean = json.loads(metadata.get("mean", "[0.485, 0.456, 0.406]"))
    std = json.loads(metadata.get("std", "[0.229, 0.224, 0.225]"))
    return network.eval(), mean, std
