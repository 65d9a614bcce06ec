// What a GAN makes of noise: of a class where it has classes, and on the way between two of its images.

import {button, choice, draw, element, picture, seeding, slider, status} from './dom.js';
import {live} from './live.js';

const COUNT = 20;
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
  const count = conditional ? Math.max(COUNT, panel.classes.length) : COUNT;
  let chosen = conditional ? EVERY : null, rows = noise(0, count, panel.latent), t = 0.5;
  const ends = [0, 1];
  let next = 0;  // which end the next click sets

  const classOf = i => (chosen === EVERY ? i % panel.classes.length : Number(chosen));
  const named = i => (conditional ? `, ${panel.classes[classOf(i)]}` : '');
  const pictures = Array.from({length: count}, (_, i) => picture(panel.height, panel.width, `Image ${i + 1}`));
  const buttons = pictures.map((each, i) => element('button', {type: 'button', class: 'image', onclick: () => {
    ends[next] = i;
    next = 1 - next;
    marked();
    walk(true);
  }}, each));
  const grid = element('div', {class: 'strip many'}, buttons);
  const line = status(), wayLine = status();

  function marked() {
    buttons.forEach((each, i) => {
      const which = ends.map((end, k) => (end === i ? 'AB'[k] : '')).join('');
      each.dataset.end = which;
      each.title = `Image ${i + 1}${named(i)}${which ? `: end ${which}` : ''}`;
      each.setAttribute('aria-label', `${each.title}. Make it end ${'AB'[next]} of the walk`);
    });
  }

  const made = live(signal => model.generate({
    classes: conditional ? rows.map((_, i) => classOf(i)) : [], noise: rows, count,
  }, at(signal)), images => {
    images.forEach((image, i) => draw(pictures[i], image));
    grid.dataset.shown = Number(grid.dataset.shown ?? 0) + 1;
  }, line);

  // A walk keeps the class of its first end: a class has no half.
  const steps = Array.from({length: STEPS}, (_, k) => picture(panel.height, panel.width, `${Math.round(100 * k / (STEPS - 1))} % of the way from A to B`));
  const large = picture(panel.height, panel.width, 'The image on the way');
  const onTheWay = () => Array.from({length: STEPS}, (_, k) => k / (STEPS - 1));
  const walk = live(signal => {
    const all = [...onTheWay(), t].map(each => between(rows[ends[0]], rows[ends[1]], each));
    return model.generate({classes: conditional ? all.map(() => classOf(ends[0])) : [], noise: all, count: all.length}, at(signal));
  }, images => {
    steps.forEach((canvas, k) => draw(canvas, images[k]));
    draw(large, images[STEPS]);
    large.dataset.shown = Number(large.dataset.shown ?? 0) + 1;
  }, wayLine);

  const again = () => { marked(); made(true); walk(true); };
  const position = slider('From A to B', {min: 0, max: 1, step: 0.01, value: t, show: value => `${Math.round(100 * value)} %`}, value => {
    t = value;
    walk();
  });

  place.append(
    element('section', {class: 'card', 'aria-label': 'Images'},
      element('div', {class: 'tools'},
        conditional ? choice('Class', [{id: EVERY, label: 'One of each'}, ...panel.classes.map((label, i) => ({id: String(i), label}))], chosen,
          id => { chosen = id; again(); }, {kind: 'chips'}) : null,
        seeding('Noise', 0, seed => { rows = noise(seed, count, panel.latent); again(); })),
      grid,
      element('p', {class: 'note'}, 'Choose two images: they become the ends of the walk.'), line),
    element('section', {class: 'card', 'aria-label': 'Walk'},
      element('h3', {}, 'Between two noises'),
      element('div', {class: 'way'},
        element('div', {class: 'stage'}, large),
        element('div', {}, element('div', {class: 'strip'}, steps.map(each => element('figure', {}, each))), position,
          button('Swap the ends', () => { ends.reverse(); marked(); walk(true); }), wayLine))));
  again();
}
