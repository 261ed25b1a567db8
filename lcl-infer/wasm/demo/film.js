// A film that is drawn: a meadow in the wind, and now and then something that passes.

const FRAMES_A_SECOND = 20;
const PASS_EVERY = 7 * FRAMES_A_SECOND;
const PASS_TAKES = 2 * FRAMES_A_SECOND;
const FIRST_PASS = 3 * FRAMES_A_SECOND;

// Numbers from 0 to 1 that are always the same.
function noise(number) {
  const value = Math.sin(number * 127.1 + 11.7) * 43758.5453;
  return value - Math.floor(value);
}

// Draws a frame onto a context of `side` pixels.
function drawFilm(context, side, frame) {
  const time = frame / FRAMES_A_SECOND;
  context.save();
  context.scale(side, side);
  const sky = context.createLinearGradient(0, 0, 0, 0.6);
  sky.addColorStop(0, '#6f9fc8');
  sky.addColorStop(1, '#d9e2dc');
  context.fillStyle = sky;
  context.fillRect(0, 0, 1, 1);
  hills(context, 0.46, 0.05, '#5c7a63', 1);
  hills(context, 0.54, 0.04, '#45623f', 5);
  trunk(context, 0.17, 0.02 * Math.sin(time * 0.9));
  trunk(context, 0.83, 0.015 * Math.sin(time * 0.8 + 2));
  const ground = context.createLinearGradient(0, 0.6, 0, 1);
  ground.addColorStop(0, '#5a7a37');
  ground.addColorStop(1, '#2f4a1f');
  context.fillStyle = ground;
  context.fillRect(0, 0.6, 1, 0.4);
  const pass = Math.floor((frame - FIRST_PASS) / PASS_EVERY);
  const at = (frame - FIRST_PASS - pass * PASS_EVERY) / PASS_TAKES;
  if (pass >= 0 && at < 1) visitor(context, pass, at);
  for (let blade = 0; blade < 130; blade++) grass(context, blade, time);
  context.restore();
}

function hills(context, height, rise, colour, seed) {
  context.fillStyle = colour;
  context.beginPath();
  context.moveTo(0, 1);
  for (let x = 0; x <= 1.001; x += 0.05) {
    context.lineTo(x, height - rise * Math.sin(x * 6 + seed) - 0.4 * rise * Math.sin(x * 17 + seed));
  }
  context.lineTo(1, 1);
  context.fill();
}

function trunk(context, x, sway) {
  context.strokeStyle = '#4a3826';
  context.lineWidth = 0.035;
  context.beginPath();
  context.moveTo(x, 0.68);
  context.quadraticCurveTo(x, 0.4, x + sway, 0.2);
  context.stroke();
  for (let leaf = 0; leaf < 26; leaf++) {
    const angle = noise(leaf + x * 100) * 6.3, far = 0.13 * Math.sqrt(noise(leaf * 3 + x * 50));
    context.fillStyle = leaf % 2 ? '#3f6b33' : '#6d9146';
    context.beginPath();
    const [cx, cy] = [x + sway + far * Math.cos(angle), 0.2 + far * Math.sin(angle) * 0.9];
    context.ellipse(cx, cy, 0.035, 0.015, angle + sway * 6, 0, 7);
    context.fill();
  }
}

function grass(context, blade, time) {
  const x = noise(blade), base = 0.66 + 0.36 * noise(blade + 500);
  const length = 0.08 + 0.1 * noise(blade + 900);
  const lean = (noise(blade + 70) - 0.5) * 0.12 + 0.012 * Math.sin(time * 1.7 + x * 5);
  context.strokeStyle = blade % 3 ? '#86a84e' : '#c7c072';
  context.lineWidth = 0.007;
  context.beginPath();
  context.moveTo(x, base);
  context.quadraticCurveTo(x, base - length * 0.6, x + lean, base - length);
  context.stroke();
}

// A bird, a ball or a striped fox, from one side to the other.
function visitor(context, pass, at) {
  const left = pass % 2 === 0;
  const x = left ? at * 1.5 - 0.25 : 1.25 - at * 1.5;
  context.save();
  if (pass % 3 === 0) {
    context.translate(x, 0.33 + 0.03 * Math.sin(at * 20));
    context.fillStyle = '#20242c';
    const flap = 0.1 * Math.sin(at * 40);
    for (const side of [-1, 1]) {
      context.beginPath();
      context.ellipse(side * 0.07, -Math.abs(flap) / 2, 0.09, 0.025, side * flap * 5, 0, 7);
      context.fill();
    }
  } else {
    const fox = pass % 3 === 1;
    context.translate(x, 0.7 - (fox ? 0.02 : 0.12) * Math.abs(Math.sin(at * 12)));
    if (!fox) context.rotate((left ? 1 : -1) * at * 14);
    context.beginPath();
    context.ellipse(0, 0, fox ? 0.16 : 0.11, fox ? 0.075 : 0.11, 0, 0, 7);
    context.clip();
    context.fillStyle = fox ? '#c86a24' : '#e9e4da';
    context.fillRect(-1, -1, 2, 2);
    context.fillStyle = fox ? '#5b2c12' : '#b3271e';
    for (let stripe = -4; stripe < 5; stripe++) context.fillRect(stripe * 0.06, -1, 0.03, 2);
  }
  context.restore();
}
