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
  const units = panel.active.map(({unit}) => unit);
  const z = new Array(panel.latent).fill(0);
  let member = members[0].id;
  const followers = [];  // what is asked for again when another member is chosen

  // ------------------------------------------------------------------------------------------------ z, and what it decodes to
  const line = status();
  const large = picture(panel.height, panel.width, 'The decoded image');
  const every = several ? strip(members.length, panel, i => members[i].label) : null;
  const decoded = live(async signal => {
    const now = [...z];
    const one = model.decode(member, [now], at(signal));
    const all = every && (await Promise.all(members.map(({id}) => (id === member ? one : model.decode(id, [now], at(signal))))));
    return [(await one)[0], all?.map(([image]) => image)];
  }, ([image, all]) => {
    draw(large, image);
    if (all) every.put(all);
    large.dataset.shown = Number(large.dataset.shown ?? 0) + 1;
  }, line);

  function moved(now = false) {
    sliders.forEach((each, i) => each.put(Math.max(-REACH - 1, Math.min(REACH + 1, z[units[i]]))));
    space.follow();
    decoded(now);
  }
  const put = values => { values.forEach((value, i) => { z[i] = value; }); moved(true); };

  const sliders = panel.active.slice(0, UNITS).map(({unit, kl}) => slider(`Unit ${unit}`, {
    min: -REACH - 1, max: REACH + 1, step: 0.01, value: 0, show: rounded, title: `Unit ${unit}: ${kl.toPrecision(2)} nats of KL on average`,
  }, value => { z[unit] = value; space.follow(); decoded(); }));

  // ----------------------------------------------------------------------------------------------------------------- the pad
  const space = pad({z, units, reach: REACH, moved: () => moved()});
  const projected = live(signal => model.projection(member, at(signal)), found => space.project(found), space.line);
  followers.push(() => { projected(true); decoded(true); });

  const walk = card('Move in the latent space',
    element('div', {class: 'walk'},
      space,
      element('figure', {class: 'now'}, element('div', {class: 'stage'}, large), line),
      element('div', {class: 'units'},
        element('p', {class: 'note'}, `The ${sliders.length} most active of ${panel.latent} units`),
        sliders,
        element('span', {class: 'buttons'},
          button('Origin', () => put(z.map(() => 0))),
          button('Anywhere', async () => {
            try {
              put((await model.sample(member, {seed: Math.floor(Math.random() * 1e6), count: 1}, at())).latents[0]);
            } catch (error) { line.wrong(error); }
          })))),
    every && element('div', {class: 'compared'}, element('p', {class: 'note'}, 'The same latents in every model'), every));

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
    const [a, b] = await Promise.all(blobs.map(one => model.encode(member, one, at(signal))));
    const latents = Array.from({length: STEPS}, (_, k) => a.mean.map((from, i) => from + (b.mean[i] - from) * k / (STEPS - 1)));
    return [latents, await model.decode(member, latents, at(signal))];
  }, ([latents, images]) => {
    path.splice(0, path.length, ...latents);
    between.put(images);
  }, wayLine);
  followers.push(() => way(true));
  const interpolation = panel.examples ? card('Between two test images',
    element('div', {class: 'ends'}, ends.map((_, i) => element('div', {class: 'end'}, shownEnds[i],
      number(`Image ${'AB'[i]}`, {min: 0, max: panel.examples - 1, value: ends[i]}, value => { ends[i] = value; way(true); }),
      button('Another', event => {
        event.target.closest('.end').querySelector('.number').put(Math.floor(Math.random() * panel.examples));
      }, {'aria-label': `Another image ${'AB'[i]}`})))),
    between, wayLine) : null;

  // ------------------------------------------------------------------------------------------------------------- own drawing
  const codes = several ? members : [members[0]];
  const rebuilt = strip(codes.length, panel, i => (several ? members[i].label : 'Reconstruction'));
  const captions = [...rebuilt.querySelectorAll('figcaption')];
  const codeLine = status();
  let mean = null;
  const code = live(async signal => {
    const drawing = await editor.blob();
    const found = await Promise.all(codes.map(({id}) => model.encode(id, drawing, at(signal))));
    const images = await Promise.all(codes.map(({id}, i) => model.decode(id, [found[i].mean], at(signal))));
    return [found, images.map(([image]) => image)];
  }, ([found, images]) => {
    rebuilt.put(images);
    mean = found[Math.max(0, codes.findIndex(({id}) => id === member))].mean;
    captions.forEach((caption, i) => {
      caption.textContent = `${several ? `${members[i].label}: ` : ''}KL ${found[i].kl.toFixed(1)} nats`;
    });
    rebuilt.dataset.shown = Number(rebuilt.dataset.shown ?? 0) + 1;
  }, codeLine);
  const editor = new Editor({
    height: panel.height, width: panel.width, palette: panel.channels === 1 ? greys : colours, snapped: false, name: 'Your drawing',
    changed: done => code(done), paper: 0, ink: 4, size: Math.max(1, Math.round(panel.height / 10)),
  });
  followers.push(() => code(true));
  const load = async i => {
    try { editor.put(await model.example(i, at())); } catch (error) { editor.line.wrong(error); }
  };
  if (panel.examples) editor.sources.prepend(button('A test image', () => load(Math.floor(Math.random() * panel.examples))));
  const own = card('Your drawing, encoded and reconstructed',
    element('div', {class: 'own'},
      element('div', {class: 'drawing'}, editor.tools, element('div', {class: 'small'}, editor.stage, editor.inkChoice),
        editor.sources, editor.line),
      element('div', {class: 'rebuilt'}, element('p', {class: 'note'}, several ? 'Reconstructed by every model' : 'Reconstructed'),
        rebuilt, button('Show its latents above', () => mean && put(mean)), codeLine)),
    help());

  // ----------------------------------------------------------------------------------------------------------------- samples
  const drawn = {component: null, seed: 0, count: SAMPLES};
  let latents = [];
  const grid = strip(SAMPLES, panel, i => `Sample ${i + 1}; show it above`, i => latents[i] && put(latents[i]));
  grid.classList.add('many');
  const sampleLine = status();
  const samples = live(async signal => {
    const made = await model.sample(member, drawn, at(signal));
    return [made.latents, await model.decode(member, made.latents, at(signal))];
  }, ([made, images]) => { latents = made; grid.put(images); }, sampleLine);
  followers.push(() => samples(true));
  const components = [{id: '', label: 'the whole prior'}, ...Array.from({length: panel.components}, (_, i) => ({id: String(i), label: `component ${i + 1}`}))];
  const sampling = card('Samples of the prior',
    element('div', {class: 'tools'},
      panel.components > 1 ? select('From', components, '', id => { drawn.component = id === '' ? null : Number(id); samples(true); }) : null,
      seeding('Seed', 0, seed => { drawn.seed = seed; samples(true); })),
    grid, sampleLine);

  place.append(
    several ? choice('Model', members, member, id => { member = id; followers.forEach(ask => ask()); }, {kind: 'segments members'}) : '',
    walk, interpolation ?? '', own, sampling);
  followers.forEach(ask => ask());
  if (panel.examples) await load(0);
}
