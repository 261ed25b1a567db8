// From bytes of features to colours.

// The orientation of each filter of V1, in radians along its bars with y downwards, and its weight,
// 0 to 1: how oriented and how colourless it is.
function orientations({ side, channels, filters }) {
  return filters.map((filter) => {
    const grey = new Float64Array(side * side);
    let [all, luminance] = [0, 0];
    for (let at = 0; at < grey.length; at++) {
      for (let c = 0; c < channels; c++) {
        grey[at] += filter[at * channels + c] / channels;
        all += filter[at * channels + c] ** 2 / channels;
      }
      luminance += grey[at] ** 2;
    }
    const at = (y, x) => (y < 0 || x < 0 || y >= side || x >= side ? 0 : grey[y * side + x]);
    let [xx, xy, yy] = [0, 0, 0];
    for (let y = 0; y < side; y++) {
      for (let x = 0; x < side; x++) {
        const [dx, dy] = [at(y, x + 1) - at(y, x - 1), at(y + 1, x) - at(y - 1, x)];
        xx += dx * dx;
        xy += dx * dy;
        yy += dy * dy;
      }
    }
    const coherence = Math.hypot(xx - yy, 2 * xy) / (xx + yy || 1);
    const angle = Math.atan2(2 * xy, xx - yy) / 2 + Math.PI / 2;
    return { angle, weight: coherence * (luminance / (all || 1)) };
  });
}

// Red, green and blue, 0 to 255, of a hue in turns, a saturation and a value.
function colour(hue, saturation, value) {
  const part = (n) => {
    const k = (n + hue * 6) % 6;
    return 255 * value * (1 - saturation * Math.max(0, Math.min(k, 4 - k, 1)));
  };
  return [part(5), part(3), part(1)];
}

const turns = (angle) => ((angle / Math.PI) % 1 + 1) % 1;

// How much the mean of a unit follows a frame, after the first ones.
const FOLLOWS = 0.03;

// Colours of orientation of V1: of the plane through the units' responses over their orientations,
// as double angles, by least squares, the direction in which it rises. A plain mean would favour the
// orientations that more units have.
class Orientation {
  constructor(filters) {
    this.units = orientations(filters).map(({ angle, weight }) => [Math.cos(2 * angle), Math.sin(2 * angle), weight]);
    const all = (of) => this.units.reduce((sum, unit) => sum + unit[2] * of(unit), 0);
    this.weight = all(() => 1) || 1;
    this.mean = [all(([x]) => x) / this.weight, all(([, y]) => y) / this.weight];
    const [mx, my] = this.mean;
    const [xx, xy, yy] = [all(([x]) => (x - mx) ** 2), all(([x, y]) => (x - mx) * (y - my)), all(([, y]) => (y - my) ** 2)];
    const area = xx * yy - xy * xy || 1;
    this.inverse = [yy / area, -xy / area, xx / area];
    this.usual = new Float64Array(this.units.length);
    this.spread = new Float64Array(this.units.length);
    this.frames = 0;
    this.largest = 1;
  }

  add({ bytes, channels }) {
    const locations = bytes.length / channels;
    const step = Math.max(FOLLOWS, 1 / ++this.frames);
    for (let c = 0; c < channels; c++) {
      let [sum, squares] = [0, 0];
      for (let at = c; at < bytes.length; at += channels) {
        sum += bytes[at];
        squares += bytes[at] ** 2;
      }
      const mean = sum / locations;
      this.usual[c] += step * (mean - this.usual[c]);
      this.spread[c] += step * (Math.sqrt(Math.max(0, squares / locations - mean ** 2)) - this.spread[c]);
    }
  }

  // The mean response of a location, and the rise of the plane.
  at(bytes, at) {
    const [mx, my] = this.mean;
    let [x, y, sum] = [0, 0, 0];
    this.units.forEach(([ux, uy, weight], c) => {
      const more = weight * Math.max(0, bytes[at + c] - this.usual[c]) / (this.spread[c] + 4);
      x += more * (ux - mx);
      y += more * (uy - my);
      sum += more;
    });
    const [xx, xy, yy] = this.inverse;
    return { response: sum / this.weight, rise: [xx * x + xy * y, xy * x + yy * y] };
  }

