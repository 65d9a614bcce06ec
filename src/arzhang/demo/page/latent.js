// The latent space of a VAE by hand: a pad, sliders, a walk between two images, an own drawing, samples; and the same
// latents through every model of a sweep.

import {blob, button, choice, draw, element, number, picture, seeding, select, slider, status} from './dom.js';
import {live} from './live.js';
import {pad} from './pad.js';
import {Editor, colours, greys, help} from './paint.js';

const UNITS = 8;  // sliders at most: the most active units
const REACH = 3;  // of the sliders and of the pad over two units, in the prior's standard deviations
const STEPS = 9;  // images of a walk, its two ends included
const SAMPLES = 24;

const rounded = value => (Math.abs(value) < 0.005 ? 0 : value).toFixed(2).replace('-', '−');
const card = (name, ...inside) => element('section', {class: 'card', 'aria-label': name}, element('h3', {}, name), inside);

// Small pictures in a row or grid; `chosen(i)` makes them buttons.
function strip(count, panel, label, chosen) {
  const pictures = Array.from({length: count}, (_, i) => picture(panel.height, panel.width, label(i)));
  const list = element('div', {class: 'strip'}, chosen
    ? pictures.map((each, i) => element('button', {type: 'button', class: 'image', title: label(i), onclick: () => chosen(i)}, each))
    : pictures.map((each, i) => element('figure', {}, each, element('figcaption', {}, label(i)))));
  list.put = images => images.forEach((image, i) => draw(pictures[i], image));
  return list;
}

