// What a GAN makes of noise: of a class where it has classes, and on the way between two of its images.

import {button, choice, draw, element, picture, seeding, slider, status} from './dom.js';
import {live} from './live.js';

const COUNT = 20;  // images, each of its own noise
const ROWS = 2;  // noises, where every class is shown
const STEPS = 9;
const EVERY = 'every';

// Standard normal noise from a seed (mulberry32, then Box and Muller), so that the ends of a walk are known here.
function noise(seed, count, size) {
  let state = seed >>> 0;
  const uniform = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t;
    return (((t ^ (t >>> 14)) >>> 0) + 0.5) / 4294967296;
  };
  const normal = () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
  return Array.from({length: count}, () => Array.from({length: size}, normal));
}

// Along the sphere: a straight line between two noises passes where noise of this length is never drawn.
function between(a, b, t) {
  const length = v => Math.hypot(...v);
  const cosine = a.reduce((sum, value, i) => sum + value * b[i], 0) / (length(a) * length(b));
  const angle = Math.acos(Math.max(-1, Math.min(1, cosine)));
  if (angle < 1e-4) return a.map((value, i) => value + (b[i] - value) * t);
  const [u, v] = [Math.sin((1 - t) * angle) / Math.sin(angle), Math.sin(t * angle) / Math.sin(angle)];
  return a.map((value, i) => u * value + v * b[i]);
}

export async function mount(place, panel, model) {
  const at = signal => ({panel: panel.id, signal});
  const conditional = panel.classes.length > 0;
  let chosen = conditional ? EVERY : null, seed = 0, t = 0.5;
  const every = () => (chosen === EVERY ? panel.classes.map((_, i) => i) : conditional ? [Number(chosen)] : []);
  let shown = [];  // {row, kind, noise, canvas, button} of each image
  let ends = [];  // two of them
  let next = 0;  // which end the next click sets

  const grid = element('div', {class: 'strip many'});
  const line = status(), wayLine = status();

  // Where every class is shown, a row is one noise; otherwise each image has its own.
  function arrange() {
    const kinds = every(), rows = noise(seed, chosen === EVERY ? ROWS : COUNT, panel.latent);
    const before = ends.map(end => shown.indexOf(end));
    shown = rows.flatMap((row, r) => (kinds.length ? kinds : [null]).map(kind => ({row: r, kind, noise: row})));
    for (const each of shown) {
      each.canvas = picture(panel.height, panel.width, '');
      each.button = element('button', {type: 'button', class: 'image', onclick: () => {
        ends[next] = each;
        next = 1 - next;
        marked();
        walk(true);
      }}, each.canvas);
    }
    ends = [0, 1].map(k => shown[before[k]] ?? shown[k === 0 ? 0 : Math.max(1, kinds.length)]);
    grid.replaceChildren(...shown.map(each => each.button));
    grid.className = `strip many ${chosen === EVERY ? 'table' : ''}`;
    if (chosen === EVERY) grid.classList.add(`columns-${Math.min(12, panel.classes.length)}`);
    marked();
    made(true);
    walk(true);
  }

  function marked() {
    shown.forEach((each, i) => {
      const which = ends.map((end, k) => (end === each ? 'AB'[k] : '')).join('');
      each.button.dataset.end = which;
      const name = `Image ${i + 1}${each.kind === null ? '' : `, ${panel.classes[each.kind]}`}`;
      each.button.title = `${name}${which ? `: end ${which}` : ''}`;
      each.button.setAttribute('aria-label', `${each.button.title}. Make it end ${'AB'[next]} of the walk`);
    });
  }

  const made = live(async signal => {
    const kinds = every(), rows = [...new Map(shown.map(each => [each.row, each.noise])).values()];
    return [kinds, rows.length, await model.generate({classes: kinds, noise: rows, count: rows.length}, at(signal))];
  }, ([kinds, rows, images]) => {
    for (const each of shown) draw(each.canvas, images[Math.max(0, kinds.indexOf(each.kind)) * rows + each.row]);
  }, line, grid);

  // A walk keeps the class of its first end: a class has no half.
  const ways = Array.from({length: STEPS}, (_, k) => k / (STEPS - 1));
  const steps = ways.map(each => picture(panel.height, panel.width, `${Math.round(100 * each)} % of the way from A to B`));
  const large = picture(panel.height, panel.width, 'The image on the way');
  const walk = live(signal => {
    const rows = [...ways, t].map(each => between(ends[0].noise, ends[1].noise, each));
    return model.generate({classes: conditional ? [ends[0].kind] : [], noise: rows, count: rows.length}, at(signal));
  }, images => {
    steps.forEach((canvas, k) => draw(canvas, images[k]));
    draw(large, images[STEPS]);
  }, wayLine, large);

  const position = slider('A to B', {min: 0, max: 1, step: 0.01, value: t, show: value => `${Math.round(100 * value)} %`}, value => {
    t = value;
    walk();
  });

  place.append(
    element('section', {class: 'card', 'aria-label': 'Images'},
      element('div', {class: 'tools'},
        conditional ? choice('Class', [{id: EVERY, label: 'Every class'}, ...panel.classes.map((label, i) => ({id: String(i), label}))], chosen,
          id => { chosen = id; ends = []; arrange(); }, {kind: 'chips'}) : null,
        seeding('Noise', 0, value => { seed = value; arrange(); })),
      grid,
      element('p', {class: 'note'}, 'Choose two images: they become the ends A and B of the walk.'), line),
    element('section', {class: 'card', 'aria-label': 'Walk'},
      element('h3', {}, 'Between two noises'),
      element('div', {class: 'way'},
        element('div', {class: 'stage'}, large),
        element('div', {class: 'steps'}, element('div', {class: 'strip'}, steps.map(each => element('figure', {}, each))), position,
          button('Swap the ends', () => { ends.reverse(); marked(); walk(true); }), wayLine))));
  arrange();
}
