// What the door of WebAssembly gives, under node:
//   node door.mjs WASM MODEL PICTURE.ppm SUITE.wasm
// Prints `V1 xxxxxxxx V2 xxxxxxxx`, what the suite of kernels says, and the time of a frame; fails
// where a call that is wrong is not refused in words.

import { readFileSync } from 'node:fs';
import assert from 'node:assert/strict';

const [wasm, model, picture, suite] = process.argv.slice(2).map((path) => readFileSync(path));
// Plain scripts, so that a page can hold them.
const here = (path) => readFileSync(new URL(path, import.meta.url));
const source = ['../lcl.js', '../demo/film.js', '../demo/paint.js'].map(here).join('\n');
const { Lcl, LclError, Orientation } = new Function(`${source}; return { Lcl, LclError, Orientation }`)();

const SIDE = 96;
const image = picture.subarray(picture.length - SIDE * SIDE * 3);

function crc32(bytes) {
  let crc = ~0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (0xedb88320 & -(crc & 1));
  }
  return (~crc >>> 0).toString(16).padStart(8, '0');
}

const sums = (lcl) => `V1 ${crc32(lcl.maps.V1.bytes)} V2 ${crc32(lcl.maps.V2.bytes)}`;

const lcl = await Lcl.of(wasm);
lcl.open(model, SIDE, SIDE);
const first = lcl.look(image);
console.log(sums(lcl));
console.log(`kernels ${lcl.kernels()}`);

// The same image again is no event, another one is: half of it in the dark.
for (let frame = 1; frame < 30; frame++) assert.equal(lcl.look(image).isEvent, false);
const dark = image.map((byte, at) => (at % (3 * SIDE) < 1.5 * SIDE ? byte >> 3 : byte));
const event = lcl.look(dark);
assert.ok(event.isEvent && event.frame === 30 && event.bytes > 8 && event.x < 3, JSON.stringify(event));
assert.equal(first.frame, 0);

// What is wrong is refused, in the engine's words, and the engine is as it was.
function refuse(call, text) {
  assert.throws(call, (error) => {
    assert.ok(error instanceof LclError && text.test(error.message), `${error}`);
    return true;
  });
}
const fresh = await Lcl.of(wasm);
refuse(() => fresh.push(image.subarray(0, 288)), /no model is open/);
assert.equal(fresh.calls.lcl_finish(), 1);
assert.equal(fresh.calls.lcl_map(0) + fresh.calls.lcl_taps() + fresh.calls.lcl_filter(0), 0);
refuse(() => fresh.open(new Uint8Array(0), SIDE, SIDE), /truncated: it has 0 of/);
for (const len of [1, 15, 16, 100, 4096, model.length - 1]) {
  refuse(() => fresh.open(model.subarray(0, len), SIDE, SIDE), /truncated: it has \d+ of/);
}
const changed = (at, to) => {
  const bytes = Uint8Array.from(model);
  bytes[at] = to;
  return bytes;
};
refuse(() => fresh.open(changed(0, 0), SIDE, SIDE), /not a blob/);
refuse(() => fresh.open(changed(8, 200), SIDE, SIDE), /format version 200.*update the program/);
refuse(() => fresh.open(changed(model.length >> 1, model[model.length >> 1] ^ 1), SIDE, SIDE), /damaged: its CRC-32/);
refuse(() => fresh.open(model, 0, SIDE), /0/);
refuse(() => fresh.open(model, SIDE, 0), /0/);
for (const size of [1, 5, 0xffff, 0x7fffffff, 0xffffffff]) refuse(() => fresh.open(model, size, size), /\d/);
assert.equal(fresh.calls.lcl_model(0xfffffff0), 0);
assert.equal(fresh.calls.lcl_image(-1), 0);
fresh.open(model, SIDE, SIDE);
refuse(() => fresh.push(image.subarray(0, 287)), /288.*287/);
refuse(() => fresh.push(new Uint8Array(0)), /288.* 0/);
assert.equal(fresh.calls.lcl_push_row(0xffffffff, 0xffffffff), 1);
refuse(() => fresh.check(fresh.calls.lcl_finish()), /0 of 96|rows/);
refuse(() => fresh.look(new Uint8Array(7)), /27648.* 7/);
for (let y = 0; y < SIDE; y++) fresh.push(image.subarray(y * 288, (y + 1) * 288));
refuse(() => fresh.push(image.subarray(0, 288)), /finish/);
fresh.check(fresh.calls.lcl_finish());
assert.equal(sums(fresh), (lcl.look(image), sums(lcl)));
for (const number of [2, 99, 0xffffffff]) {
  assert.equal(fresh.calls.lcl_map(number) + fresh.calls.lcl_map_side(number, 0) + fresh.calls.lcl_map_side(0, 3), 0);
  assert.equal(fresh.calls.lcl_tap(number), 1);
  fresh.calls.lcl_event(number);
}

// Opening again and again takes no more memory.
const grown = () => fresh.calls.memory.buffer.byteLength;
fresh.open(model, SIDE, SIDE);
const before = grown();
for (let round = 0; round < 200; round++) fresh.open(model, SIDE, SIDE);
assert.equal(grown(), before, 'memory grows');

// Gratings have the colours of their orientation, degrees from the horizontal upwards.
const shipped = await Lcl.of(wasm);
shipped.open(here('../../../models/lcl-v2/lcl-v2.lcl'), SIDE, SIDE);
const orientation = new Orientation(shipped.filters());
for (let degrees = 0; degrees < 180; degrees += 15) {
  const angle = -degrees * Math.PI / 180;
  const grating = Uint8Array.from({ length: SIDE * SIDE * 3 }, (_, at) => {
    const [x, y] = [Math.floor(at / 3) % SIDE, Math.floor(at / 3 / SIDE)];
    return 128 + 90 * Math.sin(2 * Math.PI * (Math.cos(angle) * y - Math.sin(angle) * x) / 9);
  });
  shipped.look(grating);
  const { bytes, channels } = shipped.maps.V1;
  let [sumX, sumY] = [0, 0];
  for (let at = 0; at < bytes.length; at += channels) {
    const [x, y] = orientation.at(bytes, at).rise;
    [sumX, sumY] = [sumX + x, sumY + y];
  }
  const apart = (((-Math.atan2(sumY, sumX) * 90 / Math.PI - degrees) % 180) + 270) % 180 - 90;
  assert.ok(Math.abs(apart) < 15, `a grating of ${degrees} degrees is ${apart} away from its colour`);
}

const { instance } = await WebAssembly.instantiate(suite, {});
const { memory, suite: run, lcl_text, lcl_text_len } = instance.exports;
const failed = run(1, 64);
const text = new TextDecoder().decode(new Uint8Array(memory.buffer, lcl_text(), lcl_text_len()));
console.log(text.replace(/^/gm, 'suite '));
assert.equal(failed, 0, text);

const times = [];
for (let frame = 0; frame < 400; frame++) {
  const start = performance.now();
  lcl.look(image);
  times.push(performance.now() - start);
}
times.sort((a, b) => a - b);
console.log(`frame ${times[times.length >> 1].toFixed(3)} ms, least ${times[0].toFixed(3)} ms, V8 ${process.versions.v8}`);
