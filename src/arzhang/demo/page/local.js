// The model as functions that run it in the browser itself, for `arzhang demo --build`: what remote.js asks a server, from the
// files beside this page. Which files those are: src/arzhang/demo/build.py.

import {generator} from './random.js';

const HOME = new URL('model/', import.meta.url);
const DRAWS = 64;  // samples of a KL that has no closed form
const worker = new Worker(new URL('engine.js', import.meta.url), {type: 'module'});

// --------------------------------------------------------------------------------------------------------- files, networks

const fetched = new Map();

async function file(path, read, signal) {
  const answer = await fetch(new URL(path, HOME), {signal}).catch(error => {
    if (error.name === 'AbortError') throw error;
    throw new Error('A file of this page could not be loaded: reload it.');
  });
  if (!answer.ok) throw new Error(`A file of this page is missing: model/${path}.`);
  return answer[read]();
}

// JSON of the build, once.
function json(path) {
  if (!fetched.has(path)) {
    const found = file(path, 'json');
    fetched.set(path, found);
    found.catch(() => fetched.delete(path));
  }
  return fetched.get(path);
}

async function panelOf(kind, {panel} = {}) {
  const {panels} = await json('about.json');
  return panels.find(one => (panel === undefined ? one.kind === kind : one.id === panel));
}

const folder = (panel, member = 'run') => `${panel.id}/${member}`;

// One call of a network after the other; one that was given up before its turn is not made.
const asked = new Map();
let calls = 0, last = Promise.resolve();

worker.onmessage = ({data: {id, made, error}}) => {
  const {resolve, reject} = asked.get(id);
  asked.delete(id);
  if (made) resolve(made);
  else reject(new Error(`The model could not be run in this browser: ${error}.`));
};
worker.onerror = event => {
  for (const {reject} of asked.values()) reject(new Error(`The model cannot run in this browser: ${event.message ?? 'no worker'}.`));
  asked.clear();
};

function run(where, name, given, signal) {
  const address = new URL(`${where}/${name}.onnx`, HOME).href;
  const mine = last.then(() => {
    signal?.throwIfAborted();
    return new Promise((resolve, reject) => {
      asked.set(++calls, {resolve, reject});
      worker.postMessage({id: calls, address, given});
    });
  }).then(made => {
    signal?.throwIfAborted();
    return made;
  });
  last = mine.catch(() => {});
  return mine;
}

const numbers = (data, ...shape) => ({type: 'float32', data: Float32Array.from(data), shape});

// ------------------------------------------------------------------------------------------------------------------ images

// A PNG as a network takes it: channels, rows and columns in [0, 1]. `labels`: colours are not mixed where it is resized.
async function seen(blob, [channels, height, width], labels = false) {
  const image = await createImageBitmap(blob, {colorSpaceConversion: 'none'});
  const context = new OffscreenCanvas(width, height).getContext('2d', {willReadFrequently: true});
  context.fillStyle = 'white';
  context.fillRect(0, 0, width, height);
  context.imageSmoothingEnabled = !labels;
  context.drawImage(image, 0, 0, width, height);
  const {data} = context.getImageData(0, 0, width, height), size = height * width;
  const values = new Float32Array(channels * size);
  for (let i = 0; i < size; i++) {
    const [r, g, b] = data.subarray(4 * i, 4 * i + 3);
    if (channels === 1) values[i] = ((r * 19595 + g * 38470 + b * 7471 + 0x8000) >> 16) / 255;  // ITU-R BT.601, as Pillow has it
    else [r, g, b].forEach((value, c) => { values[c * size + i] = value / 255; });
  }
  return numbers(values, 1, channels, height, width);
}

// A network's images as the page draws them.
const drawn = ({data, shape: [count, channels, height, width]}) => {
  const size = height * width;
  return Promise.all(Array.from({length: count}, (_, k) => {
    const image = new ImageData(width, height);
    for (let i = 0; i < size; i++) {
      for (let c = 0; c < 3; c++) image.data[4 * i + c] = Math.floor(data[(k * channels + (channels === 1 ? 0 : c)) * size + i] * 255 + 0.5);
      image.data[4 * i + 3] = 255;
    }
    return createImageBitmap(image);
  }));
};

const picture = async (path, signal) => createImageBitmap(await file(path, 'blob', signal));

// ------------------------------------------------------------------------------------------------------ what the page asks

export const about = () => json('about.json');

export async function translate(blob, {seed = 0, dropout, direction = 'ab'} = {}, at = {}) {
  const panel = await panelOf('translation', at);
  const told = await json(`${folder(panel)}/model.json`);
  const network = told.networks.find(({name}) => name === (direction === 'ab' ? 'generator' : 'inverse'));
  const [image, mask] = network.inputs;
  const labels = panel.sides[direction === 'ab' ? 0 : 1] === 'segmentation';
  const given = {images: await seen(blob, image.shape.slice(1), labels)};
  if (mask) {
    const on = dropout ?? told.evaluation.translate_has.dropout, draws = mask.shape[1];
    given.mask = numbers(on
      ? generator(seed, 'translate', 0).uniform(draws).map(luck => (luck >= Math.fround(mask.dropout) ? 1 / (1 - mask.dropout) : 0))
      : new Float32Array(draws).fill(mask.no_dropout), 1, draws);
  }
  const {made} = await run(folder(panel), network.name, given, at.signal);
  return (await drawn(made))[0];
}

