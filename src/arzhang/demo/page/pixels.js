// A picture of whole pixels, each of one colour exactly: what a label map must stay while it is painted.
//
// A colour is the 32-bit word that ImageData holds for it (bytes red, green, blue, alpha in memory, as every browser's
// machine is little-endian).

export const packed = hex => {
  const [r, g, b] = [1, 3, 5].map(at => parseInt(hex.slice(at, at + 2), 16));
  return (0xff000000 | (b << 16) | (g << 8) | r) >>> 0;
};

export class Pixels {
  constructor(height, width, colour) {
    this.height = height;
    this.width = width;
    this.data = new Uint32Array(height * width).fill(colour);
  }

  inside(x, y) { return x >= 0 && y >= 0 && x < this.width && y < this.height; }
  at(x, y) { return this.data[y * this.width + x]; }

  // A disc of so many pixels across, of which (x, y) is the middle one, or of an even number the one right below it.
  dab(x, y, size, colour) {
    const middle = (size - 1) / 2, left = Math.floor(size / 2);
    for (let j = 0; j < size; j++) {
      for (let i = 0; i < size; i++) {
        const [u, v] = [x - left + i, y - left + j];
        if (Math.hypot(i - middle, j - middle) < size / 2 && this.inside(u, v)) this.data[v * this.width + u] = colour;
      }
    }
  }

  line(from, to, size, colour) {
    const steps = Math.max(Math.abs(to.x - from.x), Math.abs(to.y - from.y), 1);
    for (let i = 0; i <= steps; i++) {
      const along = i / steps;
      this.dab(Math.round(from.x + (to.x - from.x) * along), Math.round(from.y + (to.y - from.y) * along), size, colour);
    }
  }

  // Everything of the colour at (x, y) that is connected with it over edges.
  fill(x, y, colour) {
    if (!this.inside(x, y)) return;
    const {data, width} = this, old = this.at(x, y), waiting = [y * width + x];
    if (old === colour) return;
    while (waiting.length) {
      const i = waiting.pop();
      if (data[i] !== old) continue;
      data[i] = colour;
      if (i % width > 0) waiting.push(i - 1);
      if (i % width < width - 1) waiting.push(i + 1);
      if (i >= width) waiting.push(i - width);
      if (i + width < data.length) waiting.push(i + width);
    }
  }

  // From a picture of any size, by nearest neighbour: a mean of two classes' colours belongs to a third.
  resized({data, height, width}) {
    const words = new Uint32Array(data.buffer);
    for (let y = 0; y < this.height; y++) {
      const row = Math.floor((y + 0.5) * height / this.height) * width;
      for (let x = 0; x < this.width; x++) {
        this.data[y * this.width + x] = words[row + Math.floor((x + 0.5) * width / this.width)];
      }
    }
  }

  // Each pixel to the nearest of the colours (Euclidean; of equally near ones the first). How many were moved.
  snap(colours) {
    const bytes = new Uint8Array(this.data.buffer), near = new Map(colours.map(colour => [colour, colour]));
    const table = colours.map(colour => [colour & 255, (colour >> 8) & 255, (colour >> 16) & 255]);
    let moved = 0;
    this.data.forEach((old, i) => {
      if (!near.has(old)) {
        let best = Infinity;
        table.forEach(([r, g, b], k) => {
          const away = (bytes[4 * i] - r) ** 2 + (bytes[4 * i + 1] - g) ** 2 + (bytes[4 * i + 2] - b) ** 2;
          if (away < best) { best = away; near.set(old, colours[k]); }
        });
      }
      if (near.get(old) !== old) moved++;
    });
    // Only now, as the bytes above are the same memory.
    this.data.forEach((old, i) => { this.data[i] = near.get(old); });
    return moved;
  }
}
