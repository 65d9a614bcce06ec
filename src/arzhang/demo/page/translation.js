// A drawing and its translation, side by side: pix2pix, CycleGAN and the street painter.

import {button, choice, draw, element, picture, save, seeding, status, tick} from './dom.js';
import {live} from './live.js';
import {Editor, colours, help} from './paint.js';

const title = side => side[0].toUpperCase() + side.slice(1);

export async function mount(place, panel, model) {
  // The label maps are the first side; back from the second one, a drawing has any colour.
  async function arrange(direction, start) {
    const forward = direction === 'ab';
    const [from, to] = forward ? panel.sides : [...panel.sides].reverse();
    const classes = forward ? panel.palette : null;
    const at = signal => ({panel: panel.id, signal});
    const options = {seed: 0, dropout: panel.dropout, direction};

    const line = status();
    const took = element('span', {class: 'took'});
    const result = picture(panel.height, panel.width, `${to}: the translation of the drawing`, 'large');
    let asked = 0;
    const request = live(async signal => {
      const drawing = await editor.blob();
      asked = performance.now();
      return model.translate(drawing, options, at(signal));
    }, image => {
      draw(result, image);
      took.textContent = `in ${Math.round(performance.now() - asked)} ms`;
    }, line, result);

    const editor = new Editor({
      height: panel.height, width: panel.width, palette: classes ?? colours, snapped: Boolean(classes),
      name: title(from), colours: classes ? 'Class' : 'Colour', changed: done => request(done),
    });

    // The inputs of the validation part, one after the other.
    let shown = -1;
    const which = element('output', {}, '');
    async function load(i, first = false) {
      const wanted = shown = (i + panel.maps) % panel.maps;
      editor.stage.setAttribute('aria-busy', 'true');
      try {
        const map = await model.map(wanted, {...at(), direction});
        if (wanted !== shown || (first && editor.past.length)) return;  // another was asked for, or something was drawn
        editor.put(map, {first});
        which.textContent = `${shown + 1} of ${panel.maps}`;
      } catch (error) {
        editor.line.wrong(error);
      } finally {
        if (wanted === shown) editor.stage.removeAttribute('aria-busy');
      }
    }
    const maps = panel.maps > 0;
    if (maps) {
      editor.sources.prepend(element('span', {class: 'stepper', role: 'group', 'aria-label': 'Validation images'},
        button('‹', () => load(shown - 1), {'aria-label': 'Previous validation image', title: 'Previous validation image'}),
        which,
        button('›', () => load(shown + 1), {'aria-label': 'Next validation image', title: 'Next validation image'})));
    }

    const again = () => request(true);
    const settings = element('div', {class: 'tools'},
      panel.directions.length > 1 ? choice('Direction', panel.directions.map(id => {
        const [a, b] = id === 'ab' ? panel.sides : [...panel.sides].reverse();
        return {id, label: `${title(a)} → ${b}`};
      }), direction, id => arrange(id, result), {kind: 'segments', quiet: true}) : null,
      panel.dropout ? tick('Dropout', true, on => { options.dropout = on; again(); }) : null,
      panel.dropout ? seeding('Seed', 0, seed => { options.seed = seed; again(); }) : null);

    const column = (kind, name, tools, stage, ...below) => element('div', {class: kind, role: 'group', 'aria-label': name},
      element('h3', {}, name), tools, stage, element('div', {class: 'below'}, below));
    place.replaceChildren(
      element('div', {class: 'bench'},
        element('div', {class: 'colours'}, editor.inkChoice, editor.paperSelect),
        column('drawing', title(from), editor.tools, editor.stage, editor.sources, editor.line),
        column('result', title(to), settings, element('div', {class: 'stage'}, result),
          element('div', {class: 'sources'}, button('Save translation', () => save(result, `${to}.png`)), took), line)),
      help());

    if (start) editor.put(start, {first: true});
    else if (maps) {
      await load(0, true);
      editor.background();
    } else request(true);
  }
  await arrange(panel.directions[0]);
}