export async function mount(place, panel, model) {
  const at = signal => ({panel: panel.id, signal});
  const members = panel.members, several = members.length > 1;
  let member = members[0];
  let z = new Array(member.latent).fill(0);
  const followers = [];  // what is asked for again when another member is chosen

  // ------------------------------------------------------------------------------------------------ z, and what it decodes to
  const line = status();
  const large = picture(panel.height, panel.width, 'The decoded image');
  let peers = [], every = null;  // the members that have as many latents as this one
  const compared = element('div', {class: 'compared'});
  const decoded = live(async signal => {
    const now = [...z], one = member, all = peers;
    const images = await Promise.all([...new Set([one, ...all])].map(async each => (
      [each, (await model.decode(each.id, [now], at(signal)))[0]])));
    const found = new Map(images);
    return [found.get(one), all.map(each => found.get(each))];
  }, ([image, all]) => {
    draw(large, image);
    every?.put(all);
  }, line, large);

  let sliders = new Map();
  const units = element('div', {class: 'units'});
  const held = value => Math.max(-REACH - 1, Math.min(REACH + 1, value));
  function moved(now = false) {
    for (const [unit, each] of sliders) each.put(held(z[unit]));
    space.follow();
    decoded(now);
  }
  const put = values => { z.splice(0, z.length, ...values); moved(true); };
  const space = pad({reach: REACH, names: panel.classes, moved: () => moved()});
  const projected = panel.examples ? live(signal => model.projection(member.id, at(signal)), found => space.project(found), space.line, space) : null;

  // Another member: other units are active, and its latents may be more or fewer.
  function use(id) {
    member = members.find(each => each.id === id);
    if (z.length !== member.latent) z = new Array(member.latent).fill(0);
    peers = members.filter(each => each.latent === member.latent);
    every = peers.length > 1 ? strip(peers.length, panel, i => peers[i].label) : null;
    compared.replaceChildren(...(every ? [element('p', {class: 'note'}, 'The same latents in every model'), every] : []));
    sliders = new Map(member.active.slice(0, UNITS).map(({unit, kl}) => [unit, slider(`Unit ${unit}`, {
      min: -REACH - 1, max: REACH + 1, step: 0.01, value: held(z[unit]), show: rounded,
      title: kl === null ? null : `Unit ${unit}: ${kl.toPrecision(2)} nats of KL on average`,
    }, value => { z[unit] = value; space.follow(); decoded(); })]));
    units.replaceChildren(
      element('p', {class: 'note'}, `${sliders.size} of ${member.latent} units${panel.examples ? ', the most active first' : ''}`),
      ...sliders.values(),
      element('span', {class: 'buttons'},
        button('Origin', () => put(z.map(() => 0))),
        button('Anywhere', async () => {
          try {
            put((await model.sample(member.id, {seed: Math.floor(Math.random() * 1e6), count: 1}, at())).latents[0]);
          } catch (error) { line.wrong(error); }
        })));
    space.take(z, member.active.map(({unit}) => unit));
    components();
    projected?.(true);
    decoded(true);
    followers.forEach(ask => ask());
  }

  const walk = card('Move in the latent space',
    element('div', {class: 'walk'}, space, element('figure', {class: 'now'}, element('div', {class: 'stage'}, large), line), units, compared));

  // ------------------------------------------------------------------------------------------------- between two test images
  const ends = [0, Math.min(1, panel.examples - 1)];
  const shownEnds = ends.map((_, i) => picture(panel.height, panel.width, `Test image ${'AB'[i]}`));
  const path = [];
  const between = strip(STEPS, panel, i => `${Math.round(100 * i / (STEPS - 1))} % of the way; show it above`, i => path[i] && put(path[i]));
  const wayLine = status();
  const way = live(async signal => {
    const images = await Promise.all(ends.map(i => model.example(i, at(signal))));
    images.forEach((image, i) => draw(shownEnds[i], image));
    const blobs = await Promise.all(shownEnds.map(blob));
    const [a, b] = await Promise.all(blobs.map(one => model.encode(member.id, one, at(signal))));
    const latents = Array.from({length: STEPS}, (_, k) => a.mean.map((from, i) => from + (b.mean[i] - from) * k / (STEPS - 1)));
    return [latents, await model.decode(member.id, latents, at(signal))];
  }, ([latents, images]) => {
    path.splice(0, path.length, ...latents);
    between.put(images);
  }, wayLine, between);
  if (panel.examples) followers.push(() => way(true));
  const interpolation = panel.examples ? card('Between two test images',
    element('div', {class: 'ends'}, ends.map((_, i) => element('div', {class: 'end'}, shownEnds[i],
      number(`Image ${'AB'[i]}`, {min: 0, max: panel.examples - 1, value: ends[i]}, value => { ends[i] = value; way(true); }),
      button('Another', event => {
        event.target.closest('.end').querySelector('.number').put(Math.floor(Math.random() * panel.examples));
      }, {'aria-label': `Another image ${'AB'[i]}`})))),
    between, wayLine) : null;

  // ------------------------------------------------------------------------------------------------------------- own drawing
  const rebuilt = strip(members.length, panel, i => (several ? members[i].label : 'Reconstruction'));
  const captions = [...rebuilt.querySelectorAll('figcaption')];
  const codeLine = status();
  let posteriors = null;
  const code = live(async signal => {
    const drawing = await editor.blob();
    const found = await Promise.all(members.map(({id}) => model.encode(id, drawing, at(signal))));
    const images = await Promise.all(members.map(({id}, i) => model.decode(id, [found[i].mean], at(signal))));
    return [found, images.map(([image]) => image)];
  }, ([found, images]) => {
    rebuilt.put(images);
    posteriors = found;
    captions.forEach((caption, i) => {
      caption.textContent = `${several ? `${members[i].label} · ` : ''}KL ${found[i].kl.toFixed(1)}`;
    });
  }, codeLine, rebuilt);
  const editor = new Editor({
    height: panel.height, width: panel.width, palette: panel.channels === 1 ? greys : colours, snapped: false, name: 'Your drawing',
    changed: done => code(done), paper: 0, ink: 4, size: Math.max(1, Math.round(panel.height / 10)),
  });
  const load = async (i, first = false) => {
    try { editor.put(await model.example(i, at()), {first}); } catch (error) { editor.line.wrong(error); }
  };
  if (panel.examples) editor.sources.prepend(button('A test image', () => load(Math.floor(Math.random() * panel.examples))));
  const own = card('Your drawing, encoded and reconstructed',
    element('div', {class: 'own'},
      element('div', {class: 'drawing'}, editor.tools, element('div', {class: 'small'}, editor.stage, editor.inkChoice),
        editor.sources, editor.line),
      element('div', {class: 'rebuilt'}, element('p', {class: 'note'}, `Reconstructed${several ? ' by every model' : ''}; the KL from the prior in nats`),
        rebuilt, button('Show its latents above', () => posteriors && put(posteriors[members.indexOf(member)].mean)), codeLine)),
    help());

  // ----------------------------------------------------------------------------------------------------------------- samples
  const drawn = {component: null, seed: 0, count: SAMPLES};
  let latents = [];
  const grid = strip(SAMPLES, panel, i => `Sample ${i + 1}; show it above`, i => latents[i] && put(latents[i]));
  grid.classList.add('many');
  const sampleLine = status();
  const samples = live(async signal => {
    const made = await model.sample(member.id, drawn, at(signal));
    return [made.latents, await model.decode(member.id, made.latents, at(signal))];
  }, ([made, images]) => { latents = made; grid.put(images); }, sampleLine, grid);
  followers.push(() => samples(true));
  const sampling = element('div', {class: 'tools'});
  function components() {
    drawn.component = null;
    const all = [{id: '', label: 'the whole prior'}, ...Array.from({length: member.components}, (_, i) => (
      {id: String(i), label: `component ${i + 1}`}))];
    from.replaceChildren(...(member.components > 1 ? [select('From', all, '', id => {
      drawn.component = id === '' ? null : Number(id);
      samples(true);
    })] : []));
  }
  const from = element('span');
  sampling.append(from, seeding('Seed', 0, seed => { drawn.seed = seed; samples(true); }));

  place.append(
    several ? choice('Model', members, member.id, use, {kind: 'segments members'}) : '',
    walk, interpolation ?? '', own, card('Samples of the prior', sampling, grid, sampleLine));
  use(member.id);
  if (panel.examples) await load(0, true);
  else code(true);
}
