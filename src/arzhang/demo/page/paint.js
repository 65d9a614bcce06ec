// The editor of one picture: brush, line, fill and eraser; undo; by pointer, finger or keyboard.

import {blob, button, choice, draw, element, save, select, slider, status} from './dom.js';
import {Pixels, packed} from './pixels.js';

const HISTORY = 64;  // steps that can be undone
const LARGEST = 1 << 26;  // pixels of an own image: 256 MB once it is decoded
const GREYS = ['#000000', '#404040', '#808080', '#bfbfbf', '#ffffff'];
const NAMES = ['black', 'dark grey', 'grey', 'light grey', 'white'];
const HUES = [
  ['red', '#c62828'], ['orange', '#ef8a17'], ['yellow', '#f4d52f'], ['green', '#2e8b3d'],
  ['blue', '#1f5fbf'], ['light blue', '#8fc7ee'], ['violet', '#7a3fa0'], ['brown', '#7a4a24'],
];
const TOOLS = [
  {id: 'brush', label: 'Brush', key: 'b', path: 'M3 17c2.6.4 5-.6 5-3l7.6-9.4a1.3 1.3 0 0 1 2 1.7L9.3 15.2C9 18 5.6 18.8 3 17z'},
  {id: 'line', label: 'Line', key: 'l', path: 'M3.5 16.5 16.5 3.5'},
  {id: 'fill', label: 'Fill', key: 'f', path: 'M4 9.5 10 3.5 16 9.5 10 15.5zM4.5 9.5h11M18 13c-1 1.6-1 3 0 3s1-1.4 0-3z'},
  {id: 'eraser', label: 'Eraser', key: 'e', path: 'M3.5 12.5 11 5l5 5-6 6.5H7zM7 9l5 5M10 16.5h7'},
];
const ARROWS = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1]};

export const greys = GREYS.map((colour, i) => ({name: NAMES[i], colour}));
export const colours = [...greys, ...HUES.map(([name, colour]) => ({name, colour}))];

const icon = path => element('svg:svg', {viewBox: '0 0 20 20', class: 'icon', 'aria-hidden': 'true'}, element('svg:path', {d: path}));
const swatch = colour => element('svg:svg', {viewBox: '0 0 10 10', class: 'swatch', 'aria-hidden': 'true'},
  element('svg:rect', {width: 10, height: 10, fill: colour}));

export class Editor {
  // palette: [{name, colour}…]; snapped: whether an own image is brought to the palette's colours; changed(done) is
  // called after every change, with whether it is finished. The panel places tools, stage, palette and sources.
  constructor({height, width, palette, snapped, name, changed, colours = 'Colour', paper = 0, ink = paper ? 0 : 1, size = null}) {
    Object.assign(this, {height, width, palette, snapped, name, changed, colours});
    this.words = palette.map(({colour}) => packed(colour));
    this.tool = 'brush';
    this.size = size ?? Math.max(1, Math.round(Math.min(height, width) / 12));
    this.ink = Math.min(ink, palette.length - 1);
    this.paper = paper;
    this.pixels = new Pixels(height, width, this.words[paper]);
    this.past = [];
    this.future = [];
    this.pointer = null;  // the finger or mouse that draws
    this.stroke = null;  // {before, from, at, colour, tool} while a tool is down
    this.cursor = {x: Math.floor(width / 2), y: Math.floor(height / 2), shown: false};
    this.#build();
    this.#show();
    this.#told();
  }

  #build() {
    const {height, width, palette} = this;
    this.canvas = element('canvas', {height, width, class: 'paper', 'aria-hidden': 'true'});
    this.context = this.canvas.getContext('2d', {willReadFrequently: true});
    this.over = element('canvas', {
      class: 'cursor', tabindex: 0, role: 'application', 'aria-roledescription': 'drawing',
      'aria-label': `${this.name}, ${width} by ${height} pixels. Arrow keys move, space paints.`,
    });
    this.line = status();
    this.stage = element('div', {class: 'stage'}, this.canvas, this.over);

