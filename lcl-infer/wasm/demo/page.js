// The page: a film or a camera, the engine, and what it gives.

const data = JSON.parse(document.getElementById('data').textContent);
const decoded = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
const element = (id) => document.getElementById(id);
const dark = matchMedia('(prefers-color-scheme: dark)');

// Frames whose scores are drawn, and events that are listed.
const SHOWN_SCORES = 240;
const SHOWN_EVENTS = 8;
// Frames of which the median time is shown, and frames for which a cell stays marked.
const TIMED = 40;
const MARKED = 12;
// A score of the watcher that is an event.
const THRESHOLD = 3;

class Demo {
  constructor(lcl) {
    this.lcl = lcl;
    this.model = decoded(data.model);
    this.name = data.name;
    this.side = 96;
    this.paused = matchMedia('(prefers-reduced-motion: reduce)').matches;
    this.source = document.createElement('canvas');
    this.context = this.source.getContext('2d', { willReadFrequently: true });
    this.video = null;
    this.bind();
    this.open();
  }

  bind() {
    element('pause').onclick = () => { this.paused = !this.paused; this.controls(); };
    element('film').onclick = () => this.use(null);
    element('camera').onclick = () => this.camera();
    for (const button of document.querySelectorAll('[data-side]')) {
      button.onclick = () => { this.side = Number(button.dataset.side); this.open(); };
    }
    element('file').onchange = async ({ target }) => {
      const [file] = target.files;
      target.value = '';
      if (!file) return;
      const kept = [this.model, this.name];
      this.model = new Uint8Array(await file.arrayBuffer());
      this.name = file.name;
      // A model that is refused leaves the one before.
      if (!this.open()) {
        const why = element('note').textContent;
        [this.model, this.name] = kept;
        this.open();
        say(why);
      }
    };
  }

  // Opens the model for the side that is set; what is refused stands in the page.
  open() {
    say('');
    try {
      this.lcl.open(this.model, this.side, this.side);
      if (!this.lcl.maps.V1 || !this.lcl.maps.V2) {
        throw new LclError('the page draws V1 and V2, and the model does not have both');
      }
    } catch (error) {
      this.ready = false;
      this.controls();
      say(`${this.name} at ${this.side}×${this.side}: ${error.message}`);
      return false;
    }
    this.ready = true;
    this.source.width = this.source.height = this.side;
    this.orientation = new Orientation(this.lcl.filters());
    this.components = new Components(this.lcl.maps.V2.channels);
    // The film's first look is before the watcher's.
    if (!this.video) {
      for (let frame = 0; frame < SOLVE_AFTER[1]; frame++) {
        drawFilm(this.context, this.side, frame * 11);
        this.lcl.look(this.image());
        this.orientation.add(this.lcl.maps.V1);
        this.components.add(this.lcl.maps.V2);
      }
      this.lcl.open(this.model, this.side, this.side);
    }
    [this.frame, this.events, this.bytes] = [0, 0, 0];
    [this.times, this.scores, this.marks] = [[], [], []];
    element('log').replaceChildren(item('none', 'None yet: the watcher is learning what is usual.'));
    this.controls();
    this.step();
    return true;
  }

  controls() {
    const camera = this.video !== null;
    element('film').setAttribute('aria-pressed', !camera);
    element('camera').setAttribute('aria-pressed', camera);
    element('pause').textContent = this.paused ? 'Go on' : 'Pause';
    for (const button of document.querySelectorAll('[data-side]')) {
      button.setAttribute('aria-pressed', Number(button.dataset.side) === this.side);
    }
    const size = ({ width, height, channels }) => `${width}×${height}×${channels}`;
    const { V1, V2 } = this.lcl.maps;
    element('image-size').textContent = `${this.side}×${this.side}`;
    element('v1-size').textContent = V1 ? size(V1) : '';
    element('v2-size').textContent = V2 ? size(V2) : '';
    element('kernels').textContent = `kernels ${this.lcl.kernels()}`;
    const insns = this.name === data.name ? data.instructions[this.side] : undefined;
    element('insns').textContent = insns ? `${(insns / 1e6).toFixed(1)} M` : '–';
    element('insns-of').textContent = insns
      ? `instructions: ${(insns / 168e6).toFixed(2)} s at 168 MHz, one each cycle`
      : 'not counted for this model or side';
    element('made').textContent = `Made by \`${data.command}\` with ${data.name} (${kilobytes(data.model.length * 3 / 4)} kB) `
      + `and ${kilobytes(data.wasm.length * 3 / 4)} kB of WebAssembly, ${data.compiler}. It needs no network.`;
  }

