// Elements, and the few controls that the panels share. A strict policy forbids inline styles: classes do the rest.

const SVG = 'http://www.w3.org/2000/svg';

// Attributes by name; `on…` and anything that is not text or a number as a property.
export function element(tag, attributes = {}, ...children) {
  const node = tag.startsWith('svg:') ? document.createElementNS(SVG, tag.slice(4)) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith('on') || (typeof value !== 'string' && typeof value !== 'number' && value !== true)) node[name] = value;
    else node.setAttribute(name, value === true ? '' : value);
  }
  node.append(...children.flat().filter(child => child !== null && child !== undefined));
  return node;
}

let names = 0;
export const unique = stem => `${stem}-${++names}`;

export const button = (text, onclick, more = {}) => element('button', {type: 'button', onclick, ...more}, text);

// One of several: `options` are {id, label, mark?}; mark is an element before the label, quiet hides the label's text.
export function choice(legend, options, chosen, onchange, {kind = '', quiet = false} = {}) {
  const name = unique('choice');
  const inputs = new Map();
  const set = element('fieldset', {class: `choice ${kind}`}, element('legend', {class: quiet ? 'hidden' : ''}, legend));
  for (const option of options) {
    const input = element('input', {type: 'radio', name, value: option.id, onchange: () => onchange(option.id)});
    input.checked = option.id === chosen;
    inputs.set(option.id, input);
    const label = element('span', {class: 'label'}, option.label);
    set.append(element('label', {title: option.title ?? option.label}, input, option.mark, label));
  }
  set.choose = id => { inputs.get(id).checked = true; onchange(id); };
  return set;
}

export function slider(label, {min, max, step, value, show = String}, oninput, more = {}) {
  const output = element('output', {}, show(value));
  const input = element('input', {type: 'range', min, max, step, ...more});
  input.value = value;
  const told = () => {
    output.textContent = show(input.valueAsNumber);
    input.setAttribute('aria-valuetext', show(input.valueAsNumber));
  };
  input.oninput = () => { told(); oninput(input.valueAsNumber); };
  told();
  const whole = element('label', {class: 'slider'}, element('span', {}, label), input, output);
  whole.put = next => { input.value = next; told(); };
  return whole;
}

export function number(label, {min = 0, max = 4294967295, value = 0}, onchange) {
  const input = element('input', {type: 'number', min, max, step: 1, inputMode: 'numeric', required: true});
  input.value = value;
  input.oninput = () => { if (input.validity.valid) onchange(input.valueAsNumber); };
  const whole = element('label', {class: 'number'}, element('span', {}, label), input);
  whole.put = next => { input.value = next; onchange(next); };
  return whole;
}

// A seed, and a button for another one.
export function seeding(label, value, onchange) {
  const field = number(label, {value}, onchange);
  const another = button('Another', () => field.put(Math.floor(Math.random() * 10000)), {'aria-label': `Another ${label.toLowerCase()}`});
  return element('span', {class: 'seeding'}, field, another);
}

export function select(label, options, chosen, onchange) {
  const list = element('select', {}, options.map(({id, label: text}) => element('option', {value: id}, text)));
  list.value = chosen;
  list.onchange = () => onchange(list.value);
  const whole = element('label', {class: 'select'}, element('span', {}, label), list);
  whole.put = id => { list.value = id; };
  return whole;
}

export function tick(label, checked, onchange) {
  const input = element('input', {type: 'checkbox', onchange: () => onchange(input.checked)});
  input.checked = checked;
  return element('label', {class: 'tick'}, input, element('span', {}, label));
}

// One line below what it speaks of. Screen readers hear it; an error stays until the next success.
export function status() {
  const line = element('p', {class: 'status', role: 'status', 'aria-live': 'polite'});
  line.say = text => { line.classList.remove('wrong'); line.textContent = text; };
  line.wrong = error => { line.classList.add('wrong'); line.textContent = error.message ?? String(error); };
  return line;
}

// A canvas of the image's own pixels, which CSS enlarges. Without a label it is hidden from readers: what holds it names it.
export function picture(height, width, label, kind = '') {
  return element('canvas', {height, width, ...(label ? {role: 'img', 'aria-label': label} : {'aria-hidden': 'true'}), class: `picture ${kind}`});
}

// image: an ImageBitmap or ImageData.
export function draw(canvas, image) {
  canvas.width = image.width;
  canvas.height = image.height;
  const context = canvas.getContext('2d');
  if (image instanceof ImageData) context.putImageData(image, 0, 0);
  else context.drawImage(image, 0, 0);
}

export const blob = canvas => new Promise((done, failed) => {
  canvas.toBlob(made => (made ? done(made) : failed(new Error('The browser could not make a PNG of it.'))), 'image/png');
});

export async function save(canvas, name) {
  const address = URL.createObjectURL(await blob(canvas));
  element('a', {href: address, download: name}).click();
  setTimeout(() => URL.revokeObjectURL(address), 10000);
}
