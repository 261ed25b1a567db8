"""The export to ONNX against `lcl features`: compare_onnx.py LCL CHECKPOINT FOLDER.

Three orders of pooling, two sizes and batches, on the same bytes; the largest difference is at most 1e-5
of the largest value."""

import json
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import onnx
import onnxruntime

LIMIT = 1e-5


def write_png(path, image):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    height, width, _ = image.shape
    rows = b"".join(b"\0" + row.tobytes() for row in image)
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + parts)


def with_pool(checkpoint, pool, out):
    data = checkpoint.read_bytes()
    (length,) = struct.unpack_from("<Q", data)
    header = json.loads(data[8 : 8 + length])
    header["__metadata__"]["pool"] = pool
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    out.write_bytes(struct.pack("<Q", len(text)) + text + data[8 + length :])


def main():
    lcl, checkpoint, folder = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    run = lambda *arguments: subprocess.run([lcl, *map(str, arguments)], check=True, stdout=subprocess.DEVNULL)
    random = np.random.default_rng(1)
    for pool in ("max-blur", "blur-max", "max"):
        model, graph = folder / f"{pool}.safetensors", folder / f"{pool}.onnx"
        with_pool(checkpoint, pool, model)
        run("export", "--to", "onnx", "--model", model, "--out", graph)
        onnx.checker.check_model(onnx.load(graph), full_check=True)
        session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
        for count, side in ((1, 17), (3, 96), (2, 61)):
            # Coarse blocks under noise, so that neither area is quiet.
            blocks = random.integers(0, 256, (count, side, side, 3), np.uint8)
            images = (np.repeat(np.repeat(blocks[:, ::6, ::6], 6, 1), 6, 2)[:, :side, :side] // 2) + blocks // 2
            pictures = folder / f"{pool}-{side}"
            pictures.mkdir()
            for index, image in enumerate(images):
                write_png(pictures / f"{index}.png", image)
            run("features", "--model", model, "--images", pictures, "--size", side, "--out", pictures.with_suffix(".npz"))
            expected = np.load(pictures.with_suffix(".npz"))
            for name, got in zip(("v1", "v2"), session.run(["v1", "v2"], {"images": images})):
                wanted = expected[name]
                assert got.shape == wanted.shape, f"{pool} {name}: {got.shape}, not {wanted.shape}"
                apart = float(np.abs(got - wanted).max() / np.abs(wanted).max())
                print(f"{pool:8} {count}×{side}×{side} {name}: {apart:.1e} of the largest")
                assert apart <= LIMIT, f"{pool} {name} is {apart:.1e} of the largest apart: {LIMIT} at most"


main()