  // Takes a video, or the film for null.
  use(video) {
    this.video?.srcObject?.getTracks().forEach((track) => track.stop());
    this.video = video;
    this.open();
  }

  async camera() {
    try {
      if (!navigator.mediaDevices?.getUserMedia) throw new Error('this browser gives pages from disk no camera');
      const wanted = { video: { facingMode: 'environment', width: { ideal: 640 } } };
      const stream = await navigator.mediaDevices.getUserMedia(wanted);
      const video = document.createElement('video');
      [video.srcObject, video.muted, video.playsInline] = [stream, true, true];
      await video.play();
      this.use(video);
    } catch (error) {
      const why = REFUSED[error.name] ?? error.message;
      if (this.video) this.use(null);
      say(`No camera: ${why}. The film plays.`);
    }
  }

  // The bytes of what is on the canvas, as the model takes them.
  image() {
    const { data: pixels } = this.context.getImageData(0, 0, this.side, this.side);
    const grey = this.lcl.rowLen === this.side;
    const image = new Uint8Array(this.side * this.lcl.rowLen);
    for (let from = 0, to = 0; from < pixels.length; from += 4) {
      if (grey) {
        image[to++] = (77 * pixels[from] + 150 * pixels[from + 1] + 29 * pixels[from + 2] + 128) >> 8;
      } else {
        image[to++] = pixels[from];
        image[to++] = pixels[from + 1];
        image[to++] = pixels[from + 2];
      }
    }
    return image;
  }

  // One frame, from the source to the page.
  step() {
    if (!this.ready) return;
    if (this.video) {
      const { videoWidth: width, videoHeight: height } = this.video;
      const part = Math.min(width, height);
      this.context.drawImage(this.video, (width - part) / 2, (height - part) / 2, part, part, 0, 0, this.side, this.side);
    } else {
      drawFilm(this.context, this.side, this.frame);
    }
    const image = this.image();
    const start = performance.now();
    let event;
    try {
      event = this.lcl.look(image);
    } catch (error) {
      this.ready = false;
      say(error.message);
      return;
    }
    this.times = [...this.times, performance.now() - start].slice(-TIMED);
    this.orientation.add(this.lcl.maps.V1);
    this.components.add(this.lcl.maps.V2);
    this.frame++;
    this.scores = [...this.scores, event].slice(-SHOWN_SCORES);
    if (event.isEvent) this.happened(event);
    this.draw();
  }

  happened(event) {
    this.events++;
    this.bytes += event.bytes;
    this.marks.push({ ...event, until: this.frame + MARKED });
    const log = element('log');
    if (this.events === 1) log.replaceChildren();
    const changes = event.changes.map(({ channel, change }) => `${channel} ${change > 0 ? '+' : '−'}${Math.abs(change)}`);
    const line = item('', '');
    const score = document.createElement('b');
    score.textContent = `${event.score.toFixed(1)}× usual`;
    const rest = document.createElement('span');
    rest.textContent = `frame ${event.frame} · cell ${event.x}, ${event.y} · channels ${changes.join(', ')} · ${event.bytes} bytes`;
    line.append(score, rest);
    log.prepend(line);
    while (log.children.length > SHOWN_EVENTS) log.lastChild.remove();
  }

  draw() {
    const { V1, V2 } = this.lcl.maps;
    this.drawImage(V2);
    paint(element('v1'), V1, (pixels) => this.orientation.paint(V1, pixels));
    paint(element('v2'), V2, (pixels) => this.components.paint(V2, pixels));
    drawScores(this.scores);
    const median = [...this.times].sort((a, b) => a - b)[this.times.length >> 1];
    element('ms').textContent = `${median.toFixed(1)} ms`;
    element('frames').textContent = this.frame.toLocaleString('en');
    element('raw').textContent = `${kilobytes(this.frame * this.side * this.lcl.rowLen)} kB of pixels`;
    element('events').textContent = this.events.toLocaleString('en');
    element('sent').textContent = `${this.bytes.toLocaleString('en')} bytes would leave the chip`;
  }

