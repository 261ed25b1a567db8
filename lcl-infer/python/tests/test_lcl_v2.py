"""The package lcl_v2 against the CRC-32 that Rust gives: run by `cargo xtask doors`, which sets
LCL_MODEL, LCL_PICTURE and LCL_EXPECTED."""

import ast
import os
import pathlib
import threading
import unittest
import zlib

import numpy as np

import lcl_v2

MODEL = os.environ["LCL_MODEL"]


def picture():
    data = pathlib.Path(os.environ["LCL_PICTURE"]).read_bytes()
    return np.frombuffer(data[-96 * 96 * 3 :], np.uint8).reshape(96, 96, 3)


def crc(features):
    return " ".join(f"{tap} {zlib.crc32(features[tap].tobytes()):08x}" for tap in ("V1", "V2"))


class Bytes(unittest.TestCase):
    def setUp(self):
        self.model = lcl_v2.Model(MODEL)
        self.image = picture()
        self.expected = os.environ["LCL_EXPECTED"]

    def test_one_image_a_batch_and_arrays_with_gaps(self):
        one = self.model.features(self.image)
        print(crc(one))
        self.assertEqual(crc(one), self.expected)
        self.assertEqual(one["V2"].shape, (6, 6, 192))
        noise = np.random.default_rng(1).integers(0, 256, (9, 96, 96, 3), np.uint8)
        noise[4] = self.image
        for threads in (0, 1, 3, 100):
            batch = self.model.features(noise, threads=threads)
            self.assertEqual(crc({tap: map[4] for tap, map in batch.items()}), self.expected)
            self.assertEqual(batch["V1"].shape, (9, 12, 12, 64))
            self.assertTrue((batch["V2"][8] == self.model.features(noise[8])["V2"]).all())
        wide = np.zeros((96, 192, 6), np.uint8)
        wide[:, ::2, ::2] = self.image
        self.assertEqual(crc(self.model.features(wide[:, ::2, ::2])), self.expected)
        self.assertEqual(crc(self.model.features(self.image[::-1][::-1])), self.expected)
        self.assertEqual(crc(lcl_v2.Model(open(MODEL, "rb").read()).features(self.image)), self.expected)
        self.assertEqual(self.model.features(noise[:0])["V2"].shape, (0, 6, 6, 192))
        self.model.self_test()

    def test_floats_are_scaled_bytes_and_agree_with_themselves(self):
        raw, real = self.model.features(self.image), self.model.features(self.image, as_float=True)
        self.assertEqual(real["V2"].dtype, np.float32)
        # A literal product for each value.
        scale = self.model.scales("V2")
        for y, x, c in [(0, 0, 0), (5, 5, 191), (3, 2, 77)]:
            self.assertEqual(real["V2"][y, x, c], np.float32(raw["V2"][y, x, c]) * scale[c])
        same = lcl_v2.compare(real["V1"], real["V1"])
        self.assertTrue(same.equal and same.largest == 0 and same.sqnr_db == float("inf"))
        other = lcl_v2.compare(np.array([3.0, 4.0]), np.array([3.0, 4.5]))
        # Σ reference² is 25 and Σ difference² 0.25: 20 dB.
        self.assertAlmostEqual(other.sqnr_db, 20.0, places=9)
        self.assertAlmostEqual(other.correlation, 1.0, places=9)

    def test_a_watcher_speaks_where_something_is_new(self):
        watcher = lcl_v2.Watcher(self.model, 96, 96)
        still = self.image // 2
        seen = [watcher.look(still) for _ in range(8)]
        self.assertEqual(seen, [None] * 8)
        still = still.copy()
        still[40:60, 40:60] = 255
        event = watcher.look(still)
        self.assertEqual((event.frame, len(event.channels)), (8, 3))
        self.assertGreater(event.score, 3)
        self.assertLess(len(event.data), 32)

    def test_what_is_in_a_model(self):
        found = lcl_v2.inspect(MODEL)
        self.assertEqual([layer["name"] for layer in found["layers"]], ["conv1", "pool1", "conv2", "pool2"])
        self.assertEqual((found["input"], found["taps"]), ("RGB888", ["V1", "V2"]))
        self.assertEqual(found["layers"][2]["out_channels"], 192)

    def test_other_threads_run_meanwhile(self):
        batch = np.zeros((24, 224, 224, 3), np.uint8)
        done = threading.Event()
        counted = [0]

        def count():
            while not done.is_set():
                counted[0] += 1
                done.wait(0.001)

        other = threading.Thread(target=count)
        other.start()
        before = counted[0]
        self.model.features(batch, threads=1)
        meanwhile = counted[0] - before
        done.set()
        other.join()
        # With the lock held, no turn of the other thread falls into the call.
        self.assertGreater(meanwhile, 10)


class BadInput(unittest.TestCase):
    def refused(self, kind, text, call):
        with self.assertRaises(kind) as caught:
            call()
        self.assertIn(text, str(caught.exception))

    def test_models(self):
        data = open(MODEL, "rb").read()
        damaged = bytearray(data)
        damaged[len(data) // 2] ^= 1
        newer = bytearray(data)
        newer[8] = 99
        for model, text in [(data[:-1], "bytes"), (b"", "bytes"), (damaged, "CRC"), (newer, "version")]:
            self.refused(lcl_v2.LclError, text, lambda: lcl_v2.Model(bytes(model)))
        self.refused(FileNotFoundError, "no-such.lcl", lambda: lcl_v2.Model("no-such.lcl"))
        self.refused(TypeError, "int", lambda: lcl_v2.Model(3))

    def test_images(self):
        features = lcl_v2.Model(MODEL).features
        image = picture()
        self.refused(TypeError, "float64", lambda: features(image / 255))
        self.refused(TypeError, "list", lambda: features([[1]]))
        self.refused(ValueError, "(96, 96, 4)", lambda: features(np.zeros((96, 96, 4), np.uint8)))
        self.refused(ValueError, "(96, 96)", lambda: features(image[..., 0]))
        self.refused(lcl_v2.LclError, "16×96", lambda: features(image[:, :16]))
        self.refused(lcl_v2.LclError, "tap", lambda: lcl_v2.Model(MODEL).scales("V9"))
        self.refused(ValueError, "one shape", lambda: lcl_v2.compare(image, image[1:]))
        watcher = lcl_v2.Watcher(lcl_v2.Model(MODEL), 96, 96)
        self.refused(ValueError, "(95, 96, 3)", lambda: watcher.look(image[1:]))
        self.refused(lcl_v2.LclError, "threshold", lambda: lcl_v2.Watcher(lcl_v2.Model(MODEL), 96, 96, warm_up=1))

    def test_many_calls_leave_no_memory(self):
        import resource

        model, image = lcl_v2.Model(MODEL), picture()[:32, :32]
        used = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        for turn in range(2100):
            if turn == 100:
                before = used()
            model.features(image)
            lcl_v2.Watcher(model, 32, 32).look(np.ascontiguousarray(image))
            if turn % 50 == 0:
                self.refused(lcl_v2.LclError, "bytes", lambda: lcl_v2.Model(b"x" * 100_000))
        # KiB; 2,000 memories of 14 kB alone would be 28,000.
        self.assertLess(used() - before, 8000)


class Torch(unittest.TestCase):
    def test_the_module_is_whole_python(self):
        ast.parse((pathlib.Path(lcl_v2.__file__).parent / "torch.py").read_text())


if __name__ == "__main__":
    unittest.main()