  paint({ bytes, channels }, pixels) {
    let largest = 1e-6;
    const vectors = [];
    for (let at = 0; at < bytes.length; at += channels) {
      const { response, rise } = this.at(bytes, at);
      largest = Math.max(largest, response);
      vectors.push([...rise, response]);
    }
    // Brightness follows slowly, so that it does not flicker.
    this.largest += (largest - this.largest) * (largest > this.largest ? 0.5 : 0.05);
    vectors.forEach(([x, y, response], at) => {
      const saturation = Math.min(1, Math.hypot(x, y) / (response || 1));
      const value = Math.min(1, 1.2 * response / this.largest) ** 0.6;
      pixels.set([...colour(turns(Math.atan2(y, x) / 2), saturation, value), 255], 4 * at);
    });
  }
}

// Locations of a frame that the components are computed from, at most.
const SAMPLES = 36;
// Frames after which they are computed anew.
const SOLVE_AFTER = [6, 24, 80, 240];

// The three main components of V2 over the frames so far.
class Components {
  constructor(channels) {
    this.channels = channels;
    this.frames = this.count = 0;
    this.sum = new Float64Array(channels);
    this.products = new Float64Array(channels * channels);
    this.axes = Array.from({ length: 3 }, (_, axis) =>
      Float64Array.from({ length: channels }, (_, c) => noise(c + 1000 * axis) - 0.5));
    this.mean = new Float64Array(channels);
    this.deviations = [1, 1, 1];
  }

  add({ bytes }) {
    if (this.frames >= SOLVE_AFTER.at(-1)) return;
    const { channels, sum, products } = this;
    const locations = bytes.length / channels;
    const step = Math.max(1, Math.floor(locations / SAMPLES));
    for (let location = this.frames % step; location < locations; location += step) {
      const at = location * channels;
      for (let c = 0; c < channels; c++) {
        const value = bytes[at + c];
        if (value === 0) continue;
        sum[c] += value;
        for (let d = 0; d < channels; d++) products[c * channels + d] += value * bytes[at + d];
      }
      this.count++;
    }
    this.frames++;
    if (SOLVE_AFTER.includes(this.frames)) this.solve();
  }

  // Powers of the covariance turn any three axes into the main ones.
  solve() {
    const { channels, count, sum, products } = this;
    this.mean = sum.map((value) => value / count);
    const times = (axis) => Float64Array.from({ length: channels }, (_, c) => {
      let total = 0, along = 0;
      for (let d = 0; d < channels; d++) {
        total += products[c * channels + d] * axis[d];
        along += this.mean[d] * axis[d];
      }
      return total / count - this.mean[c] * along;
    });
    for (let round = 0; round < 40; round++) {
      this.axes = this.axes.map(times);
      this.axes.forEach((axis, at) => {
        for (const other of this.axes.slice(0, at)) {
          const along = axis.reduce((total, value, c) => total + value * other[c], 0);
          axis.forEach((_, c) => { axis[c] -= along * other[c]; });
        }
        const length = Math.hypot(...axis) || 1;
        this.deviations[at] = Math.sqrt(length) || 1;
        axis.forEach((_, c) => { axis[c] /= length; });
      });
    }
  }

  paint({ bytes }, pixels) {
    const { channels, mean, axes, deviations } = this;
    for (let at = 0, pixel = 0; at < bytes.length; at += channels, pixel += 4) {
      axes.forEach((axis, part) => {
        let along = 0;
        for (let c = 0; c < channels; c++) along += (bytes[at + c] - mean[c]) * axis[c];
        pixels[pixel + part] = 128 + 60 * along / deviations[part];
      });
      pixels[pixel + 3] = 255;
    }
  }
}
