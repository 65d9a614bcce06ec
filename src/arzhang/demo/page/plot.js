// Small plots in SVG: axes that may be logarithmic, lines with marks, steps, and a value that is pointed out.
//
// A plot is drawn as wide as its place, so that its letters keep their size on a phone; it takes its colours from the
// classes `series-0` to `series-9`.

import {element} from './dom.js';

const MARGIN = {left: 54, right: 12, top: 10, bottom: 40};
const SHAPES = ['M-3 0a3 3 0 1 0 6 0a3 3 0 1 0-6 0', 'M-2.8-2.8h5.6v5.6h-5.6z', 'M0-3.6 3.4 2.6h-6.8z', 'M0-3.8 3.8 0 0 3.8-3.8 0z'];
const DASHES = ['', '6 3', '2 3', '8 3 2 3'];

export const mark = i => element('svg:svg', {viewBox: '-14 -6 28 12', class: `key series-${i}`, 'aria-hidden': 'true'},
  element('svg:path', {class: 'line', d: 'M-13 0H13', 'stroke-dasharray': DASHES[i % 4]}),
  element('svg:path', {class: 'mark', d: SHAPES[i % 4]}));

export function label(value) {
  const size = Math.abs(value);
  if (size === 0) return '0';
  if (size >= 1e4 || size < 1e-3) {
    const power = Math.floor(Math.log10(size) + 1e-9), factor = value / 10 ** power;
    const raised = String(power).replace(/./g, sign => '⁰¹²³⁴⁵⁶⁷⁸⁹⁻'['0123456789-'.indexOf(sign)]);
    return `${Math.abs(factor - 1) < 1e-6 ? '' : `${Number(factor.toPrecision(2))}·`}10${raised}`;
  }
  return String(Number(value.toPrecision(3))).replace('-', '−');
}

function ticks([low, high], logarithmic, most) {
  if (logarithmic) {
    const first = Math.ceil(Math.log10(low) - 1e-9), last = Math.floor(Math.log10(high) + 1e-9);
    const every = Math.max(1, Math.ceil((last - first + 1) / most));
    const powers = [];
    for (let power = first; power <= last; power += every) powers.push(10 ** power);
    if (powers.length > 1) return powers;
    return [1, 2, 5].flatMap(step => [first - 1, first, last].map(power => step * 10 ** power))
      .filter((value, i, all) => value >= low && value <= high && all.indexOf(value) === i).sort((a, b) => a - b);
  }
  const rough = (high - low) / most, power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 2.5, 5, 10].find(times => times * power >= rough);
  const found = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + 1e-9 * step; i++) found.push(i * step);
  return found;
}

// x, y: {domain: [low, high], log, title, bare (no numbers)}. lines: [{series, points: [[x, y]…], marks, fill}];
// rules: [{x or y, kind}] across the whole plot. `name` is what a screen reader says of it.
export function plot(place, {height = 240, x, y, lines = [], rules = [], name}) {
  const width = Math.max(220, place.clientWidth || 320);
  const left = y.bare ? 12 : MARGIN.left, bottom = x.bare ? 10 : MARGIN.bottom;
  const inner = {width: width - left - MARGIN.right, height: height - MARGIN.top - bottom};
  const along = ({domain: [low, high], log}, value) => (log
    ? (Math.log(value) - Math.log(low)) / (Math.log(high) - Math.log(low)) : (value - low) / (high - low));
  const px = value => left + along(x, value) * inner.width;
  const py = value => MARGIN.top + (1 - along(y, value)) * inner.height;
  const clip = `clip-${place.id}`;
  const parts = [element('svg:clipPath', {id: clip}, element('svg:rect', {x: left - 4, y: MARGIN.top - 4, width: inner.width + 8, height: inner.height + 8}))];

  for (const value of ticks(x.domain, x.log, Math.max(2, Math.floor(inner.width / (x.log ? 45 : 75))))) {
    parts.push(element('svg:path', {class: 'grid', d: `M${px(value)} ${MARGIN.top}v${inner.height}`}));
    if (!x.bare) parts.push(element('svg:text', {x: px(value), y: MARGIN.top + inner.height + 17, 'text-anchor': 'middle'}, label(value)));
  }
  if (!y.bare) for (const value of ticks(y.domain, y.log, Math.max(2, Math.floor(inner.height / 40)))) {
    parts.push(element('svg:path', {class: 'grid', d: `M${left} ${py(value)}h${inner.width}`}));
    parts.push(element('svg:text', {x: left - 7, y: py(value) + 4, 'text-anchor': 'end'}, label(value)));
  }
  parts.push(element('svg:path', {class: 'axis', d: `M${left} ${MARGIN.top + inner.height}h${inner.width}`}));
  if (x.title && !x.bare) parts.push(element('svg:text', {class: 'title', x: left + inner.width / 2, y: height - 5, 'text-anchor': 'middle'}, x.title));

  const drawn = element('svg:g', {'clip-path': `url(#${clip})`});
  for (const {series, points, marks, fill} of lines) {
    const whole = points.filter(([a, b]) => Number.isFinite(a) && Number.isFinite(b) && (!y.log || b > 0) && (!x.log || a > 0));
    if (!whole.length) continue;
    const group = element('svg:g', {class: `series-${series}`});
    const d = whole.map(([a, b], i) => `${i ? 'L' : 'M'}${px(a).toFixed(2)} ${py(b).toFixed(2)}`).join('');
    if (fill) group.append(element('svg:path', {class: 'area', d: `${d}L${px(whole.at(-1)[0])} ${py(y.domain[0])}L${px(whole[0][0])} ${py(y.domain[0])}Z`}));
    group.append(element('svg:path', {class: 'line', d, 'stroke-dasharray': fill ? '' : DASHES[series % 4]}));
    if (marks) for (const [a, b] of whole) group.append(element('svg:path', {class: 'mark', d: SHAPES[series % 4], transform: `translate(${px(a)} ${py(b)})`}));
    drawn.append(group);
  }
  parts.push(drawn);
  for (const rule of rules) {
    const d = rule.x === undefined ? `M${left} ${py(rule.y)}h${inner.width}` : `M${px(rule.x)} ${MARGIN.top}v${inner.height}`;
    parts.push(element('svg:path', {class: `rule ${rule.kind ?? ''}`, d, 'clip-path': `url(#${clip})`}));
  }
  place.replaceChildren(element('svg:svg', {viewBox: `0 0 ${width} ${height}`, width, height, class: 'plot', role: 'img', 'aria-label': name}, parts));
}
