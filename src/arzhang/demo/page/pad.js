// A plane in the latent space under the hand: the test images' two principal axes, or two units.

import {choice, element, select, status} from './dom.js';

const SIDE = 300;  // of the drawing's own coordinates
const CLASSES = 10;

const rounded = value => (Math.abs(value) < 0.005 ? 0 : value).toFixed(2).replace('-', '−');

// take(z, units) gives it the latents, which it changes in place before it calls moved(), and the units, most active first.
export function pad({reach, names = [], moved}) {
  let plane = 'units', found = null, only = null, z = [0], axes = [0, 0];
  let span = {x: 0, y: 0, half: reach};  // what the square shows: its middle, and half of its side

  const points = element('svg:g', {class: 'points'});
  const marker = element('svg:g', {class: 'marker'}, element('svg:circle', {r: 8}), element('svg:circle', {r: 2.5}));
  const square = element('svg:svg', {
    viewBox: `0 0 ${SIDE} ${SIDE}`, class: 'plane', tabindex: 0, role: 'application', 'aria-roledescription': 'pad',
    'aria-label': 'A plane of the latent space. Arrow keys move, with Shift farther.',
  },
  element('svg:path', {class: 'cross', d: `M0 ${SIDE / 2}H${SIDE}M${SIDE / 2} 0V${SIDE}`}), points, marker);
  const legend = element('div', {class: 'legend', role: 'group', 'aria-label': 'Show one class only'});
  const line = status();

  const placed = ([x, y]) => [(0.5 + (x - span.x) / (2 * span.half)) * SIDE, (0.5 - (y - span.y) / (2 * span.half)) * SIDE];
  const dot = (a, b) => a.reduce((sum, value, i) => sum + value * b[i], 0);

  // Where z lies on the plane: its projection.
  function where() {
    if (plane === 'units') return axes.map(unit => z[unit]);
    const from = z.map((value, i) => value - found.centre[i]);
    return found.axes.map(axis => dot(from, axis) / (dot(axis, axis) || 1));
  }

  function follow() {
    const [x, y] = placed(where());
    marker.setAttribute('transform', `translate(${Math.max(4, Math.min(SIDE - 4, x))} ${Math.max(4, Math.min(SIDE - 4, y))})`);
  }

  function go(x, y) {
    if (plane === 'units') [z[axes[0]], z[axes[1]]] = [x, y];
    else z.forEach((_, i) => { z[i] = found.centre[i] + x * found.axes[0][i] + y * found.axes[1][i]; });
    moved();
  }

  function to(event) {
    const box = square.getBoundingClientRect();
    const across = Math.max(0, Math.min(1, (event.clientX - box.left) / box.width));
    const up = Math.max(0, Math.min(1, 1 - (event.clientY - box.top) / box.height));
    go(span.x + (across - 0.5) * 2 * span.half, span.y + (up - 0.5) * 2 * span.half);
  }
  square.onpointerdown = event => { square.setPointerCapture(event.pointerId); square.focus(); to(event); };
  square.onpointermove = event => { if (square.hasPointerCapture(event.pointerId)) to(event); };
  square.onkeydown = event => {
    const step = span.half / (event.shiftKey ? 5 : 25);
    const by = {ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, step], ArrowDown: [0, -step]}[event.key];
    if (!by) return;
    event.preventDefault();
    const [x, y] = where(), low = [span.x - span.half, span.y - span.half], high = [span.x + span.half, span.y + span.half];
    go(Math.max(low[0], Math.min(high[0], x + by[0])), Math.max(low[1], Math.min(high[1], y + by[1])));
    line.say(where().map((value, i) => `${i ? 'up' : 'across'} ${rounded(value)}`).join(', '));
  };

  function show() {
    const spread = plane === 'axes';
    points.replaceChildren();
    legend.replaceChildren();
    if (spread) {
      const all = found.points, xs = all.map(([x]) => x), ys = all.map(([, y]) => y);
      const [left, right, low, high] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
      span = {x: (left + right) / 2, y: (low + high) / 2, half: 0.54 * Math.max(right - left, high - low, 1e-6)};
      points.append(...all.map(([x, y, label]) => {
        const [cx, cy] = placed([x, y]).map(value => value.toFixed(1));
        return element('svg:circle', {cx, cy, r: 2.2, class: `class-${(label ?? 0) % CLASSES}`, 'data-label': label});
      }));
      const labels = [...new Set(all.map(([, , label]) => label))].sort((a, b) => a - b);
      if (labels.length > 1) legend.append(...labels.map(label => element('button', {
        type: 'button', class: `class-${label % CLASSES}`, 'aria-pressed': 'false', title: `${names[label] ?? `Class ${label}`} only`, 'data-label': label,
        onclick: () => { only = only === label ? null : label; dim(); },
      }, element('span', {class: 'dot', 'aria-hidden': 'true'}), String(names[label] ?? label))));
    } else {
      span = {x: 0, y: 0, half: reach};
    }
    only = null;
    square.classList.toggle('crossed', !spread);
    twoUnits.hidden = spread;
    legend.hidden = !spread;
    follow();
  }

  // Ten colours are more than many eyes tell apart: a class can be seen alone.
  function dim() {
    for (const circle of points.children) circle.classList.toggle('dim', only !== null && Number(circle.dataset.label) !== only);
    for (const each of legend.children) each.setAttribute('aria-pressed', String(only !== null && Number(each.dataset.label) === only));
  }

  const twoUnits = element('div', {class: 'buttons'});
  const planes = choice('Plane', [{id: 'axes', label: 'Test images'}, {id: 'units', label: 'Two units'}], plane, id => {
    if (id === 'axes' && !found) { line.say('The projection is not there yet.'); return; }
    plane = id;
    show();
  }, {kind: 'segments', quiet: true});

  const whole = element('div', {class: 'pad'}, planes, square, legend, twoUnits, line);
  whole.line = line;
  whole.follow = follow;
  whole.take = (given, units) => {
    const kept = units.includes(axes[0]) && units.includes(axes[1]) && z.length === given.length && z.length > 1;
    z = given;
    const all = [...new Set([...units, ...given.keys()])];
    if (!kept) axes = [all[0], all[1] ?? all[0]];
    const named = all.map(unit => ({id: String(unit), label: `unit ${unit}`}));
    twoUnits.replaceChildren(...axes.map((unit, i) => select(i ? 'Up' : 'Across', named, String(unit), id => {
      axes[i] = Number(id);
      follow();
    })));
    if (found && found.centre.length !== z.length) {  // of the model before: until its own is there
      found = null;
      planes.choose('units');
    } else follow();
  };
  // The first projection becomes the plane; another model has other points.
  whole.project = given => {
    const first = !found;
    found = given;
    if (first) planes.choose('axes');
    else if (plane === 'axes') show();
  };
  show();
  return whole;
}
