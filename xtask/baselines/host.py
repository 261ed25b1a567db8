"""Times ONNX Runtime and OpenVINO on the network of LCL-V2 in 8 bits, one thread.

`host.py FOLDER SECONDS` writes the network as ONNX into FOLDER, for tract too
(`qlinear-SIZE.onnx`), runs it for that long, and prints a line of words between
tabs for each baseline and size, with the least milliseconds of a run.

The weights are random, since what is timed does not depend on them.
Convolutions pad with zeros: reflection would cost the baselines a padded copy more.
"""

import pathlib
import sys
import time

import numpy as np
import onnx
import onnxruntime
import openvino
from onnx import TensorProto, helper, numpy_helper

SIZES = (96, 224)
# (name, in_c, out_c, kernel, stride, padding)
STAGES = (("s1", 3, 64, 11, 4, 5), ("s2", 64, 192, 5, 1, 2))
ACTIVATION_SCALE = np.float32(2 / 255)
IMAGE_SCALE = np.float32(1 / 255)


class Graph:
    """Nodes and constants of a network in one of the two forms of ONNX."""

    def __init__(self):
        self.nodes = []
        self.constants = []
        self.random = np.random.default_rng(1)

    def constant(self, name, value):
        self.constants.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def node(self, kind, inputs, output, **attributes):
        self.nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def weights(self, in_c, out_c, kernel):
        shape = (out_c, in_c, kernel, kernel)
        weights = self.random.integers(-127, 128, shape).astype(np.int8)
        scale = np.full(out_c, 1 / (127 * kernel * in_c**0.5), np.float32)
        return weights, scale, self.random.standard_normal(out_c).astype(np.float32) / 10

    def blur(self, channels):
        taps = np.outer([1, 2, 1], [1, 2, 1]).astype(np.int8)
        return np.tile(taps, (channels, 1, 1, 1)), np.full(channels, 1 / 16, np.float32), None

    def zero_points(self, name, scale):
        return [
            self.constant(f"{name}_scale", scale),
            self.constant(f"{name}_zero", np.uint8(0)),
        ]

    def save(self, path, size, outputs):
        outputs = [
            helper.make_tensor_value_info(
                name, TensorProto.UINT8, [1, stage[2], size // divisor, size // divisor]
            )
            for name, stage, divisor in zip(outputs, STAGES, (8, 16))
        ]
        image = helper.make_tensor_value_info("image", TensorProto.UINT8, [1, 3, size, size])
        graph = helper.make_graph(self.nodes, "lcl", [image], outputs, self.constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
        model.ir_version = 9
        onnx.checker.check_model(model)
        onnx.save(model, path)


class Qdq(Graph):
    """Float operations between pairs of QuantizeLinear and DequantizeLinear."""

    def image(self):
        return self.node("DequantizeLinear", ["image", *self.zero_points("image", IMAGE_SCALE)], "x")

    def quantised(self, x, name):
        ranges = self.zero_points(name, ACTIVATION_SCALE)
        byte = self.node("QuantizeLinear", [x, *ranges], f"{name}_q")
        return byte, self.node("DequantizeLinear", [byte, *ranges], name)

    def conv(self, x, name, parameters, relu, **attributes):
        weights, scale, bias = parameters
        inputs = [
            self.constant(f"{name}_w8", weights),
            self.constant(f"{name}_ws", scale),
            self.constant(f"{name}_wz", np.zeros(len(scale), np.int8)),
        ]
        inputs = [x, self.node("DequantizeLinear", inputs, f"{name}_w", axis=0)]
        if bias is not None:
            inputs.append(self.constant(f"{name}_b", bias))
        y = self.node("Conv", inputs, f"{name}_y", **attributes)
        if relu:
            y = self.node("Relu", [y], f"{name}_r")
        return self.quantised(y, f"{name}_out")

    def max_pool(self, x, name):
        y = self.node("MaxPool", [x], f"{name}_y", kernel_shape=[3, 3], pads=[1] * 4)
        return self.quantised(y, f"{name}_out")[1]


class QLinear(Graph):
    """Operations on bytes, QLinearConv."""

    def image(self):
        self.scale = self.zero_points("image", IMAGE_SCALE)
        return "image"

    def conv(self, x, name, parameters, relu, **attributes):
        weights, scale, bias = parameters
        before = self.scale
        step = IMAGE_SCALE if before[0] == "image_scale" else ACTIVATION_SCALE
        after = self.zero_points(f"{name}_out", ACTIVATION_SCALE)
        inputs = [
            x,
            *before,
            self.constant(f"{name}_w8", weights),
            self.constant(f"{name}_ws", scale),
            self.constant(f"{name}_wz", np.zeros(len(scale), np.int8)),
            *after,
        ]
        if bias is not None:
            inputs.append(self.constant(f"{name}_b", np.round(bias / (scale * step)).astype(np.int32)))
        self.scale = after
        # The clamp of unsigned bytes at zero is the ReLU.
        y = self.node("QLinearConv", inputs, f"{name}_out", **attributes)
        return y, y

    def max_pool(self, x, name):
        return self.node("MaxPool", [x], f"{name}_y", kernel_shape=[3, 3], pads=[1] * 4)


def write(graph, path, size):
    x = graph.image()
    outputs = []
    for name, in_c, out_c, kernel, stride, padding in STAGES:
        parameters = graph.weights(in_c, out_c, kernel)
        _, x = graph.conv(
            x, name, parameters, True, kernel_shape=[kernel] * 2, strides=[stride] * 2, pads=[padding] * 4
        )
        x = graph.max_pool(x, f"{name}_max")
        byte, x = graph.conv(
            x, f"{name}_blur", graph.blur(out_c), False,
            kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4, group=out_c,
        )
        outputs.append(byte)
    graph.save(path, size, outputs)
    return outputs


def onnx_runtime(path, image, outputs):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    binding = session.io_binding()
    binding.bind_cpu_input("image", image)
    for output in outputs:
        binding.bind_output(output)
    return lambda: session.run_with_iobinding(binding)


def open_vino(path, image, _outputs):
    settings = {"INFERENCE_NUM_THREADS": 1, "NUM_STREAMS": 1, "PERFORMANCE_HINT": "LATENCY"}
    request = openvino.Core().compile_model(path, "CPU", settings).create_infer_request()
    request.set_input_tensor(openvino.Tensor(image))
    return request.infer


BASELINES = (
    ("onnxruntime", onnxruntime.__version__, onnx_runtime),
    ("openvino", openvino.__version__.split("-")[0], open_vino),
)


def main():
    folder, seconds = pathlib.Path(sys.argv[1]), float(sys.argv[2])
    runs = []
    for size in SIZES:
        write(QLinear(), folder / f"qlinear-{size}.onnx", size)
        path = str(folder / f"qdq-{size}.onnx")
        outputs = write(Qdq(), path, size)
        shape = (1, 3, size, size)
        image = np.random.default_rng(2).integers(0, 256, shape).astype(np.uint8)
        for name, version, prepare in BASELINES:
            runs.append([size, name, version, prepare(path, image, outputs), float("inf")])
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        for run in runs:
            for _ in range(4):
                start = time.perf_counter()
                run[3]()
                run[4] = min(run[4], time.perf_counter() - start)
    for size, name, version, _, best in runs:
        print("baseline", size, f"{name} {version}", f"{best * 1e3:.4f}", sep="\t")


if __name__ == "__main__":
    main()
