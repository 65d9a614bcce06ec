// The model as functions that call the API of `arzhang demo`.
//
// local.js exports the same functions; the page never knows which it has. Images come as ImageBitmap, sizes as the
// panel's; a blob is a PNG. The last argument, `{panel, signal}`, names the panel that asks and may abort the call.
// A refusal is an Error whose message is one sentence for the reader; an aborted call throws an AbortError.

const AT_ONCE = 4;  // more than a few waiting calls are turned away over there, so they wait here
const waiting = [];
let running = 0;

async function inTurn(signal, ask) {
  if (running < AT_ONCE) running++;
  else await new Promise(resolve => waiting.push(resolve));  // the turn of one that has ended is handed on
  try {
    signal?.throwIfAborted();
    return await ask();
  } finally {
    if (waiting.length) waiting.shift()();
    else running--;
  }
}

async function call(path, query = {}, {signal} = {}, post = null) {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== null);
  const request = {signal};
  if (post) {
    request.method = 'POST';
    request.body = post instanceof Blob ? post : JSON.stringify(post);
    request.headers = {'Content-Type': post instanceof Blob ? 'image/png' : 'application/json'};
  }
  const address = `api/${path}${given.length ? `?${new URLSearchParams(given)}` : ''}`;
  const answer = await inTurn(signal, () => fetch(address, request)).catch(error => {
    if (error.name === 'AbortError') throw error;
    throw new Error('The demo does not answer: start it again, then reload this page.');
  });
  if (answer.ok) return answer;
  const said = await answer.json().catch(() => ({}));
  throw new Error(said.error ?? `The demo answered with status ${answer.status}.`);
}

const json = async answer => (await answer).json();
const image = async answer => createImageBitmap(await (await answer).blob());

// One picture of several images below each other → the images.
async function images(answer, count) {
  const all = await image(answer);
  const height = all.height / count;
  return Promise.all(Array.from({length: count}, (_, i) => createImageBitmap(all, 0, i * height, all.width, height)));
}

export const about = (at = {}) => json(call('about', {}, at));

// The drawing's translation. direction: one of panel.directions.
export const translate = (blob, {seed = 0, dropout = true, direction} = {}, at = {}) =>
  image(call('translate', {panel: at.panel, seed, dropout: Number(dropout), direction}, at, blob));

// Input i of the validation part in this direction, 0 ≤ i < panel.maps.
export const map = (i, at = {}) => image(call(`maps/${i}`, {panel: at.panel, direction: at.direction}, at));

// latents: rows of as many numbers as the member has latents → as many images.
export const decode = (member, latents, at = {}) =>
  images(call('decode', {}, at, {panel: at.panel, member, latents}), latents.length);

// An image → {mean, scale, kl} of its posterior.
export const encode = (member, blob, at = {}) => json(call('encode', {panel: at.panel, member}, at, blob));

// The encoded test images on their first two principal axes: {points: [[x, y, label]…], centre, axes}.
export const projection = (member, at = {}) => json(call('projection', {panel: at.panel, member}, at));

// Test image i, 0 ≤ i < panel.examples.
export const example = (i, at = {}) => image(call(`examples/${i}`, {panel: at.panel}, at));

// Latents drawn from the prior, or from one component of it: {latents}.
export const sample = (member, {component = null, seed = 0, count = 1} = {}, at = {}) =>
  json(call('sample', {}, at, {panel: at.panel, member, component, seed, count}));

// For each of the classes (numbers; none: a GAN without classes) the images of the same noise, `count` of them: its rows of
// panel.latent numbers, or drawn from the seed.
export const generate = ({classes = [], seed = 0, count = 1, noise = null} = {}, at = {}) =>
  images(call('generate', {}, at, {panel: at.panel, classes, noise, seed, count}), count * Math.max(1, classes.length));

// {truth, estimators: {id: {mean, variance, standard_error, histogram: {edges, counts}, curve: {samples, variance}}}}
export const gradients = (options, at = {}) => json(call('gradients', {panel: at.panel}, at, options));