export async function map(i, at = {}) {
  const panel = await panelOf('translation', at);
  return picture(`${panel.id}/maps/${at.direction ?? 'ab'}/${i}.png`, at.signal);
}

export async function decode(member, latents, at = {}) {
  const panel = await panelOf('vae', at);
  const given = {latents: numbers(latents.flat(), latents.length, latents[0].length)};
  return drawn((await run(folder(panel, member), 'decoder', given, at.signal)).images);
}

export async function encode(member, blob, at = {}) {
  const panel = await panelOf('vae', at);
  const {prior} = await json(`${folder(panel, member)}/model.json`);
  const image = await seen(blob, [panel.channels, panel.height, panel.width]);
  const code = await run(folder(panel, member), 'encoder', {images: image}, at.signal);
  const q = posterior(code);
  const likeliest = q.reduce((best, part) => (part.weight > best.weight ? part : best));
  return {mean: likeliest.mean, scale: likeliest.scale, kl: divergence(q, prior)};
}

export async function projection(member, at = {}) {
  return json(`${folder(await panelOf('vae', at), member)}/projection.json`);
}

export async function example(i, at = {}) {
  return picture(`${(await panelOf('vae', at)).id}/examples/${i}.png`, at.signal);
}

// Of one Gaussian the numbers that Python draws; which component of a mixture each sample is of, it draws in another way.
export async function sample(member, {component = null, seed = 0, count = 1} = {}, at = {}) {
  const panel = await panelOf('vae', at);
  const {prior} = await json(`${folder(panel, member)}/model.json`);
  const latent = panel.members.find(({id}) => id === member).latent;
  const luck = generator(seed, 'sample'), noise = luck.normal(count * latent);
  const latents = Array.from({length: count}, (_, k) => {
    const own = Array.from(noise.subarray(k * latent, (k + 1) * latent));
    if (!prior.means) return own;
    const which = component ?? among(prior.weights, luck.uniform(1)[0]);
    return own.map((value, i) => prior.means[which][i] + Math.sqrt(prior.variances[which][i]) * value);
  });
  return {latents};
}

export async function generate({classes = [], seed = 0, count = 1, noise = null} = {}, at = {}) {
  const panel = await panelOf('gan', at);
  const rows = noise ? noise.flat() : Array.from(generator(seed, 'sample').normal(count * panel.latent));
  const times = Math.max(1, classes.length), each = rows.length / panel.latent;
  const given = {noise: numbers(Array.from({length: times}, () => rows).flat(), times * each, panel.latent)};
  if (classes.length) {
    const labels = classes.flatMap(label => new Array(each).fill(BigInt(label)));
    given.classes = {type: 'int64', data: BigInt64Array.from(labels), shape: [labels.length]};
  }
  return drawn((await run(folder(panel), 'generator', given, at.signal)).images);
}

export async function gradients() {
  throw new Error('The estimators need Python: `arzhang demo` shows them.');
}

// --------------------------------------------------------------------------------------------------------- distributions

const among = (weights, luck) => {
  let sum = 0;
  return Math.max(0, weights.findIndex(weight => (sum += weight) > luck));
};

// The components of q(z|x): {weight, mean, scale}.
function posterior({mean, log_variance: spread, log_weights: weights}) {
  const parts = weights ? weights.shape[1] : 1, latent = mean.shape.at(-1);
  return Array.from({length: parts}, (_, k) => {
    const own = values => Array.from(values.data.subarray(k * latent, (k + 1) * latent));
    return {weight: weights ? Math.exp(weights.data[k]) : 1, mean: own(mean), scale: own(spread).map(value => Math.exp(value / 2))};
  });
}

const density = (z, mean, scale) => z.reduce((sum, value, i) => (
  sum - ((value - mean[i]) / scale[i]) ** 2 / 2 - Math.log(scale[i]) - Math.log(2 * Math.PI) / 2), 0);

function ofMixture(z, parts) {
  const terms = parts.map(({weight, mean, scale}) => Math.log(weight) + density(z, mean, scale)), most = Math.max(...terms);
  return most + Math.log(terms.reduce((sum, term) => sum + Math.exp(term - most), 0));
}

// KL(q ‖ prior) in nats: closed where both are one Gaussian, else over samples of each component of q.
function divergence(q, prior) {
  const latent = q[0].mean.length;
  if (q.length === 1 && !prior.means) {
    return q[0].mean.reduce((sum, mean, i) => sum + (mean ** 2 + q[0].scale[i] ** 2 - 1) / 2 - Math.log(q[0].scale[i]), 0);
  }
  const p = prior.means
    ? prior.means.map((mean, k) => ({weight: prior.weights[k], mean, scale: prior.variances[k].map(Math.sqrt)}))
    : [{weight: 1, mean: new Array(latent).fill(0), scale: new Array(latent).fill(1)}];
  const noise = generator(0, 'demo', 'kl').normal(DRAWS * q.length * latent);
  let sum = 0;
  for (let draw = 0; draw < DRAWS; draw++) {
    q.forEach(({weight, mean, scale}, m) => {
      const z = mean.map((value, i) => value + scale[i] * noise[(draw * q.length + m) * latent + i]);
      const own = q.length === 1 ? scale.reduce((total, each) => total - Math.log(each) - (1 + Math.log(2 * Math.PI)) / 2, 0) : ofMixture(z, q);
      sum += weight * (own - ofMixture(z, p));
    });
  }
  return sum / DRAWS;
}