    this.tools = element('div', {class: 'tools'});
    this.toolChoice = choice('Tool', TOOLS.map(({id, label, key, path}) => (
      {id, label, mark: icon(path), title: `${label} (${key.toUpperCase()})`}
    )), this.tool, id => { this.tool = id; this.#cancel(); }, {kind: 'segments', quiet: true});
    this.sizeSlider = slider('Size', {
      min: 1, max: Math.max(2, Math.round(Math.min(height, width) / 3)), step: 1, value: this.size, show: value => `${value} px`,
    }, value => { this.size = value; this.#mark(); });
    this.undoButton = button('Undo', () => this.undo(), {title: 'Undo (Z)'});
    this.redoButton = button('Redo', () => this.redo(), {title: 'Redo (Y)'});
    this.tools.append(this.toolChoice, this.sizeSlider, element('span', {class: 'buttons'},
      this.undoButton, this.redoButton, button('Clear', () => this.clear())));

    this.inkChoice = choice(this.colours, palette.map(({name, colour}, i) => ({id: String(i), label: name, mark: swatch(colour)})),
      String(this.ink), id => { this.ink = Number(id); this.#ready(); }, {kind: 'palette'});
    this.paperSelect = select('Eraser and Clear paint', palette.map(({name}, i) => ({id: String(i), label: name})),
      String(this.paper), id => { this.paper = Number(id); });

    const file = element('input', {type: 'file', accept: 'image/*', class: 'hidden'});
    file.onchange = () => { if (file.files.length) this.open(file.files[0]); file.value = ''; };
    this.sources = element('div', {class: 'sources'},
      element('label', {class: 'button'}, file, 'Open an image…'), button('Save drawing', () => save(this.canvas, `${this.name.toLowerCase()}.png`)));

    this.#listen();
    new ResizeObserver(() => this.#mark()).observe(this.over);
  }

  #listen() {
    const {over} = this;
    over.onpointerdown = event => {
      if (this.stroke || event.button === 1) return;
      over.setPointerCapture(event.pointerId);
      over.focus({preventScroll: true});
      this.cursor.shown = false;
      this.pointer = event.pointerId;
      this.#down(this.#place(event), event.button === 2 ? 'eraser' : this.tool);
    };
    over.onpointermove = event => {
      this.hover = this.#place(event);
      if (this.stroke && event.pointerId === this.pointer) {
        const all = event.getCoalescedEvents?.() ?? [];
        for (const each of all.length ? all : [event]) this.#to(this.#place(each));
      }
      this.#mark();
    };
    over.onpointerup = event => { if (event.pointerId === this.pointer) this.#up(); };
    over.onpointercancel = event => { if (event.pointerId === this.pointer) this.#cancel(); };
    over.onpointerleave = () => { this.hover = null; this.#mark(); };
    over.oncontextmenu = event => event.preventDefault();
    over.onkeydown = event => this.#key(event);
    over.onkeyup = event => { if (event.key === ' ' || event.key === 'Enter') this.#released(); };
    over.onfocus = () => { if (over.matches(':focus-visible')) { this.cursor.shown = true; this.#mark(); } };
    over.onblur = () => { this.#released(); this.cursor.shown = false; this.#mark(); };
    this.stage.ondragover = event => event.preventDefault();
    this.stage.ondrop = event => {
      event.preventDefault();
      if (event.dataTransfer.files.length) this.open(event.dataTransfer.files[0]);
    };
  }

  #place(event) {
    const box = this.over.getBoundingClientRect();
    return {
      x: Math.floor((event.clientX - box.left) * this.width / box.width),
      y: Math.floor((event.clientY - box.top) * this.height / box.height),
    };
  }

  // -------------------------------------------------------------------------------------------- a tool goes down, moves, up

  #down(place, tool = this.tool) {
    const colour = this.words[tool === 'eraser' ? this.paper : this.ink];
    this.stroke = {before: this.pixels.data.slice(), from: place, at: place, colour, tool};
    if (tool === 'fill') {
      this.pixels.fill(place.x, place.y, colour);
      this.#up();
    } else {
      this.pixels.dab(place.x, place.y, this.size, colour);
      this.#show(false);
    }
  }

  #to(place) {
    const {before, from, at, colour, tool} = this.stroke;
    if (place.x === at.x && place.y === at.y) return;
    if (tool === 'line') this.pixels.data.set(before);
    this.pixels.line(tool === 'line' ? from : at, place, this.size, colour);
    this.stroke.at = place;
    this.#show(false);
  }

  #up() {
    const {before} = this.stroke;
    this.stroke = this.pointer = null;
    this.#keep(before);
  }

  #cancel() {
    if (!this.stroke) return;
    this.pixels.data.set(this.stroke.before);
    this.stroke = this.pointer = null;
    this.#show(true);
  }

  // A finished change: a step that can be undone, if it changed anything.
  #keep(before) {
    if (before.every((colour, i) => colour === this.pixels.data[i])) return;
    this.past.push(before);
    if (this.past.length > HISTORY) this.past.shift();
    this.future = [];
    this.#told();
    this.#show(true);
  }

  #swap(from, to, said) {
    this.#cancel();
    if (!from.length) return;
    to.push(this.pixels.data.slice());
    this.pixels.data.set(from.pop());
    this.#told();
    this.line.say(said);
    this.#show(true);
  }

  undo() { this.#swap(this.past, this.future, 'Undone.'); }
  redo() { this.#swap(this.future, this.past, 'Done again.'); }

  clear() {
    this.#cancel();
    const before = this.pixels.data.slice();
    this.pixels.data.fill(this.words[this.paper]);
    this.#keep(before);
  }

  // ----------------------------------------------------------------------------------------------------------- from elsewhere

  // An image of any size; `first`: it is where the drawing begins, and no step of it.
  put(image, {snapped = this.snapped, first = false} = {}) {
    this.#cancel();
    const canvas = element('canvas');
    if (image.width * image.height > LARGEST) throw new Error(`An image of ${image.width} × ${image.height} pixels is too large.`);
    draw(canvas, image);
    const context = canvas.getContext('2d');
    context.globalCompositeOperation = 'destination-over';  // what is transparent lies on white
    context.fillStyle = '#fff';
    context.fillRect(0, 0, canvas.width, canvas.height);
    const before = this.pixels.data.slice();
    this.pixels.resized(context.getImageData(0, 0, canvas.width, canvas.height));
    const moved = snapped ? this.pixels.snap(this.words) : 0;
    if (first) this.#show(true);
    else this.#keep(before);
    return moved;
  }

  async open(file) {
    try {
      const image = await createImageBitmap(file, {imageOrientation: 'from-image'}).catch(() => {
        throw new Error(`${file.name} is no image that this browser can read.`);
      });
      const moved = this.put(image);
      const share = Math.round(100 * moved / this.pixels.data.length);
      const size = image.width === this.width && image.height === this.height ? '' : `, resized to ${this.width} × ${this.height}`;
      const snapped = moved ? `; ${share || 'under 1'} % of its pixels took the nearest colour of the palette` : '';
      this.line.say(`${file.name}${size}${snapped}.`);
    } catch (error) {
      this.line.wrong(error);
    }
  }

  // Eraser and Clear paint the colour in the first corner, where pictures have their background; the brush the commonest
  // of the others.
  background() {
    const seen = this.words.map(word => this.pixels.data.reduce((sum, colour) => sum + (colour === word), 0));
    const corner = this.words.indexOf(this.pixels.at(0, 0));
    if (corner < 0) return;
    seen[corner] = -1;
    this.paper = corner;
    this.paperSelect.put(String(corner));
    this.inkChoice.choose(String(seen.indexOf(Math.max(...seen))));
  }

  image() { return this.context.getImageData(0, 0, this.width, this.height); }
  blob() { return blob(this.canvas); }

  // ---------------------------------------------------------------------------------------------------------------- keyboard

  #key(event) {
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (event.ctrlKey || event.metaKey || event.altKey) {
      if (event.altKey || !'zy'.includes(key)) return;
      if (key === 'y' || event.shiftKey) this.redo();
      else this.undo();
    } else if (key in ARROWS) {
      const far = event.shiftKey ? 8 : 1, [dx, dy] = ARROWS[key];
      this.#move(this.cursor.x + dx * far, this.cursor.y + dy * far);
    } else if (key === ' ' || key === 'Enter') {
      if (!event.repeat) this.#pressed();
    } else if (key === 'Escape') {
      if (!this.stroke) return;
      this.#cancel();
      this.line.say('Given up.');
    } else if (key === '[' || key === ']') {
      const input = this.sizeSlider.querySelector('input');
      this.size = Math.min(Number(input.max), Math.max(1, this.size + (key === ']' ? 1 : -1)));
      this.sizeSlider.put(this.size);
      this.line.say(`Brush of ${this.size} pixels.`);
    } else if (key === ',' || key === '.') {
      this.pick((this.ink + (key === '.' ? 1 : this.palette.length - 1)) % this.palette.length);
    } else if (/^[1-9]$/.test(key) && Number(key) <= this.palette.length) {
      this.pick(Number(key) - 1);
    } else if (key === 'i') {
      const under = this.words.indexOf(this.pixels.at(this.cursor.x, this.cursor.y));
      if (under >= 0) this.pick(under);
    } else if (key === 'z') {
      this.undo();
    } else if (key === 'y') {
      this.redo();
    } else {
      const tool = TOOLS.find(each => each.key === key);
      if (!tool) return;
      this.toolChoice.choose(tool.id);
      this.line.say(`${tool.label}.`);
    }
    event.preventDefault();
    this.cursor.shown = true;
    this.#mark();
  }

  #move(x, y) {
    this.cursor.x = Math.min(this.width - 1, Math.max(0, x));
    this.cursor.y = Math.min(this.height - 1, Math.max(0, y));
    if (this.stroke) this.#to({...this.cursor});
    const under = this.palette[this.words.indexOf(this.pixels.at(this.cursor.x, this.cursor.y))]?.name ?? 'another colour';
    this.line.say(`Column ${this.cursor.x + 1}, row ${this.cursor.y + 1}: ${under}.`);
  }

  // A line is drawn from press to press; brush and eraser draw while the key is down.
  #pressed() {
    const {x, y} = this.cursor;
    if (this.stroke?.tool === 'line') {
      this.#up();
      this.line.say(`Line to column ${x + 1}, row ${y + 1}.`);
    } else if (!this.stroke) {
      this.#down({x, y});
      if (this.tool === 'line') this.line.say(`A line from column ${x + 1}, row ${y + 1}: move, then press again.`);
    }
  }

  #released() { if (this.stroke && this.stroke.tool !== 'line' && this.pointer === null) this.#up(); }

  pick(i) {
    this.inkChoice.choose(String(i));
    this.line.say(`${this.palette[i].name}.`);
  }

  // Whoever chooses a colour wants to paint with it.
  #ready() {
    if (this.tool === 'eraser') this.toolChoice.choose('brush');
    this.#mark();
  }

  // ----------------------------------------------------------------------------------------------------------------- drawing

  #told() {
    this.undoButton.disabled = !this.past.length;
    this.redoButton.disabled = !this.future.length;
  }

  #show(done) {
    const image = new ImageData(new Uint8ClampedArray(this.pixels.data.buffer.slice(0)), this.width, this.height);
    this.context.putImageData(image, 0, 0);
    if (done !== undefined) this.changed(done);
  }

  // Where the next dab would fall; the keyboard's cursor has a cross too. Black and white, seen on every colour.
  #mark() {
    const {over, size} = this, ratio = devicePixelRatio || 1;
    const [wide, high] = [over.clientWidth * ratio, over.clientHeight * ratio].map(Math.round);
    if (over.width !== wide || over.height !== high) Object.assign(over, {width: wide, height: high});
    const context = over.getContext('2d'), scale = wide / this.width;
    context.clearRect(0, 0, wide, high);
    const place = this.cursor.shown ? this.cursor : this.hover;
    if (!place || !wide) return;
    const middle = size % 2 ? 0.5 : 0;
    const [x, y] = [(place.x + middle) * scale, (place.y + middle) * scale];
    const path = new Path2D();
    if (this.tool === 'fill') path.rect(place.x * scale, place.y * scale, scale, scale);
    else path.arc(x, y, Math.max(size, 1) * scale / 2, 0, 2 * Math.PI);
    if (this.cursor.shown) {
      const reach = Math.max(size * scale / 2, 3 * ratio), arm = 9 * ratio;
      for (const [dx, dy] of Object.values(ARROWS)) {
        path.moveTo(x + dx * (reach + 3 * ratio), y + dy * (reach + 3 * ratio));
        path.lineTo(x + dx * (reach + arm), y + dy * (reach + arm));
      }
    }
    for (const [colour, width] of [['#000', 3.5], ['#fff', 1.5]]) {
      context.strokeStyle = colour;
      context.lineWidth = width * ratio;
      context.stroke(path);
    }
  }
}

export const KEYS = [
  ['Arrow keys', 'move the cursor by a pixel; with Shift by eight'],
  ['Space, Enter', 'paint; held down while moving: a stroke. Line: once where it begins, once where it ends'],
  ['B, L, F, E', 'brush, line, fill, eraser'],
  ['[ and ]', 'a smaller, a larger brush'],
  [', and .', 'the colour before, the next one; 1 to 9: one of the first nine; I: that under the cursor'],
  ['Z, Y', 'undo, redo (also with Ctrl)'],
  ['Escape', 'give up the line or stroke'],
  ['Right mouse button', 'the eraser'],
];

export const help = () => element('details', {class: 'help'}, element('summary', {}, 'Keys of the drawing'),
  element('dl', {}, KEYS.flatMap(([key, does]) => [element('dt', {}, key), element('dd', {}, does)])));
