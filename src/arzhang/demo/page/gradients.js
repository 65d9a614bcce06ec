// How much the estimates of one derivative scatter: d/dθ E[f(z)] for z ∼ N(μ, σ²), by each estimator.

import {element, seeding, select, slider, status, unique} from './dom.js';
import {live} from './live.js';
import {label, mark, plot} from './plot.js';

const SAMPLES = [2, 5, 10, 20, 50, 100, 200, 500, 1000];
const REPEATS = 1000, MOST = 100000;  // estimates of each estimator, and single samples in all
const PARAMETERS = [{id: 'mean', label: 'μ'}, {id: 'std', label: 'σ'}];
const FEW = 3;  // estimators that are chosen at first

const fixed = value => value.toFixed(2).replace('-', '−');

export async function mount(place, panel, model) {
  const able = (estimator, parameter) => !estimator.parameters || estimator.parameters.includes(parameter);
  const options = {function: panel.functions[0].id, parameter: 'mean', mean: 1, std: 1, samples: 100, repeats: REPEATS, seed: 0};
  const series = new Map(panel.estimators.map(({id}, i) => [id, i]));
  const named = new Map(panel.estimators.map(each => [each.id, each.label]));
  // One of each kind, as their ids begin alike.
  const kinds = panel.estimators.filter(({id}, i, all) => all.findIndex(other => other.id.split(/[:]/)[0] === id.split(/[:]/)[0]) === i);
  const chosen = new Set((kinds.length > 1 ? kinds : panel.estimators).slice(0, FEW).map(({id}) => id));
  let found = null;

  const line = status();
  const request = live(signal => {
    const estimators = panel.estimators.filter(each => chosen.has(each.id) && able(each, options.parameter)).map(({id}) => id);
    if (!estimators.length) throw new Error('Choose an estimator.');
    const repeats = Math.min(REPEATS, Math.floor(MOST / options.samples));
    return model.gradients({...options, repeats, estimators}, {panel: panel.id, signal});
  }, answer => { found = answer; show(); }, line, place);

  const ticks = panel.estimators.map(each => {
    const input = element('input', {type: 'checkbox'});
    input.checked = chosen.has(each.id);
    input.onchange = () => {
      if (input.checked) chosen.add(each.id);
      else chosen.delete(each.id);
      request(true);
    };
    return element('label', {class: 'tick'}, input, mark(series.get(each.id)), element('span', {}, each.label));
  });
  const allow = () => ticks.forEach((tick, i) => { tick.querySelector('input').disabled = !able(panel.estimators[i], options.parameter); });
  const differs = panel.estimators.some(each => each.parameters);

  const set = name => value => { options[name] = value; request(); };
  const controls = element('div', {class: 'controls'},
    select('f(z)', panel.functions, options.function, id => { options.function = id; request(true); }),
    differs ? select('Derivative in', PARAMETERS, 'mean', id => { options.parameter = id; allow(); request(true); }) : null,
    slider('μ', {min: -3, max: 3, step: 0.05, value: options.mean, show: fixed}, set('mean')),
    slider('σ', {min: 0.1, max: 3, step: 0.05, value: options.std, show: fixed}, set('std')),
    slider('N', {min: 0, max: SAMPLES.length - 1, step: 1, value: SAMPLES.indexOf(options.samples), show: i => String(SAMPLES[i])},
      i => { options.samples = SAMPLES[i]; request(); }),
    seeding('Seed', 0, seed => { options.seed = seed; request(true); }),
    element('fieldset', {class: 'estimators'}, element('legend', {}, 'Estimators'), ticks));

  const histograms = element('div', {class: 'histograms', id: unique('histograms')});
  const curves = element('div', {id: unique('curves')});
  const body = element('tbody');
  const head = ['Estimator', 'Mean', 'Std. error', 'Variance'];
  const truth = element('output', {class: 'truth'});
  place.append(element('div', {class: 'explorer'},
    element('section', {class: 'card', 'aria-label': 'Choices'}, controls, line),
    element('div', {class: 'answers'},
      element('section', {class: 'card', 'aria-label': 'Gradients of single samples'},
        element('h3', {}, 'Gradients of single samples'),
        element('p', {class: 'note'}, 'The dashed line is the true derivative', truth, '. Heights are relative to each tallest bar; the axis leaves out the outermost half per cent on either side.'),
        histograms),
      element('section', {class: 'card', 'aria-label': 'Variance of the estimate'},
        element('h3', {}, 'Variance of the estimate from N samples'), curves),
      element('section', {class: 'card', 'aria-label': 'Numbers'},
        element('h3', {}, 'In numbers'),
        element('p', {class: 'note'}, 'The mean over all samples, its standard error, and the variance of one sample.'),
        element('div', {class: 'scroll'}, element('table', {},
          element('thead', {}, element('tr', {}, head.map(text => element('th', {scope: 'col'}, text)))), body))))));

  function show() {
    const entries = Object.entries(found.estimators);
    truth.textContent = found.truth === null ? ' (none: this expectation has none)' : `, ${label(found.truth)}`;
    body.replaceChildren(...entries.map(([id, {mean, standard_error: error, variance}]) => element('tr', {},
      element('th', {scope: 'row'}, element('span', {}, mark(series.get(id)), named.get(id))),
      [mean, error, variance].map(value => element('td', {}, label(value))))));
    drawHistograms(entries);
    drawCurves(entries);
  }

  // Below each other on one axis, as their widths are what is compared.
  function drawHistograms(entries) {
    const edges = entries.flatMap(([, {histogram}]) => [histogram.edges[0], histogram.edges.at(-1)]);
    if (found.truth !== null) edges.push(found.truth);
    const [low, high] = [Math.min(...edges), Math.max(...edges)], spare = 0.03 * (high - low || 1);
    const domain = [low - spare, high + spare];
    const places = entries.map(() => element('div', {id: unique('histogram')}));
    histograms.replaceChildren(...entries.flatMap(([id], i) => [
      element('p', {class: 'caption'}, mark(series.get(id)), named.get(id)), places[i]]));
    entries.forEach(([id, {histogram}], i) => {
      const tallest = Math.max(...histogram.counts, 1), last = i === entries.length - 1;
      const points = histogram.counts.flatMap((count, k) => [[histogram.edges[k], count / tallest], [histogram.edges[k + 1], count / tallest]]);
      points.unshift([histogram.edges[0], 0]);
      points.push([histogram.edges.at(-1), 0]);
      plot(places[i], {
        height: last ? 124 : 90, x: {domain, title: 'gradient of one sample', bare: !last}, y: {domain: [0, 1.05], bare: true},
        lines: [{series: series.get(id), points, fill: true}], rules: found.truth === null ? [] : [{x: found.truth, kind: 'true'}],
        name: `Histogram of single-sample gradients, ${named.get(id)}`,
      });
    });
  }

  function drawCurves(entries) {
    const lines = entries.map(([id, {curve}]) => ({series: series.get(id), marks: true, points: curve.samples.map((n, k) => [n, curve.variance[k]])}));
    const xs = lines.flatMap(({points}) => points.map(([n]) => n));
    const ys = lines.flatMap(({points}) => points.map(([, variance]) => variance)).filter(value => value > 1e-30);
    const [low, high] = ys.length ? [Math.min(...ys), Math.max(...ys)] : [0.1, 1];
    plot(curves, {
      height: 300, x: {domain: [Math.min(...xs), Math.max(...xs, Math.min(...xs) * 2)], log: true, title: 'samples N'},
      y: {domain: [low / 1.5, high * 1.5], log: true}, lines, name: 'Variance of the estimate against the number of samples, both axes logarithmic',
    });
  }

  let width = 0;
  new ResizeObserver(([{contentRect}]) => {
    if (Math.abs(contentRect.width - width) < 2) return;
    width = contentRect.width;
    if (found) show();
  }).observe(histograms);
  allow();
  request(true);
}
