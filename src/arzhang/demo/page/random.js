// PyTorch's random numbers on a CPU, by the keys of `arzhang.randomness`, so that a seed means the same image here and there.

// A generator for a key of integers and words.
export const generator = (...key) => new Twister(Number((blake2b(written(key)) >> 1n) & 0xffffffffn));

// A tuple as Python writes it.
const written = key => `(${key.map(one => (typeof one === 'string' ? `'${one}'` : one)).join(', ')}${key.length === 1 ? ',' : ''})`;

// ------------------------------------------------------------------------------------------------------------- BLAKE2b
// RFC 7693, of a message of one block (128 bytes), with a digest of eight bytes, which is the first word of the state.

const WORD = (1n << 64n) - 1n;
const START = [
  0x6a09e667f3bcc908n, 0xbb67ae8584caa73bn, 0x3c6ef372fe94f82bn, 0xa54ff53a5f1d36f1n,
  0x510e527fade682d1n, 0x9b05688c2b3e6c1fn, 0x1f83d9abfb41bd6bn, 0x5be0cd19137e2179n,
];
const ORDERS = [
  '0123456789abcdef', 'ea489fd61c02b753', 'b8c052fdae367194', '7931dcbe265a40f8', '905724afe1bc683d', '2c6a0b834d75fe19',
  'c51fed4a0763928b', 'db7ec13950f4862a', '6fe9b308c2d714a5', 'a2847615fb9e3cd0', '0123456789abcdef', 'ea489fd61c02b753',
];
const MIXED = ['048c', '159d', '26ae', '37bf', '05af', '16bc', '278d', '349e'].map(each => [...each].map(i => parseInt(i, 16)));
const turned = (value, bits) => ((value >> bits) | (value << (64n - bits))) & WORD;

function blake2b(text) {
  const bytes = new TextEncoder().encode(text);
  if (bytes.length > 128) throw new RangeError('a key of random numbers is too long');
  const block = new DataView(new ArrayBuffer(128));
  bytes.forEach((byte, i) => block.setUint8(i, byte));
  const message = Array.from({length: 16}, (_, i) => block.getBigUint64(8 * i, true));
  const first = START[0] ^ 0x01010008n;  // no key, one digest of eight bytes
  const v = [first, ...START.slice(1), ...START];
  v[12] ^= BigInt(bytes.length);
  v[14] ^= WORD;  // the last block
  for (const order of ORDERS) {
    MIXED.forEach(([a, b, c, d], i) => {
      const [x, y] = [order[2 * i], order[2 * i + 1]].map(at => message[parseInt(at, 16)]);
      v[a] = (v[a] + v[b] + x) & WORD;
      v[d] = turned(v[d] ^ v[a], 32n);
      v[c] = (v[c] + v[d]) & WORD;
      v[b] = turned(v[b] ^ v[c], 24n);
      v[a] = (v[a] + v[b] + y) & WORD;
      v[d] = turned(v[d] ^ v[a], 16n);
      v[c] = (v[c] + v[d]) & WORD;
      v[b] = turned(v[b] ^ v[c], 63n);
    });
  }
  return first ^ v[0] ^ v[8];
}

// ---------------------------------------------------------------------------------------------------- Mersenne Twister
// Matsumoto & Nishimura 1998, and what torch.rand and torch.randn make of it.

class Twister {
  constructor(seed) {
    this.state = new Uint32Array(624);
    this.state[0] = seed;
    for (let i = 1; i < 624; i++) {
      const before = this.state[i - 1] ^ (this.state[i - 1] >>> 30);
      this.state[i] = Math.imul(1812433253, before) + i;
    }
    this.at = 624;
    this.spare = null;
  }

  // 32 bits.
  next() {
    const {state} = this;
    if (this.at === 624) {
      for (let i = 0; i < 624; i++) {
        const y = (state[i] & 0x80000000) | (state[(i + 1) % 624] & 0x7fffffff);
        state[i] = state[(i + 397) % 624] ^ (y >>> 1) ^ (y & 1 ? 0x9908b0df : 0);
      }
      this.at = 0;
    }
    let y = state[this.at++];
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    return (y ^ (y >>> 18)) >>> 0;
  }

  // torch.rand(n): numbers in [0, 1) of 24 bits.
  uniform(n) { return Float32Array.from({length: n}, () => (this.next() & 0xffffff) / 2 ** 24); }

  // torch.randn(n): by Box and Muller, in blocks of sixteen, or one by one where there are fewer.
  normal(n) {
    if (n < 16) return Float32Array.from({length: n}, () => this.#one());
    const values = this.uniform(n);
    for (let i = 0; i + 16 <= n; i += 16) sixteen(values.subarray(i, i + 16));
    if (n % 16) {  // the last block once more, from new numbers
      values.set(this.uniform(16), n - 16);
      sixteen(values.subarray(n - 16));
    }
    return values;
  }

  #one() {
    if (this.spare !== null) {
      const spare = this.spare;
      this.spare = null;
      return spare;
    }
    const [angle, far] = [this.#fine(), this.#fine()];
    const radius = Math.sqrt(-2 * Math.log1p(-far));
    this.spare = radius * Math.sin(2 * Math.PI * angle);
    return radius * Math.cos(2 * Math.PI * angle);
  }

  // In [0, 1), of 53 bits.
  #fine() {
    const high = this.next(), low = this.next();
    return ((high & 0x1fffff) * 2 ** 32 + low) / 2 ** 53;
  }
}

function sixteen(values) {
  for (let i = 0; i < 8; i++) {
    const radius = Math.sqrt(-2 * Math.log(1 - values[i])), angle = 2 * Math.PI * values[i + 8];
    values[i] = radius * Math.cos(angle);
    values[i + 8] = radius * Math.sin(angle);
  }
}