  drawImage(map) {
    const canvas = element('image');
    const scale = Math.max(1, Math.ceil(448 / this.side));
    canvas.width = canvas.height = this.side * scale;
    const context = canvas.getContext('2d');
    context.imageSmoothingEnabled = false;
    context.drawImage(this.source, 0, 0, canvas.width, canvas.height);
    // The cells of the watcher: at most 8 along the longer side.
    const longer = Math.max(map.width, map.height);
    const cell = Math.min(16, Math.ceil(longer / 8));
    const [width, height] = [canvas.width * cell / map.width, canvas.height * cell / map.height];
    this.marks = this.marks.filter((mark) => mark.until > this.frame);
    for (const mark of this.marks) {
      context.globalAlpha = (mark.until - this.frame) / MARKED;
      context.strokeStyle = '#ff7a1a';
      context.lineWidth = 5;
      context.strokeRect(mark.x * width + 3, mark.y * height + 3,
        Math.min(width, canvas.width - mark.x * width) - 6, Math.min(height, canvas.height - mark.y * height) - 6);
    }
    context.globalAlpha = 1;
  }
}

const REFUSED = {
  NotAllowedError: 'it was refused to this page',
  NotFoundError: 'there is none',
  NotReadableError: 'another program has it',
  SecurityError: 'the browser allows none on this page',
};

const kilobytes = (bytes) => Math.round(bytes / 1000).toLocaleString('en');

function say(text) {
  element('note').textContent = text;
  element('note').hidden = text === '';
}

function item(name, text) {
  const line = document.createElement('li');
  line.className = name;
  line.textContent = text;
  return line;
}

function paint(canvas, { width, height }, fill) {
  if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
  const context = canvas.getContext('2d');
  const image = context.createImageData(width, height);
  fill(image.data);
  context.putImageData(image, 0, 0);
}

function drawScores(scores) {
  const canvas = element('scores');
  const ratio = devicePixelRatio || 1;
  const [width, height] = [canvas.clientWidth * ratio, canvas.clientHeight * ratio];
  [canvas.width, canvas.height] = [width, height];
  const context = canvas.getContext('2d');
  const style = getComputedStyle(document.documentElement);
  const of = (name) => style.getPropertyValue(name).trim();
  // Six times what is usual is as high as it gets.
  const y = (score) => height - Math.min(1, score / 6) * (height - 2 * ratio) - ratio;
  const step = width / SHOWN_SCORES;
  scores.forEach(({ score, isEvent }, at) => {
    context.fillStyle = of(isEvent ? '--event' : '--mark');
    context.fillRect(at * step, y(score), Math.max(1, step - ratio / 2), height - y(score));
  });
  context.strokeStyle = of('--soft');
  context.setLineDash([4 * ratio, 4 * ratio]);
  context.lineWidth = ratio;
  context.beginPath();
  context.moveTo(0, y(THRESHOLD));
  context.lineTo(width, y(THRESHOLD));
  context.stroke();
}

// A line in the colour of its orientation, for every 15 degrees.
function drawWheel() {
  const canvas = element('wheel');
  [canvas.width, canvas.height] = [192, 96];
  const context = canvas.getContext('2d');
  context.lineWidth = 9;
  context.lineCap = 'round';
  for (let degrees = 0; degrees < 180; degrees += 15) {
    const angle = -degrees * Math.PI / 180;
    const [x, y] = [Math.cos(angle), Math.sin(angle)];
    context.strokeStyle = `rgb(${colour(turns(angle), 1, dark.matches ? 1 : 0.8).map(Math.round)})`;
    context.beginPath();
    context.moveTo(96 + 34 * x, 86 + 34 * y);
    context.lineTo(96 + 82 * x, 86 + 82 * y);
    context.stroke();
  }
}

async function start() {
  if (typeof WebAssembly !== 'object') {
    say('This browser has no WebAssembly.');
    return;
  }
  let lcl;
  try {
    lcl = await Lcl.of(decoded(data.wasm));
  } catch (error) {
    say(`This browser does not run WebAssembly's vectors: ${error.message}`);
    return;
  }
  drawWheel();
  const demo = new Demo(lcl);
  globalThis.demo = demo;
  let last = 0;
  const next = (now) => {
    if (!demo.paused && now - last >= 1000 / FRAMES_A_SECOND - 4) {
      last = now;
      demo.step();
    }
    requestAnimationFrame(next);
  };
  requestAnimationFrame(next);
}

start();
