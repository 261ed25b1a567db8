// lcl-infer in a browser or in node: an image's bytes in, maps of features out.
//
//   const lcl = await Lcl.of(wasm);                 // bytes of lcl_infer_wasm.wasm
//   lcl.open(model, 96, 96);                        // bytes of a .lcl
//   const event = lcl.look(image);                  // 96·96·3 bytes, or 96·96 for grey models
//   lcl.maps.V2;                                    // { height, width, channels, bytes }
//
// What the engine refuses is an LclError with its text.

class LclError extends Error {}

class Lcl {
  static async of(wasm) {
    const { instance } = await WebAssembly.instantiate(wasm, {});
    return new Lcl(instance.exports);
  }

  constructor(calls) {
    this.calls = calls;
    this.maps = {};
  }

  // Text of the last call.
  text() {
    const { memory, lcl_text, lcl_text_len } = this.calls;
    return new TextDecoder().decode(new Uint8Array(memory.buffer, lcl_text(), lcl_text_len()).slice());
  }

  check(code) {
    if (code !== 0) throw new LclError(this.text());
  }

  write(bytes, room) {
    const at = room(bytes.length) >>> 0;
    if (at === 0) throw new LclError(`there is no memory for ${bytes.length} bytes`);
    new Uint8Array(this.calls.memory.buffer).set(bytes, at);
  }

  // Opens a model for images of one size; what was open is closed.
  open(model, width, height) {
    const calls = this.calls;
    this.maps = {};
    this.write(model, calls.lcl_model);
    this.check(calls.lcl_open(width, height));
    [this.width, this.height, this.rowLen] = [width, height, calls.lcl_row_len()];
    for (let tap = 0; tap < calls.lcl_taps(); tap++) {
      calls.lcl_tap(tap);
      const [height, width, channels] = [0, 1, 2].map(side => calls.lcl_map_side(tap, side));
      this.maps[this.text()] = { tap, height, width, channels };
    }
    this.refresh();
  }

  // Memory that has grown lies elsewhere.
  refresh() {
    for (const map of Object.values(this.maps)) {
      const len = map.height * map.width * map.channels;
      map.bytes = new Uint8Array(this.calls.memory.buffer, this.calls.lcl_map(map.tap), len);
    }
  }

  // Pushes one row.
  push(row) {
    this.write(row, this.calls.lcl_image);
    this.check(this.calls.lcl_push_row(0, row.length));
  }

  // Computes a whole image and returns what the watcher says of it.
  look(image) {
    const calls = this.calls;
    if (image.length !== this.rowLen * this.height) {
      const [got, expected] = [image.length, this.rowLen * this.height];
      throw new LclError(`expected an image of ${expected} bytes, got ${got}`);
    }
    this.write(image, calls.lcl_image);
    try {
      for (let y = 0; y < this.height; y++) {
        this.check(calls.lcl_push_row(y * this.rowLen, this.rowLen));
      }
      this.check(calls.lcl_finish());
    } catch (error) {
      calls.lcl_reset();
      throw error;
    }
    this.refresh();
    const [frame, score, x, y, cells, bytes, ...channels] =
      Array.from({ length: 12 }, (_, field) => calls.lcl_event(field));
    const changes = [0, 2, 4].map(at => ({ channel: channels[at], change: channels[at + 1] }));
    return { frame, score: score / 256, x, y, cells, bytes, changes, isEvent: cells > 0 };
  }

  // The weights of the first convolution's filters: `side · side · channels` each.
  filters() {
    const { memory, lcl_filter, lcl_filter_side } = this.calls;
    const [side, channels] = [lcl_filter_side(0), lcl_filter_side(1)];
    const filters = [];
    for (let at; (at = lcl_filter(filters.length)) !== 0;) {
      filters.push(new Int8Array(memory.buffer, at, side * side * channels).slice());
    }
    return { side, channels, filters };
  }

  kernels() {
    this.calls.lcl_kernels();
    return this.text();
  }
}
