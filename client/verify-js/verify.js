/*
 * An offline verifier of Tracebinder's evidence binders, format 1.0: one file, no dependencies, no network.
 *
 * Written from docs/reference/binder.md and docs/reference/log.md; it shares no code with the server or with the
 * verifier in Python, which must give the same answers. It unpacks, hashes and reads JSON itself; the platform gives
 * Unicode and, by WebCrypto, Ed25519.
 *
 * It is a plain script and no ES module, because browsers refuse to load modules from a disk. In a page it defines
 * `TracebinderVerifier`; in Node, `require("./verify.js")` gives the same object.
 */
(function (root) {
  "use strict";

  // ---------------------------------------------------------------------------------------------- what is wrong

  const FAILED = 1;
  const MALFORMED = 2;
  const TRUST_NOT_MET = 3;
  const UNVERIFIABLE = 4;
  // What is worst to find decides the exit code: unreadable, then too new, then untrue, then not vouched for.
  const GRAVITY = { [MALFORMED]: 4, [UNVERIFIABLE]: 3, [FAILED]: 2, [TRUST_NOT_MET]: 1 };

  /** One thing found wrong: an exit code, a sentence, and the file of the binder it was found in. */
  class VerifyError extends Error {
    constructor(exitCode, detail, member = "") {
      super(member ? `${member}: ${detail}` : detail);
      this.exitCode = exitCode;
      this.detail = detail;
      this.member = member;
    }
  }

  const failed = (detail, member) => new VerifyError(FAILED, detail, member);
  const malformed = (detail, member) => new VerifyError(MALFORMED, detail, member);
  const notTrusted = (detail, member) => new VerifyError(TRUST_NOT_MET, detail, member);
  const unverifiable = (detail, member) => new VerifyError(UNVERIFIABLE, detail, member);

  const LINES = ["integrity", "origin", "container", "log inclusion", "witnessed", "completeness", "freshness"];

  /** The answers line by line, and the problems. A line that failed stays failed, with its first problem's text. */
  class Report {
    constructor() {
      this.binderId = "";
      this.zipSha256 = "";
      this.statement = new Map();
      this.problems = [];
      this.answers = new Map();
    }

    answer(name, state, detail) {
      if (this.answers.get(name)?.state !== "failed") this.answers.set(name, { name, state, detail });
    }

    fail(name, error) {
      if (!(error instanceof VerifyError)) throw error;
      const { member, detail, exitCode } = error;
      this.problems.push({ line: name, member, detail, exitCode });
      this.answer(name, "failed", error.message);
    }

    /** Run one step; what it refuses is noted on this line. */
    async noting(name, step) {
      try {
        await step();
      } catch (error) {
        this.fail(name, error);
      }
    }

    /** Return a line as it stands; one that was never reached is not checked. */
    line(name) {
      return this.answers.get(name) ?? { name, state: "not checked", detail: "an earlier problem stopped the check" };
    }

    get lines() {
      return LINES.map((name) => this.line(name));
    }

    get exitCode() {
      const codes = this.problems.map((problem) => problem.exitCode);
      return codes.reduce((worst, code) => (GRAVITY[code] > (GRAVITY[worst] ?? 0) ? code : worst), 0);
    }

    /** Return the report as both verifiers print it with `--json`. */
    toJson() {
      const { exitCode, binderId, zipSha256, lines, problems, statement } = this;
      return escapeHidden(writeJson({ exitCode, verified: exitCode === 0, binderId, zipSha256, lines, problems, statement }));
    }
  }

  // ---------------------------------------------------------------------------------------------- bytes and text

  const encoder = new TextEncoder();
  const utf8 = (text) => encoder.encode(text);
  // Characters that nobody sees: a terminal obeys some of them, and others turn or hide what is read.
  const HIDDEN_SIGNS = new RegExp(
    "[\\u0000-\\u001f\\u007f-\\u009f\\u00ad\\u034f\\u061c\\u115f\\u1160\\u17b4\\u17b5\\u180b-\\u180f\\u200b-\\u200f"
      + "\\u2028-\\u202e\\u2060-\\u206f\\u2800\\u3164\\ufe00-\\ufe0d\\ufeff\\uffa0\\ufff9-\\ufffb\\u{1bca0}-\\u{1bca3}"
      + "\\u{1d173}-\\u{1d17a}\\u{e0000}-\\u{e007f}\\u{e0100}-\\u{e01ef}]", "gu");

  /** Return a text of one line for a person, with a mark in place of each character that nobody sees. */
  function showHidden(text) {
    const mark = (sign) => `⟦U+${sign.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}⟧`;
    return String(text).replace(HIDDEN_SIGNS, mark);
  }

  /** Return JSON in which they are escaped: it reads back the same. */
  function escapeHidden(json) {
    const escaped = (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
    return json.replace(HIDDEN_SIGNS, (sign) => sign.split("").map(escaped).join(""));
  }

  const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

  /** Return the text of UTF-8 bytes, null when they are not; a byte order mark is kept as the character it is. */
  function decodeUtf8(bytes) {
    try {
      return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    } catch {
      return null;
    }
  }

  const latin1 = (bytes) => Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");

  function sameBytes(one, other) {
    return one.length === other.length && one.every((byte, place) => byte === other[place]);
  }

  function join(...parts) {
    const whole = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
    let at = 0;
    for (const part of parts) {
      whole.set(part, at);
      at += part.length;
    }
    return whole;
  }

  /** Return the bytes of a padded base64 text in its one proper form. */
  function decodeBase64(text, member, length = null) {
    if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text) || text.endsWith("\n")) {
      throw malformed(`not base64: '${text.slice(0, 40)}'`, member);
    }
    const raw = atob(text);
    if (btoa(raw) !== text) throw malformed(`base64 not in its one proper form: '${text.slice(0, 40)}'`, member);
    if (length !== null && raw.length !== length) {
      throw malformed(`expected ${length} bytes of base64, found ${raw.length}`, member);
    }
    return Uint8Array.from(raw, (character) => character.charCodeAt(0));
  }

  // ---------------------------------------------------------------------------------------------- SHA-256 (FIPS 180-4)

  const firstPrimes = (count) => {
    const found = [];
    for (let n = 2; found.length < count; n++) if (found.every((prime) => n % prime)) found.push(n);
    return found;
  };
  const fraction32 = (number) => ((number - Math.floor(number)) * 2 ** 32) | 0;
  const ROUND_CONSTANTS = Int32Array.from(firstPrimes(64), (prime) => fraction32(Math.cbrt(prime)));
  const FIRST_STATE = Int32Array.from(firstPrimes(8), (prime) => fraction32(Math.sqrt(prime)));
  const schedule = new Int32Array(64);

  class Sha256 {
    constructor() {
      this.state = FIRST_STATE.slice();
      this.block = new Uint8Array(64);
      this.pending = 0; // bytes in the block
      this.length = 0; // bytes so far
    }

    update(bytes) {
      let at = 0;
      this.length += bytes.length;
      if (this.pending) {
        at = Math.min(64 - this.pending, bytes.length);
        this.block.set(bytes.subarray(0, at), this.pending);
        this.pending += at;
        if (this.pending < 64) return this;
        compress(this.state, this.block, 0);
      }
      for (; at + 64 <= bytes.length; at += 64) compress(this.state, bytes, at);
      this.block.set(bytes.subarray(at));
      this.pending = bytes.length - at;
      return this;
    }

    digest() {
      const length = this.length;
      const tail = new Uint8Array((this.pending < 56 ? 64 : 128) - this.pending);
      tail[0] = 0x80;
      new DataView(tail.buffer).setBigUint64(tail.length - 8, BigInt(length) * 8n);
      this.update(tail);
      const out = new Uint8Array(32);
      const view = new DataView(out.buffer);
      this.state.forEach((word, place) => view.setInt32(4 * place, word));
      return out;
    }
  }

  function compress(state, bytes, at) {
    const w = schedule;
    for (let i = 0; i < 16; i++, at += 4) {
      w[i] = (bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3];
    }
    for (let i = 16; i < 64; i++) {
      const x = w[i - 15];
      const y = w[i - 2];
      const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
      const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
      w[i] = (w[i - 16] + s0 + w[i - 7] + s1) | 0;
    }
    let [a, b, c, d, e, f, g, h] = state;
    for (let i = 0; i < 64; i++) {
      const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
      const one = (h + s1 + ((e & f) ^ (~e & g)) + ROUND_CONSTANTS[i] + w[i]) | 0;
      const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
      const two = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      h = g;
      g = f;
      f = e;
      e = (d + one) | 0;
      d = c;
      c = b;
      b = a;
      a = (one + two) | 0;
    }
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
    state[4] += e;
    state[5] += f;
    state[6] += g;
    state[7] += h;
  }

  const sha256 = (...parts) => parts.reduce((hash, part) => hash.update(part), new Sha256()).digest();

  // ---------------------------------------------------------------------------------------------- CRC-32

  const CRC_TABLE = Int32Array.from({ length: 256 }, (_, byte) => {
    let value = byte;
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
    return value;
  });

  /** Return the checksum after more bytes; begin with -1, and end with `~crc >>> 0`. */
  function moreCrc(crc, bytes) {
    for (let i = 0; i < bytes.length; i++) crc = CRC_TABLE[(crc ^ bytes[i]) & 0xff] ^ (crc >>> 8);
    return crc;
  }

  // ---------------------------------------------------------------------------------------------- DEFLATE (RFC 1951)

  const CHUNK = 1 << 16;
  const WINDOW = 1 << 15; // how far back a copy may reach
  const LONGEST_COPY = 258;
  const ENOUGH_INPUT = 1024; // bytes; more than a block's header or a symbol can take
  const CODE_LENGTH_ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
  const [LENGTH_BASE, LENGTH_BITS] = [[], []];
  const [DISTANCE_BASE, DISTANCE_BITS] = [[], []];
  for (let code = 0, base = 3; code < 28; code++) {
    LENGTH_BASE.push(base);
    LENGTH_BITS.push(code < 8 ? 0 : (code >> 2) - 1);
    base += 1 << LENGTH_BITS[code];
  }
  LENGTH_BASE.push(LONGEST_COPY);
  LENGTH_BITS.push(0);
  for (let code = 0, base = 1; code < 30; code++) {
    DISTANCE_BASE.push(base);
    DISTANCE_BITS.push(code < 4 ? 0 : (code >> 1) - 1);
    base += 1 << DISTANCE_BITS[code];
  }

  class Damaged extends Error {}

  /**
   * A Huffman code as one table: what the next bits begin with -> symbol and length, 0 where no code does.
   *
   * An over-subscribed set is refused, and so is an incomplete one; but a code of distances or literals may consist of
   * a single code of one bit, and one of distances of none at all.
   */
  function huffman(lengths, mayBeIncomplete) {
    const count = new Int32Array(16);
    for (const length of lengths) count[length]++;
    count[0] = 0;
    let longest = 15;
    while (longest && !count[longest]) longest--;
    let left = 1;
    const next = new Int32Array(16);
    for (let length = 1, code = 0; length <= 15; length++) {
      left = left * 2 - count[length];
      if (left < 0) throw new Damaged("an over-subscribed code");
      next[length] = code = (code + (length > 1 ? count[length - 1] : 0)) << 1;
    }
    if (longest && left > 0 && !(mayBeIncomplete && longest === 1)) throw new Damaged("an incomplete code");
    const table = new Uint16Array(1 << longest);
    lengths.forEach((length, symbol) => {
      if (!length) return;
      let reversed = 0;
      for (let bit = 0, code = next[length]; bit < length; bit++, code >>= 1) reversed = (reversed << 1) | (code & 1);
      next[length]++;
      for (let i = reversed; i < table.length; i += 1 << length) table[i] = (symbol << 4) | length;
    });
    return { table, mask: table.length - 1 };
  }

  const FIXED_LITERALS = huffman(
    Array.from({ length: 288 }, (_, n) => (n < 144 ? 8 : n < 256 ? 9 : n < 280 ? 7 : 8)), false);
  const FIXED_DISTANCES = huffman(new Array(32).fill(5), false);

  /** A DEFLATE stream, unpacked as its bytes come in. */
  class Inflater {
    constructor() {
      this.input = new Uint8Array(0);
      this.at = 0;
      this.isLast = false; // no more input comes
      this.bits = 0;
      this.nBits = 0;
      this.output = new Uint8Array(WINDOW + CHUNK + LONGEST_COPY);
      this.begin = 0; // of what was not handed out yet
      this.end = 0;
      this.inBlock = false;
      this.isFinalBlock = false;
      this.stored = 0; // bytes left of a stored block
      this.literals = null; // null: a stored block
      this.distances = null;
      this.isDone = false;
    }

    feed(piece, isLast) {
      this.input = join(this.input.subarray(this.at), piece);
      this.at = 0;
      this.isLast = isLast;
    }

    /** Bytes of input that the stream did not need. */
    get left() {
      return this.input.length - this.at + (this.nBits >> 3);
    }

    /** Whether there is room for output, and input enough for whatever comes next. */
    get mayGoOn() {
      return this.end - this.begin < CHUNK && (this.isLast || this.input.length - this.at >= ENOUGH_INPUT);
    }

    /** Return the next piece of output; empty when more input is wanted, or the stream is done. */
    next() {
      this.slide();
      while (!this.isDone && this.mayGoOn) {
        if (!this.inBlock) this.openBlock();
        else if (this.literals) this.readSymbols();
        else this.copyStored();
      }
      const piece = this.output.slice(this.begin, this.end);
      this.begin = this.end;
      return piece;
    }

    slide() {
      if (this.end <= WINDOW) return;
      this.output.copyWithin(0, this.end - WINDOW, this.end);
      this.begin = this.end = WINDOW;
    }

    take(count) {
      while (this.nBits < count) {
        if (this.at >= this.input.length) throw new Damaged("the stream does not end with its bytes");
        this.bits |= this.input[this.at++] << this.nBits;
        this.nBits += 8;
      }
      const value = this.bits & ((1 << count) - 1);
      this.bits >>>= count;
      this.nBits -= count;
      return value;
    }

    symbol({ table, mask }) {
      while (this.nBits < 15 && this.at < this.input.length) {
        this.bits |= this.input[this.at++] << this.nBits;
        this.nBits += 8;
      }
      const found = table[this.bits & mask];
      const length = found & 15;
      if (!length || length > this.nBits) throw new Damaged("no code begins with these bits");
      this.bits >>>= length;
      this.nBits -= length;
      return found >> 4;
    }

    openBlock() {
      if (this.isFinalBlock) {
        this.isDone = true;
        return;
      }
      this.isFinalBlock = this.take(1) === 1;
      const kind = this.take(2);
      if (kind === 3) throw new Damaged("a block of no known kind");
      this.inBlock = true;
      if (kind === 0) this.openStored();
      else if (kind === 1) [this.literals, this.distances] = [FIXED_LITERALS, FIXED_DISTANCES];
      else this.readCodes();
    }

    openStored() {
      this.take(this.nBits & 7);
      this.stored = this.take(16);
      if (this.take(16) !== (~this.stored & 0xffff)) throw new Damaged("a stored block of two lengths");
      this.literals = null;
    }

    copyStored() {
      const room = this.output.length - this.end;
      const available = this.left;
      const count = Math.min(this.stored, room, available);
      if (!count && this.stored) throw new Damaged("the stream does not end with its bytes");
      let copied = 0;
      for (; copied < count && this.nBits; copied++) this.output[this.end++] = this.take(8);
      this.output.set(this.input.subarray(this.at, this.at + count - copied), this.end);
      this.at += count - copied;
      this.end += count - copied;
      this.stored -= count;
      this.inBlock = this.stored > 0;
    }

    readCodes() {
      const nLiterals = this.take(5) + 257;
      const nDistances = this.take(5) + 1;
      const nLengths = this.take(4) + 4;
      if (nLiterals > 286 || nDistances > 30) throw new Damaged("too many symbols");
      const ofLengths = new Array(19).fill(0);
      for (let i = 0; i < nLengths; i++) ofLengths[CODE_LENGTH_ORDER[i]] = this.take(3);
      const code = huffman(ofLengths, false);
      const lengths = [];
      while (lengths.length < nLiterals + nDistances) {
        const symbol = this.symbol(code);
        if (symbol < 16) {
          lengths.push(symbol);
          continue;
        }
        if (symbol === 16 && !lengths.length) throw new Damaged("repeats a length before the first");
        const value = symbol === 16 ? lengths[lengths.length - 1] : 0;
        const count = symbol === 16 ? 3 + this.take(2) : symbol === 17 ? 3 + this.take(3) : 11 + this.take(7);
        if (lengths.length + count > nLiterals + nDistances) throw new Damaged("repeats a length too often");
        for (let i = 0; i < count; i++) lengths.push(value);
      }
      if (!lengths[256]) throw new Damaged("a block without an end");
      this.literals = huffman(lengths.slice(0, nLiterals), true);
      this.distances = huffman(lengths.slice(nLiterals), true);
    }

    readSymbols() {
      const { output, literals, distances } = this;
      while (this.mayGoOn) {
        const symbol = this.symbol(literals);
        if (symbol < 256) {
          output[this.end++] = symbol;
          continue;
        }
        if (symbol === 256) {
          this.inBlock = false;
          return;
        }
        if (symbol > 285) throw new Damaged("a length of no known code");
        const length = LENGTH_BASE[symbol - 257] + this.take(LENGTH_BITS[symbol - 257]);
        const code = this.symbol(distances);
        if (code > 29) throw new Damaged("a distance of no known code");
        const distance = DISTANCE_BASE[code] + this.take(DISTANCE_BITS[code]);
        if (distance > this.end) throw new Damaged("a distance that reaches before the beginning");
        for (let from = this.end - distance, last = from + length; from < last; from++) output[this.end++] = output[from];
      }
    }
  }

  // ---------------------------------------------------------------------------------------------- JSON, read strictly

  const DEEPEST = 256; // objects and arrays inside one another
  const MOST_DIGITS = 4300; // of one integer
  const NUMBER = /-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?/y;
  const ESCAPES = { '"': '"', "\\": "\\", "/": "/", b: "\b", f: "\f", n: "\n", r: "\r", t: "\t" };

  /**
   * Reads one JSON text. Objects become Maps, arrays Arrays, integers BigInts, other numbers Numbers: 1 and 1.0 are told
   * apart, because the format asks for whole numbers in places.
   */
  class JsonReader {
    constructor(text) {
      this.text = text;
      this.at = 0;
    }

    document() {
      const value = this.value(0);
      this.space();
      if (this.at !== this.text.length) this.refuse("goes on after its end");
      return value;
    }

    refuse(why) {
      throw new Damaged(`not valid JSON: ${why} (at ${this.at})`);
    }

    space() {
      for (;;) {
        const code = this.text.charCodeAt(this.at);
        if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return;
        this.at++;
      }
    }

    value(depth) {
      this.space();
      switch (this.text[this.at]) {
        case "{":
          return this.object(depth + 1);
        case "[":
          return this.array(depth + 1);
        case '"':
          return this.string();
        case "t":
          return this.word("true", true);
        case "f":
          return this.word("false", false);
        case "n":
          return this.word("null", null);
        default:
          return this.number();
      }
    }

    word(word, value) {
      if (!this.text.startsWith(word, this.at)) this.refuse("no value");
      this.at += word.length;
      return value;
    }

    number() {
      NUMBER.lastIndex = this.at;
      const found = NUMBER.exec(this.text);
      if (!found) this.refuse("no value");
      this.at += found[0].length;
      if (found[1] === undefined && found[2] === undefined) {
        if (found[0].length > MOST_DIGITS + (found[0][0] === "-")) this.refuse("a number with too many digits");
        return BigInt(found[0]);
      }
      const number = Number(found[0]);
      if (!Number.isFinite(number)) this.refuse("a number too large for a double");
      return number;
    }

    string() {
      const { text } = this;
      let begin = ++this.at;
      let whole = "";
      for (;;) {
        const code = text.charCodeAt(this.at);
        if (code === 0x22) {
          whole += text.slice(begin, this.at++);
          return whole;
        }
        if (!(code >= 0x20)) this.refuse("a string with a control character, or without its end");
        if (code !== 0x5c) {
          this.at++;
          continue;
        }
        whole += text.slice(begin, this.at) + this.escape();
        begin = this.at;
      }
    }

    escape() {
      const sign = this.text[this.at + 1];
      if (sign !== "u") {
        if (!Object.hasOwn(ESCAPES, sign ?? "")) this.refuse("no such escape");
        this.at += 2;
        return ESCAPES[sign];
      }
      const unit = this.unit();
      if (unit < 0xd800 || unit > 0xdfff) return String.fromCharCode(unit);
      const second = unit < 0xdc00 && this.text.startsWith("\\u", this.at) ? this.unit() : 0;
      if (second < 0xdc00 || second > 0xdfff) this.refuse("half of a surrogate pair is no character");
      return String.fromCharCode(unit, second);
    }

    unit() {
      const digits = this.text.slice(this.at + 2, this.at + 6);
      if (!/^[0-9a-fA-F]{4}$/.test(digits)) this.refuse("no such escape");
      this.at += 6;
      return parseInt(digits, 16);
    }

    array(depth) {
      const found = [];
      this.open(depth);
      if (this.closes("]")) return found;
      do found.push(this.value(depth));
      while (this.goesOn("]"));
      return found;
    }

    object(depth) {
      const found = new Map();
      this.open(depth);
      if (this.closes("}")) return found;
      do {
        this.space();
        if (this.text[this.at] !== '"') this.refuse("no key");
        const key = this.string();
        if (found.has(key)) throw new Damaged("a JSON object has the same key twice");
        this.space();
        if (this.text[this.at++] !== ":") this.refuse("no colon");
        found.set(key, this.value(depth));
      } while (this.goesOn("}"));
      return found;
    }

    open(depth) {
      if (depth > DEEPEST) this.refuse(`nested more than ${DEEPEST} deep`);
      this.at++;
    }

    closes(sign) {
      this.space();
      if (this.text[this.at] !== sign) return false;
      this.at++;
      return true;
    }

    goesOn(sign) {
      this.space();
      const found = this.text[this.at++];
      if (found !== "," && found !== sign) this.refuse("neither a comma nor an end");
      return found === ",";
    }
  }

  function parseJson(bytes, member) {
    const text = decodeUtf8(bytes);
    if (text === null) throw malformed("not valid JSON: not UTF-8", member);
    try {
      return new JsonReader(text).document();
    } catch (error) {
      throw error instanceof Damaged ? malformed(error.message, member) : error;
    }
  }

  function parseObject(bytes, member) {
    const value = parseJson(bytes, member);
    if (!isObject(value)) throw malformed("not a JSON object", member);
    return value;
  }

  const isObject = (value) => value instanceof Map;
  const isText = (value) => typeof value === "string";
  const isWhole = (value) => typeof value === "bigint";
  const isNumber = (value) => typeof value === "bigint" || typeof value === "number";

  const demand = (holds, key, what) => (value, name, member) => {
    const found = value.get(name);
    if (!holds(found)) throw malformed(`'${name}' must be ${what}`, member);
    return found;
  };
  const textAt = demand(isText, "", "a string");
  const wholeAt = demand((found) => isWhole(found) && found >= 0n, "", "a whole number, 0 or more");
  const objectAt = demand(isObject, "", "an object");
  const isList = (holds) => (found) => Array.isArray(found) && found.every(holds);
  const objectsAt = demand(isList(isObject), "", "a list of objects");
  const textsAt = demand(isList(isText), "", "a list of strings");

  /** Whether two JSON values are the same: 1 and 1.0 are, 1 and true are not, the order of keys does not count. */
  function sameJson(one, other) {
    if (isNumber(one) && isNumber(other)) return one == other; // a BigInt and a Number of one value
    if (Array.isArray(one) && Array.isArray(other)) {
      return one.length === other.length && one.every((item, place) => sameJson(item, other[place]));
    }
    if (isObject(one) && isObject(other)) {
      return one.size === other.size && [...one].every(([key, item]) => other.has(key) && sameJson(item, other.get(key)));
    }
    return one === other;
  }

  const isInexact = (whole) => whole >= 2n ** 53n || whole <= -(2n ** 53n);

  /** Return the RFC 8785 text of a JSON value; an integer of 2^53 or more has none. */
  function canonicalJson(value) {
    if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
    if (isObject(value)) {
      const keys = [...value.keys()].sort(); // by UTF-16 code units, as the RFC asks
      return `{${keys.map((key) => `${JSON.stringify(key)}:${canonicalJson(value.get(key))}`).join(",")}}`;
    }
    if (typeof value !== "bigint") return JSON.stringify(value);
    if (isInexact(value)) throw new Damaged(`${value} is a number that JSON readers round`);
    return String(value);
  }

  /** Return the JSON of a report, in which the statement's Maps and BigInts stand. */
  function writeJson(value) {
    if (value instanceof Map) value = Object.fromEntries(value);
    if (typeof value === "bigint") return String(value);
    if (Array.isArray(value)) return `[${value.map(writeJson).join(",")}]`;
    if (value === null || typeof value !== "object") return JSON.stringify(value);
    return `{${Object.entries(value).map(([key, item]) => `${JSON.stringify(key)}:${writeJson(item)}`).join(",")}}`;
  }

  // ---------------------------------------------------------------------------------------------- time

  const TIME = /^([12][0-9]{3})-([0-9]{2})-([0-9]{2})T([01][0-9]|2[0-3]):([0-5][0-9]):([0-5][0-9])(?:\.([0-9]{1,6}))?(?:Z|([+-])([01][0-9]|2[0-3]):([0-5][0-9]))$/;
  const MICROSECONDS_A_DAY = 86_400_000_000n;
  const MICROSECONDS_A_SECOND = 1_000_000n;
  const CLOCKS = 300n * MICROSECONDS_A_SECOND; // by which two machines' clocks may differ

  /** Return a time in microseconds since 1970, and as Python writes it. */
  function timeAt(value, key, member) {
    const text = textAt(value, key, member);
    const found = TIME.exec(text);
    if (!found) throw malformed(`'${key}' is not a time with its zone: '${text.slice(0, 40)}'`, member);
    const [, year, month, day, hour, minute, second, rest = "", sign, zoneHours, zoneMinutes] = found;
    const local = new Date(Date.UTC(year, month - 1, day, hour, minute, second));
    if (local.getUTCMonth() !== month - 1 || local.getUTCDate() !== Number(day)) {
      throw malformed(`'${key}' is no day of the calendar: '${text.slice(0, 40)}'`, member);
    }
    const micros = rest.padEnd(6, "0");
    const offset = sign ? (sign === "-" ? -1 : 1) * (60 * zoneHours + Number(zoneMinutes)) : 0; // minutes
    const at = BigInt(local.getTime() - offset * 60_000) * 1000n + BigInt(micros);
    const zone = offset ? `${sign}${zoneHours}:${zoneMinutes}` : "+00:00";
    return { at, text: text.slice(0, 19) + (Number(micros) ? `.${micros}` : "") + zone };
  }

  const monthOf = ({ at }) => new Date(Number(at / 1000n)).toISOString().slice(0, 7).replace("-", "_");

  // ---------------------------------------------------------------------------------------------- ZIP (APPNOTE 6.3.10)

  const [END_SIZE, END64_SIZE, LOCATOR_SIZE, CENTRAL_SIZE, LOCAL_SIZE] = [22, 56, 20, 46, 30]; // bytes
  const [END_MARK, END64_MARK, LOCATOR_MARK] = [0x06054b50, 0x06064b50, 0x07064b50];
  const [CENTRAL_MARK, LOCAL_MARK, DESCRIPTOR_MARK] = [0x02014b50, 0x04034b50, 0x08074b50];
  const END64_REST = END64_SIZE - 12; // what that record calls its size
  const [STORED, DEFLATED] = [0, 8];
  const [HAS_DESCRIPTOR, UTF8, EFFORT] = [0x8, 0x800, 0x6];
  const NEWEST = 45; // "version needed": 4.5 is ZIP64; later ones mean encryption and other methods
  const [FULL16, FULL32] = [0xffff, 0xffffffff];
  const ZIP64_EXTRA = 0x0001;
  const IDLE_EXTRAS = new Set([0x5455, 0x7875, 0xcafe]); // times and owners, and the mark of `jar`
  const [DOS, UNIX] = [0, 3];
  const [KIND, FOLDER, FILE] = [0o170000, 0o040000, 0o100000];

  /** The file that is verified: something that gives `size`, and the bytes from a place on. */
  class File {
    constructor({ size, read }) {
      this.size = size;
      this.readSource = read;
      this.begin = 0;
      this.block = new Uint8Array(0);
    }

    /** Return at most `length` bytes; fewer at the end of the file. */
    async read(at, length) {
      length = Math.max(0, Math.min(length, this.size - at));
      const inside = at - this.begin;
      if (inside < 0 || inside + length > this.block.length) {
        this.block = await this.readSource(at, Math.min(Math.max(length, CHUNK), this.size - at));
        this.begin = at;
        return this.block.subarray(0, length);
      }
      return this.block.subarray(inside, inside + length);
    }
  }

  /** The fields of a record, read one after another. */
  class Fields {
    constructor(bytes, at = 0) {
      this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      this.at = at;
    }

    u8() {
      return this.view.getUint8(this.at++);
    }

    u16() {
      return this.view.getUint16((this.at += 2) - 2, true);
    }

    u32() {
      return this.view.getUint32((this.at += 4) - 4, true);
    }

    u64() {
      const value = this.view.getBigUint64((this.at += 8) - 8, true);
      return value > Number.MAX_SAFE_INTEGER ? Infinity : Number(value); // no file has such a size or place
    }
  }

  async function readRecord(file, size, mark, at) {
    const bytes = at < 0 ? [] : await file.read(at, size);
    const fields = bytes.length === size ? new Fields(bytes) : null;
    if (fields?.u32() !== mark) throw malformed("not a ZIP, or one whose records are not where they should be");
    return fields;
  }

  async function readEnd(file) {
    const at = file.size - END_SIZE;
    if (at < 0) throw malformed("not a ZIP: too short");
    const end = await readRecord(file, END_SIZE, END_MARK, at);
    const disks = [end.u16(), end.u16()];
    const [here, count, size, begin, comment] = [end.u16(), end.u16(), end.u32(), end.u32(), end.u16()];
    if (comment) throw malformed("the ZIP has a comment");
    const locator = at - LOCATOR_SIZE;
    const mark = locator >= 0 ? new Fields(await file.read(locator, 4)).u32() : 0;
    const long = mark === LOCATOR_MARK ? await readEnd64(file, locator) : null;
    if (!long && (size === FULL32 || begin === FULL32 || count === FULL16)) {
      throw malformed("the ZIP64 record that its end names is not there");
    }
    const directory = long ?? { begin, size, count, end: at };
    const agrees = (short, true_, full) => short === true_ || (long && short === full);
    if (!(disks.every((disk) => agrees(disk, 0, FULL16)) && agrees(here, directory.count, FULL16)
      && agrees(count, directory.count, FULL16) && agrees(size, directory.size, FULL32)
      && agrees(begin, directory.begin, FULL32))) {
      throw malformed("the end of the ZIP disagrees with itself or with its ZIP64 record");
    }
    if (directory.begin + directory.size !== directory.end) throw malformed("bytes between the directory and the end");
    return directory;
  }

  async function readEnd64(file, locator) {
    const found = await readRecord(file, LOCATOR_SIZE, LOCATOR_MARK, locator);
    const [disk, at, disks] = [found.u32(), found.u64(), found.u32()];
    if (disk !== 0 || disks !== 1 || at + END64_SIZE !== locator) {
      throw malformed("the ZIP64 record is not where it must be");
    }
    const end = await readRecord(file, END64_SIZE, END64_MARK, at);
    const rest = end.u64();
    end.u16(); // by which version it was made
    const [needed, ownDisk, itsDisk] = [end.u16(), end.u32(), end.u32()];
    const [here, count, size, begin] = [end.u64(), end.u64(), end.u64(), end.u64()];
    if (ownDisk || itsDisk || rest !== END64_REST || here !== count || needed > NEWEST) {
      throw malformed("the ZIP64 record is not of the usual form");
    }
    return { begin, size, count, end: at };
  }

  /** Return the members in the order in which they stand, after checking every header. */
  async function readEntries(file, most) {
    const directory = await readEnd(file);
    if (directory.count < 1 || directory.count > most) throw malformed(`the ZIP has ${directory.count} members`);
    const entries = await readDirectory(file, directory);
    let position = 0;
    for (const entry of entries) {
      if (entry.header !== position) {
        throw malformed("bytes before this member belong to none, or it stands out of order", entry.name);
      }
      await readLocal(file, entry);
      position = entry.data + entry.packed;
      if (position > directory.begin) throw malformed("its packed bytes reach into the directory", entry.name);
      position += await readDescriptor(file, entry, position);
    }
    if (position !== directory.begin) throw malformed("bytes between the last member and the directory");
    return entries;
  }

  async function readDirectory(file, directory) {
    const entries = [];
    let at = directory.begin;
    for (let left = directory.count; left; left--) {
      const { entry, size } = await readCentral(file, at);
      entries.push(entry);
      at += size;
    }
    if (at !== directory.end) throw malformed("the directory lists another number of members than it says");
    return entries;
  }

  async function readCentral(file, at) {
    const head = await readRecord(file, CENTRAL_SIZE, CENTRAL_MARK, at);
    head.u16(); // by which version, and on what system, it was made
    const [needed, neededFor, flags, method] = [head.u8(), head.u8(), head.u16(), head.u16()];
    const stamp = head.u32();
    const [crc, packed, size] = [head.u32(), head.u32(), head.u32()];
    const [nameLength, extraLength, comment, disk, inner] = [head.u16(), head.u16(), head.u16(), head.u16(), head.u16()];
    const [outer, header] = [head.u32(), head.u32()];
    const raw = (await file.read(at + CENTRAL_SIZE, nameLength)).slice();
    const extra = await file.read(at + CENTRAL_SIZE + nameLength, extraLength);
    const name = memberName(raw, flags);
    if (comment || disk || inner > 1) throw malformed("a member has a comment, or lies on another disk", name);
    checkPacking({ flags, method, needed, neededFor, name });
    const extras = readExtras(extra, name);
    const widened = widen(extras.get(ZIP64_EXTRA), [size, packed, header], name);
    const entry = {
      name, raw, method, crc, flags, stamp, outer, mode: outer >>> 16, kinds: new Set(extras.keys()),
      size: widened[0], packed: widened[1], header: widened[2],
    };
    checkKind(entry);
    return { entry, size: CENTRAL_SIZE + nameLength + extraLength };
  }

  /** Return size, packed size and place of the header; the ZIP64 field holds those that are full, and no other. */
  function widen(zip64, short, name) {
    const full = short.filter((value) => value === FULL32).length;
    if ((zip64?.length ?? 0) !== 8 * full) {
      throw malformed("the ZIP64 field of a member does not hold what its header leaves to it", name);
    }
    const fields = zip64 && new Fields(zip64);
    const values = short.map((value) => (value === FULL32 ? fields.u64() : value));
    if (values.includes(Infinity)) throw malformed("a member says a size or a place that no file has", name);
    return values;
  }

  function checkPacking({ flags, method, needed, neededFor, name }) {
    if (method !== STORED && method !== DEFLATED) {
      throw malformed("a member is packed by a method other than stored or deflate", name);
    }
    const allowed = method === DEFLATED ? UTF8 | HAS_DESCRIPTOR | EFFORT : UTF8;
    if (flags & ~allowed) throw malformed("a member is encrypted, or of no size that its header says", name);
    if (needed > NEWEST || (neededFor !== DOS && neededFor !== UNIX)) {
      throw malformed("a member needs a newer version of the format", name);
    }
  }

  const isFolder = (entry) => entry.name.endsWith("/");

  function checkKind(entry) {
    const kind = entry.mode & KIND;
    if ((kind !== 0 && kind !== (isFolder(entry) ? FOLDER : FILE)) || entry.mode & 0o7000) {
      throw malformed("a member is a link or a special file", entry.name);
    }
    if ((entry.outer & 0x10 && !isFolder(entry)) || entry.outer & 0xffff & ~0x31) {
      throw malformed("a member is marked as what its name does not say", entry.name);
    }
    if (isFolder(entry) && (entry.size || entry.packed)) throw malformed("a member is a folder with content", entry.name);
    if (entry.method === STORED && entry.size !== entry.packed) throw malformed("a stored member has two sizes", entry.name);
  }

  /** Check that a member's own header agrees with the directory's, and note on the entry where its bytes begin. */
  async function readLocal(file, entry) {
    const head = await readRecord(file, LOCAL_SIZE, LOCAL_MARK, entry.header);
    const [needed, neededFor, flags, method] = [head.u8(), head.u8(), head.u16(), head.u16()];
    const stamp = head.u32();
    const [crc, packed, size, nameLength, extraLength] = [head.u32(), head.u32(), head.u32(), head.u16(), head.u16()];
    const raw = (await file.read(entry.header + LOCAL_SIZE, nameLength)).slice();
    const extras = readExtras(await file.read(entry.header + LOCAL_SIZE + nameLength, extraLength), entry.name);
    if (flags !== entry.flags || method !== entry.method || stamp !== entry.stamp || !sameBytes(raw, entry.raw)
      || needed > NEWEST || (neededFor !== DOS && neededFor !== UNIX)) {
      throw malformed("the member's own header disagrees with the directory", entry.name);
    }
    const others = (kinds) => [...kinds].filter((kind) => kind !== ZIP64_EXTRA).sort().join();
    if (others(extras.keys()) !== others(entry.kinds)) {
      throw malformed("the member's own header has other fields than the directory", entry.name);
    }
    const [toldSize, toldPacked] = localSizes(extras.get(ZIP64_EXTRA), [size, packed], entry.name);
    const agrees = crc === entry.crc && toldSize === entry.size && toldPacked === entry.packed;
    const isToldLater = flags & HAS_DESCRIPTOR && !crc && !toldSize && !toldPacked;
    if (!agrees && !isToldLater) throw malformed("the member's own header has another checksum or size", entry.name);
    entry.hasLongDescriptor = extras.has(ZIP64_EXTRA);
    entry.data = entry.header + LOCAL_SIZE + nameLength + extraLength;
  }

  /** Return size and packed size as the member's own header says them; its ZIP64 field holds both or is not there. */
  function localSizes(zip64, short, name) {
    if (!zip64) {
      if (short.includes(FULL32)) throw malformed("the member's own header leaves its size to a field that is not there", name);
      return short;
    }
    if (zip64.length !== 16) throw malformed("the ZIP64 field of a member's own header does not hold two sizes", name);
    const fields = new Fields(zip64);
    const long = [fields.u64(), fields.u64()];
    if (short.some((value, place) => value !== FULL32 && value !== long[place])) {
      throw malformed("the member's own header says two sizes", name);
    }
    return long;
  }

  /** Return how many bytes of descriptor follow a member; 0 where its own header has said all. */
  async function readDescriptor(file, entry, at) {
    if (!(entry.flags & HAS_DESCRIPTOR)) return 0;
    if (!entry.hasLongDescriptor && Math.max(entry.packed, entry.size) > FULL32) {
      throw malformed("the member is too large for its descriptor", entry.name);
    }
    const wanted = descriptorOf(entry);
    if (!sameBytes(await file.read(at, wanted.length), wanted)) {
      throw malformed("the member's descriptor disagrees with the directory", entry.name);
    }
    return wanted.length;
  }

  function descriptorOf(entry) {
    const sizes = entry.hasLongDescriptor ? [u64(entry.packed), u64(entry.size)] : [u32(entry.packed), u32(entry.size)];
    return join(u32(DESCRIPTOR_MARK), u32(entry.crc), ...sizes);
  }

  /** Return the extra fields by kind; only those that change nothing about what a member is. */
  function readExtras(extra, name) {
    const found = new Map();
    for (let at = 0; at < extra.length;) {
      if (at + 4 > extra.length) throw malformed("bytes of a header belong to no field", name);
      const head = new Fields(extra, at);
      const [kind, length] = [head.u16(), head.u16()];
      const value = extra.slice(at + 4, at + 4 + length);
      if (found.has(kind) || value.length !== length || (kind !== ZIP64_EXTRA && !IDLE_EXTRAS.has(kind))) {
        throw malformed(`a member has a field of kind ${kind} that it may not have`, name);
      }
      found.set(kind, value);
      at += 4 + length;
    }
    return found;
  }

  function memberName(raw, flags) {
    if (raw.some((byte) => byte > 0x7f) && !(flags & UTF8)) {
      throw malformed("a member has a name that is not marked as UTF-8", latin1(raw));
    }
    const name = decodeUtf8(raw);
    if (name === null) throw malformed("a member has a name that is not UTF-8", latin1(raw));
    return name;
  }

  const u16 = (value) => Uint8Array.of(value & 0xff, value >>> 8);
  const u32 = (value) => join(u16(value & 0xffff), u16(value >>> 16));
  const u64 = (value) => join(u32(value % 2 ** 32), u32(Math.floor(value / 2 ** 32)));

  /** Whether no byte outside the packed streams is anything but what names and contents make it. */
  async function isBare(file, entries) {
    let central = entries.length ? entries[entries.length - 1] : null;
    let at = central.data + central.packed + 24;
    const begin = at;
    for (const entry of entries) {
      const told = [u16(UTF8 | HAS_DESCRIPTOR), u16(DEFLATED), u16(0), u16(0x21)];
      const local = join(
        u32(LOCAL_MARK), u16(NEWEST), ...told, u32(0), u32(FULL32), u32(FULL32), u16(entry.raw.length), u16(20),
        entry.raw, u16(ZIP64_EXTRA), u16(16), u64(0), u64(0));
      const listed = join(
        u32(CENTRAL_MARK), u16(NEWEST | (UNIX << 8)), u16(NEWEST), ...told, u32(entry.crc), u32(FULL32), u32(FULL32),
        u16(entry.raw.length), u16(28), u16(0), u16(0), u16(0), u16(0), u16(FILE | 0o644), u32(FULL32), entry.raw,
        u16(ZIP64_EXTRA), u16(24), u64(entry.size), u64(entry.packed), u64(entry.header));
      if (!sameBytes(await file.read(entry.header, local.length), local)) return false;
      if (!entry.hasLongDescriptor || !(entry.flags & HAS_DESCRIPTOR)) return false;
      if (!sameBytes(await file.read(at, listed.length), listed)) return false;
      at += listed.length;
    }
    const count = entries.length;
    const end = join(
      u32(END64_MARK), u64(END64_REST), u16(NEWEST), u16(NEWEST), u32(0), u32(0), u64(count), u64(count), u64(at - begin),
      u64(begin), u32(LOCATOR_MARK), u32(0), u64(at), u32(1), u32(END_MARK), u16(FULL16), u16(FULL16), u16(FULL16),
      u16(FULL16), u32(FULL32), u32(FULL32), u16(0));
    return sameBytes(await file.read(at, end.length + 1), end);
  }

  // ---------------------------------------------------------------------------------------------- container (step 1)

  const LIMITS = {
    total: 64 * 2 ** 30, // bytes, all members unpacked
    ratio: 400, // unpacked bytes for one packed byte, over the whole ZIP
    members: 1_000_000,
    document: 64 * 2 ** 20, // bytes of one JSON document or manifest
    line: 16 * 2 ** 20, // bytes of one line of a .jsonl file
  };
  const LONGEST_NAME = 1024; // characters

  /** Return the form under which two paths collide on some file system: NFC, then Unicode's full case folding. */
  function fold(path) {
    const characters = Array.from(path.replace(/\/$/, "").normalize("NFC"));
    return characters.map(foldCharacter).join("");
  }

  function foldCharacter(character) {
    if (character === "\u0131") return character; // the dotless i has no other case in Unicode's folding
    if (character === "\u1e9e") return "ss";
    return character.toUpperCase().toLowerCase();
  }

  function isUnsafe(name) {
    const parts = name.replace(/\/$/, "").split("/");
    const isBad = (part) => /^(\.{0,2})$/.test(part.replace(/^\p{White_Space}+|\p{White_Space}+$/gu, "")) || /[. ]$/.test(part);
    return Array.from(name).length > LONGEST_NAME || /[\x00-\x1f\x7f\\:]/.test(name) || parts.some(isBad);
  }

  /** An open binder: its top folder, and its members by path below it. */
  class Container {
    static async open(file, limits) {
      const entries = await readEntries(file, limits.members);
      const total = entries.reduce((sum, entry) => sum + entry.size, 0);
      if (total > limits.total || total > limits.ratio * file.size) {
        throw malformed(`the ZIP would unpack to ${total} bytes, from ${file.size}`);
      }
      const container = new Container(file, limits);
      container.place(entries);
      container.isBare = await isBare(file, entries);
      return container;
    }

    constructor(file, limits) {
      this.file = file;
      this.limits = limits;
      this.members = new Map();
    }

    place(entries) {
      const tops = new Set(entries.map((entry) => entry.name.split("/", 1)[0]));
      if (tops.size !== 1 || entries.some((entry) => !entry.name.includes("/"))) {
        throw malformed("a binder has exactly one top folder");
      }
      [this.top] = tops;
      const folders = [];
      const folded = new Set();
      for (const entry of entries) {
        if (isUnsafe(entry.name)) throw malformed("a member has an unsafe path", entry.name);
        const path = entry.name.slice(this.top.length + 1);
        if (folded.has(fold(path))) throw malformed("two members have the same name on some systems", path);
        folded.add(fold(path));
        if (isFolder(entry)) folders.push(path);
        else this.members.set(path, entry);
      }
      this.checkFolders(folders);
    }

    checkFolders(folders) {
      const parents = new Set();
      for (const path of this.members.keys()) {
        for (let end = path.indexOf("/"); end >= 0; end = path.indexOf("/", end + 1)) parents.add(path.slice(0, end + 1));
      }
      for (const folder of inOrder(folders)) {
        if (folder && !parents.has(folder)) throw malformed("a folder with nothing in it", folder);
      }
      const taken = new Set([...parents].map(fold));
      for (const path of this.members.keys()) {
        if (taken.has(fold(path))) throw malformed("a file and a folder have the same name", path);
      }
    }

    /** Yield a member's content, checked to the last bit: size, checksum, and that the stream ends with its bytes. */
    async *chunks(path) {
      const entry = this.members.get(path);
      if (!entry) throw failed("missing from the binder", path);
      let size = 0;
      let crc = -1;
      try {
        for await (const chunk of entry.method === DEFLATED ? this.inflate(entry) : this.pieces(entry)) {
          size += chunk.length;
          crc = moreCrc(crc, chunk);
          if (size > entry.size) break;
          yield chunk;
        }
      } catch (error) {
        throw error instanceof Damaged ? failed(`its bytes are damaged: ${error.message}`, path) : error;
      }
      if (size !== entry.size) throw failed(`unpacks to another size than the ${entry.size} bytes it says`, path);
      if (~crc >>> 0 !== entry.crc) throw failed("its checksum differs", path);
    }

    async *pieces(entry) {
      const end = entry.data + entry.packed;
      for (let at = entry.data; at < end;) {
        const piece = (await this.file.read(at, Math.min(CHUNK, end - at))).slice();
        if (!piece.length) throw new Damaged("ends before its last byte");
        at += piece.length;
        yield piece;
      }
    }

    async *inflate(entry) {
      const stream = new Inflater();
      let fed = 0;
      if (!entry.packed) throw new Damaged("its packed stream does not end with its bytes");
      for await (const piece of this.pieces(entry)) {
        fed += piece.length;
        stream.feed(piece, fed === entry.packed);
        for (let chunk; (chunk = stream.next()).length;) yield chunk;
      }
      if (stream.left) throw new Damaged("its packed bytes go on after their stream has ended");
    }

    /** Return a member that is small enough to hold in memory. */
    async read(path) {
      if (this.members.get(path)?.size > this.limits.document) {
        throw malformed(`larger than ${this.limits.document} bytes`, path);
      }
      const parts = [];
      for await (const chunk of this.chunks(path)) parts.push(chunk);
      return join(...parts);
    }

    lines(path) {
      return new LineReader(this, path);
    }

    objects(path) {
      const lines = this.lines(path);
      return { next: async () => ((line) => line && parseObject(line, path))(await lines.next()) };
    }

    async digest(path) {
      const hash = new Sha256();
      for await (const chunk of this.chunks(path)) hash.update(chunk);
      return hex(hash.digest());
    }
  }

  /** The lines of a member without their line feed, one at a time; null after the last. */
  class LineReader {
    constructor(container, path) {
      this.chunks = container.chunks(path);
      this.longest = container.limits.line;
      this.path = path;
      this.rest = new Uint8Array(0);
      this.at = 0;
    }

    async next() {
      let parts = [];
      let length = 0;
      for (;;) {
        const end = this.rest.indexOf(10, this.at);
        const piece = this.rest.subarray(this.at, end < 0 ? undefined : end);
        length += piece.length;
        if (length > this.longest) throw malformed(`a line is longer than ${this.longest} bytes`, this.path);
        this.at = end < 0 ? this.rest.length : end + 1;
        if (end >= 0) return parts.length ? join(...parts, piece) : piece;
        parts.push(piece);
        const { done, value } = await this.chunks.next();
        if (done) break;
        [this.rest, this.at] = [value, 0];
      }
      if (length) throw malformed("the last line has no line feed", this.path);
      return null;
    }
  }

  // ---------------------------------------------------------------------------------------------- bag (step 2)

  const BAGIT_TXT = "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n";
  const BAG_INFO = "bag-info.txt";
  const MANIFEST = "manifest-sha256.txt";
  const TAG_MANIFEST = "tagmanifest-sha256.txt";
  const TAGGED = [BAG_INFO, "bagit.txt", MANIFEST];
  const ENVELOPE = "attest/binder.intoto.jsonl";
  const LOG_ENTRY = "attest/binder.log-entry.json";
  const LOG_PROOF = "attest/binder.tlog-proof";
  const TIMESTAMP = "attest/binder.tsr";
  const FORMAT_MAJOR = "1";
  const MOST_NAMED = 20;

  const majorOf = (version) => version.split(".", 1)[0];

  /** Return the lines of a tag file, each of which ends with a line feed. */
  async function tagLines(container, member) {
    const text = decodeUtf8(await container.read(member));
    if (text === null) throw malformed("not UTF-8", member);
    if (text.startsWith("\ufeff") || text.includes("\r")) {
      throw malformed("has a byte order mark or carriage returns", member);
    }
    if (!text.endsWith("\n")) throw malformed("must end with a line feed", member);
    return text.slice(0, -1).split("\n");
  }

  async function readBagInfo(container) {
    const labels = new Map();
    for (const line of await tagLines(container, BAG_INFO)) {
      const colon = line.indexOf(": ");
      const label = line.slice(0, colon);
      if (colon < 0 || labels.has(label)) throw malformed(`not a label and value, or given twice: '${line.slice(0, 80)}'`, BAG_INFO);
      labels.set(label, line.slice(colon + 2));
    }
    return labels;
  }

  async function checkFormat(container) {
    const version = (await readBagInfo(container)).get("Binder-Format") ?? "";
    if (!/^[0-9]+\.[0-9]+$/.test(version)) throw malformed("no Binder-Format of the form 1.0", BAG_INFO);
    if (majorOf(version) !== FORMAT_MAJOR) {
      throw unverifiable(`format ${version} is not known; get a newer verifier`, BAG_INFO);
    }
  }

  async function readManifest(container, member) {
    const rows = new Map();
    for (const line of await tagLines(container, member)) {
      const found = /^([0-9a-f]{64})  (.+)$/su.exec(line);
      if (!found || rows.has(found[2])) throw malformed(`not a digest and a path, or given twice: '${line.slice(0, 90)}'`, member);
      rows.set(found[2], found[1]);
    }
    return rows;
  }

  /** Check both manifests and hash every file; return the bag and what does not hold. */
  async function checkBag(container) {
    if (!sameBytes(await container.read("bagit.txt"), utf8(BAGIT_TXT))) {
      throw malformed("not the two lines of BagIt 1.0 in UTF-8", "bagit.txt");
    }
    const tags = await readManifest(container, TAG_MANIFEST);
    if (tags.size !== TAGGED.length || !TAGGED.every((name) => tags.has(name))) {
      throw malformed(`must list exactly ${TAGGED.join(", ")}`, TAG_MANIFEST);
    }
    const digests = await readManifest(container, MANIFEST);
    if ([...digests.keys()].some((path) => !path.startsWith("data/"))) {
      throw malformed("lists a file outside data/", MANIFEST);
    }
    const info = await readBagInfo(container);
    const problems = [
      ...setProblems(container, digests),
      ...(await digestProblems(container, new Map([...tags, ...digests]))),
      ...oxumProblems(container, digests, info),
    ];
    const bag = { digests, info, tagManifestDigest: await container.digest(TAG_MANIFEST) };
    return { bag, problems: problems.slice(0, MOST_NAMED) };
  }

  function setProblems({ members }, digests) {
    const expected = new Set([...digests.keys(), ...TAGGED, TAG_MANIFEST, ENVELOPE]);
    const mayBe = new Set([...expected, LOG_ENTRY, LOG_PROOF, TIMESTAMP]);
    const missing = inOrder([...expected].filter((path) => !members.has(path)));
    const unlisted = inOrder([...members.keys()].filter((path) => !mayBe.has(path)));
    return [
      ...missing.map((path) => failed("missing from the binder", path)),
      ...unlisted.map((path) => failed("is in the binder but in no manifest", path)),
    ];
  }

  async function digestProblems(container, digests) {
    const problems = [];
    for (const path of inOrder(digests.keys())) {
      if (!container.members.has(path)) continue;
      try {
        if ((await container.digest(path)) !== digests.get(path)) {
          problems.push(failed("is not the file that was listed: its SHA-256 differs", path));
        }
      } catch (error) {
        if (!(error instanceof VerifyError)) throw error;
        problems.push(error);
      }
    }
    return problems;
  }

  function oxumProblems({ members }, digests, info) {
    const sizes = [...digests.keys()].filter((path) => members.has(path)).map((path) => members.get(path).size);
    const oxum = `${sizes.reduce((sum, size) => sum + size, 0)}.${sizes.length}`;
    return info.get("Payload-Oxum") === oxum ? [] : [failed("Payload-Oxum is not the size and number of the files", BAG_INFO)];
  }

  /** Compare texts by code points, which is not how JavaScript does it. */
  function byCodePoints(one, other) {
    const [left, right] = [Array.from(one), Array.from(other)];
    for (let i = 0; i < Math.min(left.length, right.length); i++) {
      if (left[i] !== right[i]) return left[i].codePointAt(0) - right[i].codePointAt(0);
    }
    return left.length - right.length;
  }

  const inOrder = (texts) => [...texts].sort(byCodePoints);

  // ---------------------------------------------------------------------------------------------- keys and trust

  const TRUST_FORMAT = "tracebinder.trust/1";
  const TRUST_FILE = "trust file";
  const [ED25519, COSIGNATURE_V1] = [0x01, 0x04];

  /** Say whether `signature` is the Ed25519 key's over `message`. A key that is no curve point holds nothing. */
  async function signatureHolds(publicKey, signature, message) {
    const { subtle } = root.crypto ?? {};
    if (!subtle) throw new Error("This browser gives no WebCrypto here; use a recent one, or Node 20.");
    let key;
    try {
      key = await subtle.importKey("raw", publicKey, { name: "Ed25519" }, false, ["verify"]);
    } catch (error) {
      if (error.name === "NotSupportedError") throw new Error("This browser knows no Ed25519; use a recent one, or Node 20.");
      return false;
    }
    return subtle.verify({ name: "Ed25519" }, key, signature, message);
  }

  const isSpace = (character) => /[\p{White_Space}\x1c-\x1f]/u.test(character);

  /** Return the key of a C2SP vkey `name+keyid+base64`. */
  function parseVkey(text, member = TRUST_FILE) {
    const [, name, id, encoded] = /^([^+]*)\+([^+]*)\+(.*)$/su.exec(text) ?? [];
    if (!name || Array.from(name).some(isSpace)) throw malformed(`not a verifier key (name+id+key): '${text.slice(0, 80)}'`, member);
    const raw = decodeBase64(encoded, member, 33);
    const [algorithm, publicKey] = [raw[0], raw.slice(1)];
    if (algorithm !== ED25519 && algorithm !== COSIGNATURE_V1) {
      throw malformed(`verifier key of unknown algorithm ${algorithm}`, member);
    }
    const keyId = hex(sha256(utf8(`${name}\n`), raw).slice(0, 4));
    if (keyId !== id) throw malformed(`verifier key with a wrong id: '${text.slice(0, 80)}'`, member);
    return { name, algorithm, publicKey, keyId };
  }

  const KNOWN = {
    "": [
      "format", "signers", "threshold", "predicateTypes", "log", "witnesses", "quorum", "maximumAgeDays", "requireWitness",
      "requireSidecar", "requireAuditSlice", "timestampAuthorities", "requireTimestamp", "producer",
    ],
    "a signer's ": ["name", "keyid", "publicKey", "algorithm"],
    "the log's ": ["origin", "vkey", "formerKeys", "minimumTreeSize", "seenAt", "required"],
    "a former key's ": ["vkey", "untilSize"],
    "a witness's ": ["name", "vkey"],
    "a time-stamping authority's ": ["name", "certificate"],
    "the producer's ": ["minimumVersion", "seenAt"],
  };
  const ALGORITHM = "ed25519"; // of a signer

  /** Refuse a name that nobody reads: it was meant to demand something. */
  function refuseUnknown(value, where = "") {
    for (const name of value.keys()) {
      if (!KNOWN[where].includes(name)) {
        throw malformed(`nobody knows ${where}'${name}'; what may stand there: ${KNOWN[where].join(", ")}`, TRUST_FILE);
      }
    }
  }

  /** Return the policy of a trust file's bytes. */
  function parseTrust(bytes) {
    const value = parseObject(bytes, TRUST_FILE);
    const bad = (detail) => malformed(detail, TRUST_FILE);
    if (value.get("format") !== TRUST_FORMAT) throw bad(`'format' must be '${TRUST_FORMAT}'`);
    refuseUnknown(value);
    const signers = trustedSigners(value);
    const threshold = Number(wholeAt(value, "threshold", TRUST_FILE));
    if (threshold < 1 || threshold > signers.size) throw bad(`'threshold' must be from 1 to ${signers.size}`);
    const witnesses = trustedWitnesses(value);
    const quorum = trustedQuorum(value);
    if (quorum > witnesses.length) throw bad(`'requireWitness' is ${quorum}, but there are ${witnesses.length} witnesses`);
    const predicateTypes = value.get("predicateTypes");
    if (!isList(isText)(predicateTypes) || !predicateTypes.length) throw bad("'predicateTypes' must be a list of strings");
    const maximumAgeDays = (value.get("maximumAgeDays") ?? null) === null ? null : wholeAt(value, "maximumAgeDays", TRUST_FILE);
    const [namesAuthorities, requireTimestamp] = [countAuthorities(value) > 0, flagAt(value, "requireTimestamp")];
    if (requireTimestamp && !namesAuthorities) throw bad("'requireTimestamp' needs 'timestampAuthorities'");
    const [requireSidecar, requireAuditSlice] = [flagAt(value, "requireSidecar"), flagAt(value, "requireAuditSlice")];
    const log = trustedLog(value);
    const logKeys = log ? [log.key, ...log.former.map((former) => former.key)] : [];
    const watched = new Set([...signers.values(), ...logKeys.map((key) => key.publicKey)].map(hex));
    const idle = witnesses.find((witness) => watched.has(hex(witness.publicKey)));
    if (idle) throw bad(`witness '${idle.name}' has the key of the log or of a signer: nobody else would be watching`);
    return {
      signers, threshold, predicateTypes, log, witnesses, quorum, maximumAgeDays,
      requireSidecar, requireAuditSlice, namesAuthorities, requireTimestamp, producer: trustedProducer(value),
    };
  }

  function flagAt(value, name) {
    const found = value.has(name) ? value.get(name) : false;
    if (typeof found !== "boolean") throw malformed(`'${name}' must be true or false`, TRUST_FILE);
    return found;
  }

  /** Return how many witnesses are demanded, under the name of today or under the one of before. */
  function trustedQuorum(value) {
    const names = ["requireWitness", "quorum"].filter((name) => value.has(name));
    const said = new Set(names.map((name) => wholeAt(value, name, TRUST_FILE)));
    if (said.size > 1) throw malformed("'requireWitness' and 'quorum' mean the same and differ", TRUST_FILE);
    return Number([...said][0] ?? 0);
  }

  /** Return how many authorities are named. Their certificates are looked at no closer: nothing here reads them. */
  function countAuthorities(value) {
    if (!value.has("timestampAuthorities")) return 0;
    const entries = objectsAt(value, "timestampAuthorities", TRUST_FILE);
    for (const entry of entries) {
      refuseUnknown(entry, "a time-stamping authority's ");
      const pem = /-----BEGIN (?:X509 )?CERTIFICATE-----\s([A-Za-z0-9+/=\s]+)-----END (?:X509 )?CERTIFICATE-----/.exec(textAt(entry, "certificate", TRUST_FILE));
      const der = pem ? decodeBase64(pem[1].replace(/\s/g, ""), TRUST_FILE) : [];
      if (der[0] !== 0x30) throw malformed("no certificate in PEM", TRUST_FILE);
    }
    return entries.length;
  }

  function trustedSigners(value) {
    const signers = new Map();
    for (const entry of objectsAt(value, "signers", TRUST_FILE)) {
      refuseUnknown(entry, "a signer's ");
      if (entry.has("algorithm") && entry.get("algorithm") !== ALGORITHM) {
        throw malformed(`a signer's algorithm is not known here, only '${ALGORITHM}': get a newer verifier`, TRUST_FILE);
      }
      const publicKey = decodeBase64(textAt(entry, "publicKey", TRUST_FILE), TRUST_FILE, 32);
      const keyid = textAt(entry, "keyid", TRUST_FILE);
      if (keyid !== hex(sha256(publicKey)) || signers.has(keyid)) {
        throw malformed(`keyid '${keyid.slice(0, 16)}' is given twice or is not its key's`, TRUST_FILE);
      }
      signers.set(keyid, publicKey);
    }
    return signers;
  }

  function trustedLog(value) {
    if ((value.get("log") ?? null) === null) return null;
    const entry = objectAt(value, "log", TRUST_FILE);
    refuseUnknown(entry, "the log's ");
    const minimumSize = entry.has("minimumTreeSize") ? wholeAt(entry, "minimumTreeSize", TRUST_FILE) : 0n;
    const [origin, seenAt] = [textAt(entry, "origin", TRUST_FILE), seenAtOf(entry)];
    return { origin, key: logKey(entry), former: formerKeys(entry), minimumSize, seenAt, required: flagAt(entry, "required") };
  }

  /** Return how old the version that wrote a binder may be; null where any may. */
  function trustedProducer(value) {
    if ((value.get("producer") ?? null) === null) return null;
    const entry = objectAt(value, "producer", TRUST_FILE);
    refuseUnknown(entry, "the producer's ");
    return { minimumVersion: wholeAt(entry, "minimumVersion", TRUST_FILE), seenAt: seenAtOf(entry) };
  }

  const seenAtOf = (entry) => ((entry.get("seenAt") ?? null) === null ? null : timeAt(entry, "seenAt", TRUST_FILE));

  /** Return the keys that the log's key replaced, each with the size up to which what it signed counts. */
  function formerKeys(log) {
    const entries = log.has("formerKeys") ? objectsAt(log, "formerKeys", TRUST_FILE) : [];
    return entries.map((entry) => {
      refuseUnknown(entry, "a former key's ");
      return { key: logKey(entry), until: wholeAt(entry, "untilSize", TRUST_FILE) };
    });
  }

  function logKey(entry) {
    const key = parseVkey(textAt(entry, "vkey", TRUST_FILE));
    if (key.algorithm !== ED25519) throw malformed("the log's 'vkey' must be an Ed25519 note key", TRUST_FILE);
    return key;
  }

  function trustedWitnesses(value) {
    if (!value.has("witnesses")) return [];
    const entries = objectsAt(value, "witnesses", TRUST_FILE);
    for (const entry of entries) refuseUnknown(entry, "a witness's ");
    const keys = entries.map((entry) => parseVkey(textAt(entry, "vkey", TRUST_FILE)));
    const distinct = new Set(keys.map((key) => hex(key.publicKey)));
    if (distinct.size !== keys.length || keys.some((key) => key.algorithm !== COSIGNATURE_V1)) {
      throw malformed("'witnesses' must be distinct cosignature keys", TRUST_FILE);
    }
    return keys;
  }

  // ---------------------------------------------------------------------------------------------- envelope (step 3)

  const PAYLOAD_TYPE = "application/vnd.in-toto+json";
  const STATEMENT_V1 = "https://in-toto.io/Statement/v1";
  const CONTAINER_PREDICATE = "https://tracebinder.example/attestation/binder-container/v1";

  const hasKeys = (value, ...keys) => value.size === keys.length && keys.every((key) => value.has(key));

  /** Return the statement of an envelope that enough trusted keys have signed. */
  async function verifyEnvelope(bytes, trust, member) {
    const { payload, signatures } = openEnvelope(bytes, member);
    const signers = await validSigners(payload, signatures, trust, member);
    if (signers.length < trust.threshold) {
      throw notTrusted(`signed by ${signers.length} of the trusted keys, ${trust.threshold} needed`, member);
    }
    const strangers = signatures.filter((entry) => !trust.signers.has(entry.get("keyid"))).length;
    return { ...readStatement(payload, member), payload, signers, strangers };
  }

  function openEnvelope(bytes, member) {
    if (bytes.indexOf(10) !== bytes.length - 1 || !bytes.length) {
      throw malformed("must be exactly one line with one envelope", member);
    }
    const envelope = parseObject(bytes, member);
    if (!hasKeys(envelope, "payload", "payloadType", "signatures")) {
      throw malformed("an envelope has a payload, its type and signatures", member);
    }
    if (textAt(envelope, "payloadType", member) !== PAYLOAD_TYPE) {
      throw malformed(`the payload's type must be ${PAYLOAD_TYPE}`, member);
    }
    const payload = decodeBase64(textAt(envelope, "payload", member), member);
    const signatures = objectsAt(envelope, "signatures", member);
    if (!signatures.every((entry) => hasKeys(entry, "keyid", "sig") && isText(entry.get("keyid")) && isText(entry.get("sig")))) {
      throw malformed("a signature has a key id and the signature, and nothing else", member);
    }
    if (!sameBytes(utf8(`${canonicalJson(envelope)}\n`), bytes)) {
      throw malformed("an envelope is written in the one form of RFC 8785", member);
    }
    return { payload, signatures };
  }

  async function validSigners(payload, signatures, trust, member) {
    const signed = join(utf8(`DSSEv1 ${PAYLOAD_TYPE.length} ${PAYLOAD_TYPE} ${payload.length} `), payload);
    const signers = new Set();
    for (const entry of signatures) {
      const keyid = entry.get("keyid");
      const signature = decodeBase64(entry.get("sig"), member);
      const publicKey = trust.signers.get(keyid);
      if (!publicKey) continue;
      if (!(await signatureHolds(publicKey, signature, signed))) {
        throw failed(`the signature of trusted key ${keyid.slice(0, 16)} does not hold`, member);
      }
      signers.add(keyid);
    }
    return [...signers].sort();
  }

  function readStatement(payload, member) {
    const value = parseObject(payload, member);
    const subjects = objectsAt(value, "subject", member);
    if (value.get("_type") !== STATEMENT_V1 || subjects.length !== 1) {
      throw malformed("not an in-toto Statement v1 over one subject", member);
    }
    const digests = objectAt(subjects[0], "digest", member);
    return {
      predicateType: textAt(value, "predicateType", member),
      subject: textAt(subjects[0], "name", member),
      digest: textAt(digests, "sha256", member),
      predicate: objectAt(value, "predicate", member),
    };
  }

  // ---------------------------------------------------------------------------------------------- Merkle tree (RFC 9162)

  const leafHash = (entry) => sha256(Uint8Array.of(0), entry);
  const nodeHash = (left, right) => sha256(Uint8Array.of(1), left, right);

  /** The root of a growing list of leaf hashes, in memory of log2(n) hashes. */
  class RunningRoot {
    constructor() {
      this.size = 0;
      this.peaks = []; // [height, hash] of perfect subtrees, left to right
    }

    append(leaf) {
      let [height, current] = [0, leaf];
      while (this.peaks.at(-1)?.[0] === height) {
        current = nodeHash(this.peaks.pop()[1], current);
        height++;
      }
      this.peaks.push([height, current]);
      this.size++;
    }

    root() {
      if (!this.peaks.length) return sha256();
      return this.peaks.map(([, peak]) => peak).reduceRight((current, peak) => nodeHash(peak, current));
    }
  }

  /** Section 2.1.3.2. Size and root must come from a signed checkpoint: a path alone verifies under many sizes. */
  function checkInclusion({ leaf, index, size, path, root }) {
    if (index >= size) throw failed(`the proof's index ${index} is outside a tree of ${size} leaves`);
    let [first, last, current] = [index, size - 1n, leaf];
    for (const sibling of path) {
      if (last === 0n) throw failed("the inclusion proof has too many hashes");
      if (first & 1n || first === last) {
        current = nodeHash(sibling, current);
        while (!(first & 1n) && first) [first, last] = [first >> 1n, last >> 1n];
      } else {
        current = nodeHash(current, sibling);
      }
      [first, last] = [first >> 1n, last >> 1n];
    }
    if (last !== 0n) throw failed("the inclusion proof has too few hashes");
    if (!sameBytes(current, root)) throw failed("the inclusion proof does not lead to the signed root");
  }

  /** Section 2.1.4.2, with the cases of no leaf and of one size before it. */
  function checkConsistency(one, two, path) {
    if (one.size > two.size) throw failed(`the log shrank from ${one.size} to ${two.size} leaves`);
    if (one.size === 0n || one.size === two.size) {
      if (path.length || (one.size === two.size && !sameBytes(one.root, two.root))) {
        throw failed("two checkpoints of one size differ, or carry a proof none is needed for");
      }
      return;
    }
    const hashes = (one.size & (one.size - 1n)) === 0n ? [one.root, ...path] : path;
    if (!hashes.length) throw failed("the consistency proof is empty");
    let [first, last] = [one.size - 1n, two.size - 1n];
    while (first & 1n) [first, last] = [first >> 1n, last >> 1n];
    let [before, after] = [hashes[0], hashes[0]];
    for (const sibling of hashes.slice(1)) {
      if (last === 0n) throw failed("the consistency proof has too many hashes");
      if (first & 1n || first === last) {
        [before, after] = [nodeHash(sibling, before), nodeHash(sibling, after)];
        while (!(first & 1n) && first) [first, last] = [first >> 1n, last >> 1n];
      } else {
        after = nodeHash(after, sibling);
      }
      [first, last] = [first >> 1n, last >> 1n];
    }
    if (last !== 0n || !sameBytes(before, one.root) || !sameBytes(after, two.root)) {
      throw failed("the consistency proof does not lead from the first root to the second");
    }
  }

  // ---------------------------------------------------------------------------------------------- notes and log (step 4)

  const PROOF_HEADER = "c2sp.org/tlog-proof@v1";
  const DECIMAL = "(?:0|[1-9][0-9]{0,18})";
  const MOST_HASHES = 64;

  /** Return a signed note taken apart. Nothing is verified yet. */
  function parseNote(bytes, member) {
    const whole = decodeUtf8(bytes);
    if (whole === null) throw malformed("a signed note is UTF-8", member);
    const blank = whole.lastIndexOf("\n\n");
    if (blank < 1 || !whole.endsWith("\n") || blank + 2 >= whole.length || /[\x00-\x09\x0b-\x1f\x7f]/.test(whole)) {
      throw malformed("not a signed note: text, blank line, signature lines", member);
    }
    const lines = whole.slice(blank + 2, -1).split("\n");
    return { text: whole.slice(0, blank + 1), signatures: lines.map((line) => signatureLine(line, member)) };
  }

  function signatureLine(line, member) {
    const found = /^\u2014 ([^\p{White_Space}+]+) ([A-Za-z0-9+/]+={0,2})$/u.exec(line);
    if (!found) throw malformed(`not a signature line: '${line.slice(0, 60)}'`, member);
    const raw = decodeBase64(found[2], member);
    if (raw.length < 5) throw malformed("a signature line without a signature", member);
    return { name: found[1], keyId: hex(raw.slice(0, 4)), signature: raw.slice(4) };
  }

  function parseCheckpoint(note, member) {
    const lines = note.text.slice(0, -1).split("\n");
    if (lines.length < 3 || lines.includes("") || !new RegExp(`^${DECIMAL}$`).test(lines[1])) {
      throw malformed("not a checkpoint: origin, size and root line by line", member);
    }
    return { origin: lines[0], size: BigInt(lines[1]), root: decodeBase64(lines[2], member, 32) };
  }

  const isLineOf = (line, key) => line.name === key.name && line.keyId === key.keyId;

  const isSignedBy = async (note, key) => (await signaturesOf(note, key)).length > 0;

  /** Return the signatures of a key that hold. */
  async function signaturesOf(note, key) {
    const found = [];
    for (const line of note.signatures) {
      if (isLineOf(line, key) && (await noteSignatureHolds(note, key, line.signature))) found.push(line.signature);
    }
    return found;
  }

  /** Return the POSIX second of a cosignature; 0 says nothing of time. */
  const timeOfCosignature = (signature) => new DataView(signature.buffer, signature.byteOffset).getBigUint64(0);

  async function noteSignatureHolds(note, key, signature) {
    if (key.algorithm === ED25519) return signatureHolds(key.publicKey, signature, utf8(note.text));
    if (signature.length !== 72) return false;
    const signed = utf8(`cosignature/v1\ntime ${timeOfCosignature(signature)}\n${note.text}`);
    return signatureHolds(key.publicKey, signature.slice(8), signed);
  }

  function indexOfBytes(bytes, wanted) {
    for (let at = 0; at + wanted.length <= bytes.length; at++) {
      if (wanted.every((byte, place) => bytes[at + place] === byte)) return at;
    }
    return -1;
  }

  function parseTlogProof(bytes) {
    const blank = indexOfBytes(bytes, [10, 10]);
    const head = blank < 0 ? bytes : bytes.subarray(0, blank);
    if (head.some((byte) => byte > 0x7f)) throw malformed("a tlog-proof's head is ASCII", LOG_PROOF);
    const [header, ...rest] = latin1(head).split("\n");
    if (blank < 0 || header !== PROOF_HEADER) throw malformed(`must begin with ${PROOF_HEADER}`, LOG_PROOF);
    if (rest[0]?.startsWith("extra ")) throw malformed("carries extra data, which nothing signs", LOG_PROOF);
    const index = new RegExp(`^index (${DECIMAL})$`).exec(rest[0] ?? "");
    if (!index || rest.length > MOST_HASHES) throw malformed("no index line, or too many hashes", LOG_PROOF);
    const path = rest.slice(1).map((line) => decodeBase64(line, LOG_PROOF, 32));
    const note = parseNote(bytes.subarray(blank + 2), LOG_PROOF);
    return { index: BigInt(index[1]), path, note, checkpoint: parseCheckpoint(note, LOG_PROOF) };
  }

  function checkLogEntry(entry, payload, system) {
    const value = parseObject(entry, LOG_ENTRY);
    const found = {
      verb: textAt(value, "verb", LOG_ENTRY),
      system: textAt(value, "system", LOG_ENTRY),
      digest: textAt(objectAt(value, "object", LOG_ENTRY), "digest", LOG_ENTRY),
    };
    const expected = { verb: "binder.sealed", system, digest: hex(sha256(payload)) };
    for (const key of Object.keys(expected)) {
      if (found[key] !== expected[key]) {
        throw failed(`its ${key} is '${found[key]}', not '${expected[key]}'`, LOG_ENTRY);
      }
    }
  }

  /** Say whether the log signed a checkpoint of this size: with its key, or with one that counted then. */
  async function isSignedByLog(note, size, log) {
    for (const key of [log.key, ...log.former.filter(({ until }) => size <= until).map((former) => former.key)]) {
      if (await isSignedBy(note, key)) return true;
    }
    return false;
  }

  async function checkLogProof(entry, { index, path, note, checkpoint }, log, asOf) {
    if (checkpoint.origin !== log.origin) {
      throw failed(`the checkpoint is of '${checkpoint.origin}', not '${log.origin}'`, LOG_PROOF);
    }
    if (!(await isSignedByLog(note, checkpoint.size, log))) {
      throw failed("the checkpoint is not signed by the trusted log key", LOG_PROOF);
    }
    if (checkpoint.size < log.minimumSize && (log.seenAt === null || asOf.at >= log.seenAt.at)) {
      throw notTrusted(`the log has ${checkpoint.size} leaves, ${log.minimumSize} were seen before`, LOG_PROOF);
    }
    try {
      checkInclusion({ leaf: leafHash(entry), index, path, ...checkpoint });
    } catch (error) {
      throw error instanceof VerifyError ? failed(error.detail, LOG_PROOF) : error;
    }
  }

  /** Return the proof of inclusion, once it holds; null where there is none, or no log to check it against. */
  async function checkLog(container, statement, trust, report) {
    const present = [LOG_ENTRY, LOG_PROOF].filter((path) => container.members.has(path));
    if (!present.length) return checkLogAbsence(statement, trust, report);
    if (present.length !== 2) throw failed("a log entry and its proof come together", present[0]);
    const entry = await container.read(LOG_ENTRY);
    checkLogEntry(entry, statement.payload, textAt(statement.predicate, "system", ENVELOPE));
    const proof = parseTlogProof(await container.read(LOG_PROOF));
    if (!trust.log) {
      report.answer("log inclusion", "not checked", "the trust file names no log");
      report.answer("witnessed", "not checked", "the trust file names no log");
      await report.noting("witnessed", () => refuseUnless(!trust.quorum, "the trust file demands witnesses, and names no log of theirs"));
      return null;
    }
    const asOf = timeAt(statement.predicate, "asOf", ENVELOPE);
    await checkLogProof(entry, proof, trust.log, asOf);
    const { size, origin } = proof.checkpoint;
    report.answer("log inclusion", "ok", `entry ${proof.index} of ${size} in ${origin}`);
    await report.noting("witnessed", () => checkWitnesses(proof.note, trust, report, asOf));
    return proof;
  }

  async function checkLogAbsence(statement, trust, report) {
    if ((statement.predicate.get("log") ?? null) !== null) {
      throw failed("the statement names a log, but the proof of inclusion is gone", LOG_PROOF);
    }
    if (trust.log?.required || trust.log?.minimumSize) {
      throw notTrusted("no proof of inclusion, and the trust file requires one", LOG_PROOF);
    }
    report.answer("log inclusion", "not present", "the binder carries no proof of inclusion");
    await report.noting("witnessed", () => checkWitnesses(null, trust, report));
    return null;
  }

  async function checkWitnesses(note, trust, report, asOf = null) {
    let count = 0;
    for (const witness of note ? trust.witnesses : []) {
      const signatures = await signaturesOf(note, witness);
      if (signatures.length) count++;
      checkCosignedLater(signatures.map(timeOfCosignature), asOf);
    }
    if (count < trust.quorum) {
      throw notTrusted(`cosigned by ${count} trusted witnesses, ${trust.quorum} needed`, LOG_PROOF);
    }
    const ofLog = trust.log ? [trust.log.key, ...trust.log.former.map((former) => former.key)] : [];
    const known = [...trust.witnesses, ...ofLog];
    const lines = note?.signatures ?? [];
    const strangers = lines.filter((line) => !known.some((key) => isLineOf(line, key))).length;
    const others = strangers ? `; ${strangers} signature line(s) by unknown keys` : "";
    if (count) report.answer("witnessed", "ok", `cosigned by ${count} of ${trust.witnesses.length} trusted witnesses${others}`);
    else report.answer("witnessed", "not present", `no trusted witness has cosigned the log${others}`);
  }

  /** Check that no witness saw the binder logged before the time that it is as of. */
  function checkCosignedLater(moments, asOf) {
    const early = moments.find((moment) => moment && moment * MICROSECONDS_A_SECOND + CLOCKS < asOf.at);
    if (early) throw failed(`a witness cosigned its log at second ${early}, before the ${asOf.text} that it is as of`, LOG_PROOF);
  }

  /** Say that what the trust file demands is not met. */
  function refuseUnless(isMet, detail) {
    if (!isMet) throw notTrusted(detail);
  }

  /** Say whether there is a time-stamp over the checkpoint. It is CMS, of which nothing is here: it is never checked. */
  function checkTimestamp(container, proof, trust, report) {
    if (!container.members.has(TIMESTAMP)) {
      refuseUnless(!trust.requireTimestamp, "no time-stamp, and the trust file requires one");
      return;
    }
    if (!proof) {
      if (report.line("log inclusion").state === "not present") {
        throw failed("a time-stamp is of a log's checkpoint, and there is none", TIMESTAMP);
      }
      refuseUnless(!trust.requireTimestamp, "the time-stamp is of a checkpoint that was not checked");
      return;
    }
    const why = trust.namesAuthorities ? "only `tracebinder verify` can" : "the trust file names no authority";
    refuseUnless(!trust.requireTimestamp, `its time-stamp cannot be checked: ${why}`);
    const { state, detail } = report.line("witnessed");
    report.answer("witnessed", state, `${detail}; a time-stamp is present, not checked: ${why}`);
  }

  // ---------------------------------------------------------------------------------------------- slice of the log (step 5)

  const ENTRIES = "data/audit/entries.jsonl";
  const LEAVES = "data/audit/leafhashes.bin";
  const CHECKPOINTS = "data/audit/checkpoints.txt";
  const CONSISTENCY = "data/audit/consistency.json";
  const HASH = 32; // bytes

  async function auditText(container, bag, trust) {
    const absent = [ENTRIES, LEAVES, CHECKPOINTS, CONSISTENCY].filter((path) => !bag.digests.has(path));
    if (absent.length === 4) {
      refuseUnless(!trust.requireAuditSlice, "no slice of the audit log in it; the trust file requires one");
      return "no slice of the audit log in it";
    }
    if (absent.length) throw failed(`the slice of the log lacks ${inOrder(absent).join(", ")}`);
    if (!trust.log) {
      refuseUnless(!trust.requireAuditSlice, "the trust file requires a slice of the log, and names no log");
      return "slice of the audit log not checked: the trust file names no log";
    }
    const { disclosed, withheld, size } = await checkSlice(container, trust.log);
    return `${disclosed} audit entries and ${size} leaves re-hashed${withheld ? `, ${withheld} withheld` : ""}`;
  }

  async function checkSlice(container, log) {
    const [first, last] = await readCheckpoints(container, log);
    await checkRoots(container, first, last);
    checkConsistency(first, last, await readConsistencyPath(container, first, last));
    return { ...(await checkEntries(container, last.size)), size: last.size };
  }

  async function readCheckpoints(container, log) {
    const parts = latin1(await container.read(CHECKPOINTS)).split("\n\n");
    if (parts.length !== 4) throw malformed("must hold two signed notes, a blank line between", CHECKPOINTS);
    const bodies = [];
    for (const text of [`${parts[0]}\n\n${parts[1]}\n`, `${parts[2]}\n\n${parts[3]}`]) {
      const note = parseNote(Uint8Array.from(text, (character) => character.charCodeAt(0)), CHECKPOINTS);
      const body = parseCheckpoint(note, CHECKPOINTS);
      if (body.origin !== log.origin || !(await isSignedByLog(note, body.size, log))) {
        throw failed("a checkpoint is not signed by the trusted log", CHECKPOINTS);
      }
      bodies.push(body);
    }
    return bodies;
  }

  async function* leavesOf(container) {
    let pending = new Uint8Array(0);
    for await (const chunk of container.chunks(LEAVES)) {
      pending = join(pending, chunk);
      let at = 0;
      for (; at + HASH <= pending.length; at += HASH) yield pending.subarray(at, at + HASH);
      pending = pending.subarray(at);
    }
    if (pending.length) throw malformed("is not a whole number of 32-byte hashes", LEAVES);
  }

  async function checkRoots(container, first, last) {
    const running = new RunningRoot();
    let firstHolds = first.size === 0n;
    for await (const leaf of leavesOf(container)) {
      running.append(leaf);
      if (BigInt(running.size) === first.size) firstHolds = sameBytes(running.root(), first.root);
    }
    if (BigInt(running.size) !== last.size || !sameBytes(running.root(), last.root) || !firstHolds) {
      throw failed("the leaf hashes do not lead to the signed roots", LEAVES);
    }
  }

  async function readConsistencyPath(container, first, last) {
    const value = parseObject(await container.read(CONSISTENCY), CONSISTENCY);
    const sizes = [wholeAt(value, "first", CONSISTENCY), wholeAt(value, "last", CONSISTENCY)];
    const path = textsAt(value, "path", CONSISTENCY);
    if (sizes[0] !== first.size || sizes[1] !== last.size) throw failed("is not about the two checkpoints", CONSISTENCY);
    return path.map((text) => decodeBase64(text, CONSISTENCY, HASH));
  }

  /** Re-hash the disclosed entries, in log order in one pass. */
  async function checkEntries(container, size) {
    const streams = new Map();
    const leaves = leavesOf(container);
    const rows = container.objects(ENTRIES);
    let [disclosed, withheld, position, leaf] = [0, 0, -1n, null];
    for (let row; (row = await rows.next());) {
      const index = wholeAt(row, "index", ENTRIES);
      if (index <= position || index >= size) throw failed(`index ${index} is out of order or outside the log`, ENTRIES);
      for (; position < index; position++) leaf = (await leaves.next()).value;
      checkStream(row, streams);
      if (row.has("withheld") && !row.has("entry")) {
        withheld++;
        continue;
      }
      const raw = decodeBase64(textAt(row, "entry", ENTRIES), ENTRIES);
      if (!sameBytes(leafHash(raw), leaf)) throw failed(`the entry at index ${index} is not the one logged`, ENTRIES);
      disclosed++;
    }
    return { disclosed, withheld };
  }

  function checkStream(row, streams) {
    const stream = textAt(row, "stream", ENTRIES);
    const sequence = wholeAt(row, "streamSeq", ENTRIES);
    const due = streams.has(stream) ? streams.get(stream) + 1n : sequence;
    if (sequence !== due) throw failed(`stream '${stream}' jumps to ${sequence}, ${due} was due`, ENTRIES);
    streams.set(stream, sequence);
  }

  // ---------------------------------------------------------------------------------------------- JSON Schema, the part used

  const ANNOTATIONS = new Set(["$schema", "$id", "title", "description", "$comment", "format"]);
  const TYPES = {
    object: isObject,
    array: Array.isArray,
    string: isText,
    boolean: (value) => typeof value === "boolean",
    null: (value) => value === null,
    integer: (value) => isWhole(value) || (typeof value === "number" && Number.isInteger(value)),
    number: isNumber,
  };
  // Patterns of these parts alone, which every library of regular expressions reads alike.
  const REPEATED = "(?:[?*+]|\\{[0-9]{1,4}(?:,[0-9]{0,4})?\\})?";
  const PIECE = `(?:\\[\\^?[A-Za-z0-9+/:.=_ -]+\\]|[A-Za-z0-9:=/_ -])${REPEATED}`;
  const PATTERN = new RegExp(`^\\^?(?:${PIECE}|\\((?:${PIECE}|\\|)*\\)${REPEATED})*\\$?$`);

  const [LONGEST_PATTERN, MOST_RANGED] = [200, 2]; // characters, parts
  const [WIDEST_RANGE, LARGEST_COUNT] = [9, 99]; // repetitions

  /** Say whether a pattern is tried in time that grows with the text alone: backtracking might never end. */
  function isQuick(pattern) {
    if (Array.from(pattern).length > LONGEST_PATTERN) return false;
    const parts = pattern.replace(/\[\^?[^\]]*\]/g, "x"); // what stands in a class repeats nothing
    const endless = parts.match(/[*+]|\{[0-9]+,\}/g) ?? [];
    const ranged = parts.match(/\?|\{[0-9]+,[0-9]+\}/g) ?? [];
    const isWide = ranged.some((one) => one !== "?" && Number(one.slice(one.indexOf(",") + 1, -1)) > WIDEST_RANGE);
    const counts = (parts.match(/\{[0-9]+/g) ?? []).map((count) => Number(count.slice(1)));
    const isSmall = endless.length <= 1 && ranged.length <= MOST_RANGED && !isWide && counts.every((count) => count <= LARGEST_COUNT);
    const isAnchored = parts.startsWith("^") || !/[?*+{]/.test(parts);
    return isSmall && isAnchored && !/\)[?*+{]/.test(parts) && parts.split("(").length <= 2;
  }

  function checkSchema(value, schema, member, at = "") {
    const fail = (why) => failed(`${at || "/"} ${why}`, member);
    if (typeof schema === "boolean") {
      if (!schema) throw fail("may not be there");
      return;
    }
    if (!isObject(schema)) throw malformed("a schema is an object or a boolean", member);
    for (const [keyword, rule] of schema) {
      if (ANNOTATIONS.has(keyword)) continue;
      if (!Object.hasOwn(KEYWORDS, keyword)) throw unverifiable(`schema keyword '${keyword}' is not known`, member);
      const badSchema = () => malformed(`its schema's '${keyword}' is not as the standard says`, member);
      KEYWORDS[keyword]({ value, rule, schema, fail, badSchema, below: (item, inner, key) => checkSchema(item, inner, member, `${at}/${key}`) });
    }
  }

  const KEYWORDS = {
    type({ value, rule, fail, badSchema }) {
      const kinds = Array.isArray(rule) ? rule : [rule];
      if (!kinds.length || !kinds.every((kind) => isText(kind) && Object.hasOwn(TYPES, kind))) throw badSchema();
      if (!kinds.some((kind) => TYPES[kind](value))) throw fail(`is not of type ${kinds.join(" or ")}`);
    },
    enum({ value, rule, fail, badSchema }) {
      if (!Array.isArray(rule)) throw badSchema();
      if (!rule.some((item) => sameJson(value, item))) throw fail("is none of those that may be");
    },
    required({ value, rule, fail, badSchema }) {
      if (!isList(isText)(rule)) throw badSchema();
      for (const key of rule) if (isObject(value) && !value.has(key)) throw fail(`has no '${key}'`);
    },
    properties({ value, rule, badSchema, below }) {
      if (!isObject(rule)) throw badSchema();
      for (const [key, inner] of rule) if (isObject(value) && value.has(key)) below(value.get(key), inner, key);
    },
    additionalProperties({ value, rule, schema, badSchema, below }) {
      const known = schema.has("properties") ? schema.get("properties") : new Map();
      if (!isObject(known)) throw badSchema();
      for (const [key, item] of isObject(value) ? value : []) if (!known.has(key)) below(item, rule, key);
    },
    items({ value, rule, below }) {
      (Array.isArray(value) ? value : []).forEach((item, place) => below(item, rule, place));
    },
    minimum({ value, rule, fail, badSchema }) {
      if (!isNumber(rule)) throw badSchema();
      if (isNumber(value) && value < rule) throw fail(`is below ${rule}`);
    },
    pattern({ value, rule, fail, badSchema }) {
      if (!isText(rule) || !isQuick(rule) || !PATTERN.test(rule)) throw badSchema();
      let pattern;
      try {
        pattern = new RegExp(rule, "u");
      } catch {
        throw badSchema();
      }
      if (isText(value) && !pattern.test(value)) throw fail(`does not match ${rule}`);
    },
  };

  // ---------------------------------------------------------------------------------------------- RO-Crate (step 6)

  const CRATE = "data/ro-crate-metadata.json";
  const SCHEMAS = "data/schemas/";

  async function fileEntities(container) {
    const found = new Map();
    for (const entity of objectsAt(parseObject(await container.read(CRATE), CRATE), "@graph", CRATE)) {
      if (entity.get("@type") !== "File") continue;
      const name = textAt(entity, "@id", CRATE);
      if (found.has(name)) throw malformed(`describes '${name}' twice`, CRATE);
      found.set(name, entity);
    }
    return found;
  }

  /** Check that each payload file is described once, with its digest. */
  function checkCrate(entities, bag) {
    const described = new Set([...entities.keys()].map((name) => `data/${name}`));
    const listed = [...bag.digests.keys()].filter((path) => path !== CRATE);
    const oneSided = [...listed.filter((path) => !described.has(path)), ...[...described].filter((path) => path === CRATE || !bag.digests.has(path))];
    const problems = inOrder(oneSided).map((path) => failed("is not in both the RO-Crate and the manifest", path));
    for (const [name, entity] of entities) {
      const digest = bag.digests.get(`data/${name}`);
      if (digest !== undefined && entity.get("sha256") !== digest) {
        problems.push(failed("the RO-Crate gives another SHA-256", `data/${name}`));
      }
    }
    return problems;
  }

  /** Run a check for each of several things; what it refuses is collected, one problem for each. */
  async function collect(things, check) {
    const problems = [];
    for (const thing of things) {
      try {
        problems.push(...((await check(thing)) ?? []));
      } catch (error) {
        if (!(error instanceof VerifyError)) throw error;
        problems.push(error);
      }
    }
    return problems;
  }

  /** Check every JSON document and every JSON line against the schema that the RO-Crate names for it. */
  async function checkDocuments(container, bag, entities) {
    const schemas = new Map();
    return collect(inOrder(entities.keys()), async (name) => {
      const path = `data/${name}`;
      const schema = await schemaOf(container, bag, entities.get(name), schemas, path);
      const mediaType = textAt(entities.get(name), "encodingFormat", CRATE);
      if (mediaType === "application/jsonl") {
        const lines = container.lines(path);
        for (let line; (line = await lines.next());) checkSchema(parseJson(line, path), schema, path);
      } else if (mediaType.endsWith("json")) {
        checkSchema(parseJson(await container.read(path), path), schema, path);
      }
    });
  }

  async function schemaOf(container, bag, entity, schemas, path) {
    if (!entity.has("conformsTo")) return true;
    const named = textAt(objectAt(entity, "conformsTo", CRATE), "@id", CRATE);
    const schemaPath = `data/${named}`;
    if (!schemaPath.startsWith(SCHEMAS) || !bag.digests.has(schemaPath)) {
      throw failed(`names a schema that is not in the binder: '${named}'`, path);
    }
    if (!schemas.has(schemaPath)) schemas.set(schemaPath, parseJson(await container.read(schemaPath), schemaPath));
    return schemas.get(schemaPath);
  }

  // ---------------------------------------------------------------------------------------------- meaning (step 6)

  const COUNTER_EVIDENCE = "counter-evidence";
  const REQUIREMENTS = "data/requirements/";
  const INTERPRETABILITY = "data/interpretability/";
  const REDACTIONS = "data/redactions.json";

  const documentsIn = (bag, folder) => inOrder([...bag.digests.keys()].filter((path) => path.startsWith(folder) && path.endsWith(".json")));

  async function checkPopulations(container, bag, predicate) {
    const populations = objectsAt(predicate, "populations", ENVELOPE);
    const names = populations.map((entry) => textAt(entry, "name", ENVELOPE));
    const problems = [];
    if (!names.includes(COUNTER_EVIDENCE) || new Set(names).size !== names.length) {
      problems.push(failed("populations are named twice, or counter evidence is left out", ENVELOPE));
    }
    const found = await collect(populations, (entry) => checkPopulation(container, bag, entry));
    return [...problems, ...found];
  }

  async function checkPopulation(container, bag, entry) {
    const name = textAt(entry, "name", ENVELOPE);
    const path = `data/${textAt(entry, "path", ENVELOPE)}`;
    if (bag.digests.get(path) !== textAt(entry, "digest", ENVELOPE)) {
      throw failed(`population '${name}' is another list than this file`, path);
    }
    let count = 0n;
    const lines = container.lines(path);
    while (await lines.next()) count++;
    if (count !== wholeAt(entry, "count", ENVELOPE)) {
      throw failed(`population '${name}' has ${count} members, not as many as stated`, path);
    }
  }

  async function checkRequirements(container, bag, predicate) {
    const asOf = timeAt(predicate, "asOf", ENVELOPE);
    const counted = new Map();
    const problems = await collect(documentsIn(bag, REQUIREMENTS), async (path) => {
      const requirement = parseObject(await container.read(path), path);
      const status = textAt(requirement, "status", path);
      counted.set(status, (counted.get(status) ?? 0n) + 1n);
      return checkRequirement(requirement, bag, asOf, path);
    });
    const stated = objectAt(predicate, "requirements", ENVELOPE);
    for (const key of stated.keys()) wholeAt(stated, key, ENVELOPE);
    const total = [...counted.values()].reduce((sum, count) => sum + count, 0n);
    const said = new Map([...stated].filter(([status]) => status !== "total")); // a file may say that of itself, too
    const agrees = (status) => (said.get(status) ?? 0n) === (counted.get(status) ?? 0n);
    if (stated.get("total") !== total || ![...said.keys(), ...counted.keys()].every(agrees)) {
      problems.push(failed("the requirement totals are not those of the files", ENVELOPE));
    }
    return problems;
  }

  async function checkRequirement(requirement, bag, asOf, member) {
    const criteria = objectsAt(requirement, "criteria", member);
    const problems = await collect(criteria, (criterion) => {
      checkReferences(criterion, bag, member);
      checkMissing(criterion, member);
      checkCriterion(criterion, asOf, member);
    });
    const expected = expectedStatus(requirement, asOf, member);
    const status = textAt(requirement, "status", member);
    if (status !== expected) problems.push(failed(`its status is ${status}, but follows as ${expected}`, member));
    return problems;
  }

  function expectedStatus(requirement, asOf, member) {
    const criteria = objectsAt(requirement, "criteria", member);
    const verdicts = new Map(criteria.map((x) => [textAt(x, "key", member), textAt(x, "verdict", member)]));
    if (verdicts.size !== criteria.length) throw malformed("two criteria have the same key", member);
    const unmet = [...verdicts.keys()].filter((key) => verdicts.get(key) !== "met");
    if (textAt(requirement, "state", member) !== "approved") return "notAssessed";
    if (verdicts.size && !unmet.length) return "satisfied";
    const inForce = objectsAt(requirement, "waivers", member).filter((waiver) => timeAt(waiver, "expiresAt", member).at > asOf.at);
    const waived = new Set(inForce.map((waiver) => textAt(waiver, "criterion", member)));
    if (unmet.length && unmet.every((key) => waived.has(key))) return "waived";
    const found = [...verdicts.values()];
    if (found.includes("not_met")) return "notSatisfied";
    return found.every((verdict) => verdict === "not_assessed") ? "notAssessed" : "partial";
  }

  function checkReferences(criterion, bag, member) {
    const references = criterion.has("evidence") ? textsAt(criterion, "evidence", member) : [];
    for (const reference of references) {
      if (!bag.digests.has(`data/${reference}`)) {
        throw failed(`refers to '${reference}', which is not in the binder`, member);
      }
    }
    const onlyInside = references.length && references.every((path) => path.startsWith("interpretability/"));
    if (criterion.get("verdict") === "met" && onlyInside) {
      throw failed("a criterion is met by interpretability findings alone", member);
    }
  }

  /** Check that as many are said to be missing, of the whole and of each slice, as the inputs of the verdict name. */
  function checkMissing(criterion, member) {
    const parts = within(criterion, "inputs", "measured");
    if (!Array.isArray(parts)) return;
    const slices = criterion.has("sliceResults") ? objectsAt(criterion, "sliceResults", member) : [];
    [criterion, ...slices].slice(0, parts.length).forEach((told, place) => {
      if (!sameJson(told.has("missing") ? told.get("missing") : 0n, countMissing(parts[place]))) {
        throw failed(`criterion '${textAt(criterion, "key", member)}' says another number missing than its inputs do`, member);
      }
    });
  }

  /** Return how many the inputs of a measurement name as missing: traces set aside, or samples without a value. */
  function countMissing(part) {
    const named = ["set_aside", "missing"].map((name) => within(part, "recent", "inputs", name)).filter(isObject);
    const counts = named.flatMap((each) => [...each.values()]);
    return counts.filter(isWhole).reduce((sum, count) => sum + count, 0n);
  }

  const within = (value, ...names) => names.reduce((found, name) => (isObject(found) ? found.get(name) : null), value);

  // The bound that must hold, and how: at least -> the lower bound of the interval, at most -> the upper one.
  const COMPARISONS = {
    at_least: { bound: "low", holds: (bound, threshold) => bound >= threshold },
    at_most: { bound: "high", holds: (bound, threshold) => bound <= threshold },
  };

  /** Check that a criterion said to be met is: as a whole, in every slice it names, and recently enough. */
  function checkCriterion(criterion, asOf, member) {
    if (textAt(criterion, "verdict", member) !== "met") return;
    const key = textAt(criterion, "key", member);
    if (!Object.hasOwn(COMPARISONS, textAt(criterion, "comparator", member))) {
      throw failed(`criterion '${key}' has an unknown comparator`, member);
    }
    for (const measured of [criterion, ...sliceResults(criterion, member)]) {
      if (!reaches(measured, criterion)) throw failed(`criterion '${key}' is said to be met, against its numbers`, member);
    }
    const age = numberAt(criterion, "maxAgeDays");
    if (age === null) return;
    const old = Number(asOf.at - timeAt(criterion, "observedTo", member).at) / 1e6; // seconds
    if (old > age * 86_400) throw failed(`criterion '${key}' is said to be met, but was measured too long ago`, member);
  }

  function sliceResults(criterion, member) {
    const [wanted, results] = ["slices", "sliceResults"].map((name) => (criterion.has(name) ? objectsAt(criterion, name, member) : []));
    if (wanted.length !== results.length || !results.every((result, place) => sameJson(result.get("where"), wanted[place]))) {
      throw failed("a slice that the criterion names was not measured", member);
    }
    return results;
  }

  /** Say whether there were enough observations, and their unfavourable bound reaches the threshold. */
  function reaches(measured, criterion) {
    const { bound: boundName, holds } = COMPARISONS[criterion.get("comparator")];
    const [threshold, needed] = [numberAt(criterion, "threshold"), numberAt(criterion, "minN")];
    const [bound, n] = [numberAt(measured, boundName), numberAt(measured, "n")];
    const missing = measured.has("missing") ? numberAt(measured, "missing") : 0;
    if ([threshold, needed, bound, n, missing].includes(null) || missing < 0) return false;
    return n - missing >= Math.max(needed, 1) && holds(bound, threshold);
  }

  function numberAt(value, key) {
    const found = value.get(key);
    if (!isNumber(found) || (isWhole(found) && isInexact(found))) return null;
    return Number(found);
  }

  async function checkFindings(container, bag) {
    return collect(documentsIn(bag, INTERPRETABILITY), async (path) => {
      const finding = parseObject(await container.read(path), path);
      if (!["supporting", "counter"].includes(finding.get("role"))) {
        throw failed("an interpretability finding may only support or counter", path);
      }
      if (Array.from(textAt(finding, "doesNotShow", path)).every(isSpace)) {
        throw failed("a finding must say what it does not show", path);
      }
    });
  }

  async function checkRedactions(container, bag, predicate) {
    return collect(bag.digests.has(REDACTIONS) ? [REDACTIONS] : [], async (path) => {
      const listed = objectsAt(parseObject(await container.read(path), path), "redactions", path);
      if (listed.length > 0 !== predicate.get("redacted")) {
        throw failed("holds another answer than the statement's to whether anything is gone", path);
      }
    });
  }

  // ---------------------------------------------------------------------------------------------- people (step 6)

  const PEOPLE = "data/people.json";

  // Where actors stand: in which files, under which members, and in the members of which lists.
  const ACTORS = [
    ["data/evidence/", ["owner"], []],
    ["data/evidence/defeaters.jsonl", [], [["answers", "answeredBy"]]],
    ["data/evals/", ["postedBy"], [
      ["retractions", "by"], ["retractions", "confirmedBy"], ["retractionRequests", "by"], ["labelSets", "by"],
    ]],
    ["data/gates/", ["decidedBy", "requestedBy", "approvedBy", "gateApprovedBy"], [["gateProposals", "by"]]],
    ["data/redactions.json", [], [["redactions", "approvedBy"]]],
    ["data/requirements/", ["proposedBy", "approvedBy"], [["waivers", "requestedBy"], ["waivers", "approvedBy"]]],
    ["data/reviews/", ["reviewer", "adjudicator", "byToken"], []],
    ["data/versions/", ["registeredBy"], []],
    ["data/versions/release.json", ["createdBy"], [["deployments", "deployedBy"]]],
  ];

  /** Check that each actor is named, and each token's person. */
  async function checkPeople(container, bag, mustName) {
    if (!bag.digests.has(PEOPLE)) {
      if (mustName) throw failed("the file that says who the actors are is left out", PEOPLE);
      return;
    }
    const document = parseObject(await container.read(PEOPLE), PEOPLE);
    const named = objectsAt(document, "people", PEOPLE).map((one) => textAt(one, "actor", PEOPLE));
    const known = new Set(named);
    if (known.size !== named.length) throw failed("names somebody twice", PEOPLE);
    const tokens = objectsAt(document, "tokens", PEOPLE);
    for (const token of tokens) {
      if (!new Set(named).has(textAt(token, "actsFor", PEOPLE))) {
        throw failed(`${token.get("actor")} acts for somebody who is not named`, PEOPLE);
      }
    }
    for (const token of tokens) known.add(textAt(token, "actor", PEOPLE));
    for (const path of inOrder(bag.digests.keys())) {
      for await (const actor of actorsIn(container, path)) {
        const acts = isText(actor) && /^(?:person|token):/.test(actor);
        if (acts && !known.has(actor)) throw failed(`${actor} acted and is not in people.json`, path);
      }
    }
  }

  async function* actorsIn(container, path) {
    const places = ACTORS.filter(([place]) => path.startsWith(place));
    if (path !== ENTRIES && !places.length) return;
    for await (const document of documentsOf(container, path)) {
      if (path === ENTRIES) {
        if (!document.has("entry")) continue;
        const entry = decodeBase64(textAt(document, "entry", path), path);
        yield parseObject(entry, path).get("actor");
        continue;
      }
      for (const [, members, lists] of places) {
        for (const member of members) yield document.get(member);
        for (const [name, member] of lists) {
          const several = document.get(name);
          for (const one of Array.isArray(several) ? several : []) yield isObject(one) ? one.get(member) : null;
        }
      }
    }
  }

  async function* documentsOf(container, path) {
    if (path.endsWith(".json")) yield parseObject(await container.read(path), path);
    if (!path.endsWith(".jsonl")) return;
    const rows = container.objects(path);
    for (let row; (row = await rows.next());) yield row;
  }

  // ---------------------------------------------------------------------------------------------- spans (step 6)

  const TRACES = "data/traces/traces.jsonl";
  const SPANS = "data/traces/spans.jsonl";
  const DIGESTED = [
    "attributes", "endNs", "events", "kind", "links", "name", "parentSpanId", "resource", "scope", "spanId", "startNs",
    "statusCode", "statusMessage", "traceId",
  ];
  const ERASED_TEXT = "[erased]";
  const ERASED_OBJECT = new Map([["tracebinder.erased", true]]);

  const spansText = ({ again, erased, old, gone, unnamed }) =>
    [
      `${again} spans digested again`,
      ...[[erased, "erased"], [old, "of an old digest format"], [gone, "gone by retention"], [unnamed, "of traces that name none"]]
        .filter(([n]) => n)
        .map(([n, why]) => `${n} ${why}`),
    ].join(", ");

  const noSpans = () => ({ again: 0, erased: 0, old: 0, gone: 0, unnamed: 0 });

  /** Digest each span again, and each trace from its spans; both files are in one order and read side by side. */
  async function checkSpans(container, bag, mustName) {
    const found = noSpans();
    const absent = [SPANS, TRACES].filter((path) => !bag.digests.has(path));
    if (absent.length) {
      if (mustName) throw failed("is left out, and belongs to every binder of this version", absent[0]);
      return found;
    }
    if (!mustName && !(await nameTheirSpans(container))) {
      const spans = container.objects(SPANS);
      for (let span; (span = await spans.next());) checkSpan(span, { erased: null }, found);
      return found;
    }
    const redactions = await readRedactions(container, bag);
    const spans = container.objects(SPANS);
    const traces = container.objects(TRACES);
    const nextSpan = async () => {
      const span = await spans.next();
      return span && { span, traceId: textAt(span, "traceId", SPANS) };
    };
    let current = await nextSpan();
    for (let trace; (trace = await traces.next());) {
      const pairs = [];
      const traceId = textAt(trace, "traceId", TRACES);
      while (current && current.traceId === traceId) {
        pairs.push([textAt(current.span, "spanId", SPANS), checkSpan(current.span, redactions, found)]);
        current = await nextSpan();
      }
      checkTrace(trace, traceId, pairs, redactions, found);
    }
    if (current) throw failed(`spans of ${current.traceId} are of no trace here, or not in the traces' order`, SPANS);
    return found;
  }

  async function nameTheirSpans(container) {
    const traces = container.objects(TRACES);
    for (let trace; (trace = await traces.next());) if (trace.has("spanIds")) return true;
    return false;
  }

  function checkTrace(trace, traceId, pairs, redactions, found) {
    const named = spanIds(trace);
    if (named === null) {
      found.unnamed += pairs.length;
      return;
    }
    const distinct = new Set(named);
    if (BigInt(named.length) !== wholeAt(trace, "spanCount", TRACES) || distinct.size !== named.length) {
      throw failed(`trace ${traceId} names other spans than it counts`, TRACES);
    }
    const present = new Set(pairs.map(([spanId]) => spanId));
    if (present.size !== pairs.length || ![...present].every((spanId) => distinct.has(spanId))) {
      throw failed(`holds a span that trace ${traceId} was not sealed from`, SPANS);
    }
    const missing = inOrder(named.filter((spanId) => !present.has(spanId)));
    if (missing.length) {
      if (!mayBeGone(trace, redactions)) throw failed(`lacks span ${missing[0]} of trace ${traceId}, and nothing says why`, SPANS);
      found.gone += missing.length;
      return;
    }
    pairs.sort(([one], [other]) => byCodePoints(one, other));
    if (hex(sha256(utf8(canonicalJson(new Map([["spans", pairs]]))))) !== textAt(trace, "digest", TRACES)) {
      throw failed(`trace ${traceId} is not what its spans digest to`, TRACES);
    }
  }

  function spanIds(trace) {
    if (!trace.has("spanIds")) throw failed("a trace does not say which spans it was sealed from", TRACES);
    return trace.get("spanIds") === null ? null : textsAt(trace, "spanIds", TRACES);
  }

  /** Return the digest of a span, made again where it can be. */
  function checkSpan(span, redactions, found) {
    const digest = textAt(span, "digest", SPANS);
    const spanId = textAt(span, "spanId", SPANS);
    const format = span.has("digestFormat") ? span.get("digestFormat") : 1n;
    const mayBeErased = redactions.erased === null || redactions.erased.has(span.get("traceId"));
    if (format === 1n) found.old++;
    else if (format !== 2n) throw unverifiable("span digests of this format are not known", SPANS);
    else if (digestOfContent(span) === digest) found.again++;
    else if (mayBeErased && isErased(span)) found.erased++;
    else throw failed(`span ${spanId} is not what was digested`, SPANS);
    return digest;
  }

  function digestOfContent(span) {
    try {
      return hex(sha256(utf8(canonicalJson(new Map(DIGESTED.map((key) => [key, span.get(key) ?? null]))))));
    } catch (error) {
      throw error instanceof Damaged ? malformed(`a span cannot be digested: ${error.message}`, SPANS) : error;
    }
  }

  /** Whether nothing is left of what the span said: each part is empty, or says that it was erased. */
  function isErased(span) {
    const isGone = (value) => isObject(value) && (!value.size || sameJson(value, ERASED_OBJECT));
    const isGoneItem = (item) => isObject(item) && hasKeys(item, "code", "detail") && item.get("detail") === ERASED_TEXT;
    return ["name", "statusMessage"].every((key) => ["", ERASED_TEXT].includes(span.get(key)))
      && ["attributes", "resource", "scope"].every((key) => isGone(span.get(key)))
      && ["events", "links"].every((key) => isList(isGoneItem)(span.get(key)));
  }

  async function readRedactions(container, bag) {
    if (!bag.digests.has(REDACTIONS)) return { erased: new Set(), months: [] };
    const listed = objectsAt(parseObject(await container.read(REDACTIONS), REDACTIONS), "redactions", REDACTIONS);
    const ofSpans = listed.filter((one) => one.get("path") === SPANS.slice("data/".length));
    const pointers = (reason) => ofSpans.filter((one) => one.get("reasonCode") === reason).map((one) => textAt(one, "pointer", REDACTIONS));
    const months = pointers("retention").map((pointer) => /[0-9]{4}_[0-9]{2}$/.exec(pointer)?.[0]);
    return { erased: new Set(pointers("erasure")), months: months.filter((month) => month) };
  }

  /** Whether a month in which spans of this trace may have begun is gone. */
  function mayBeGone(trace, { months }) {
    const [first, last] = ["startedAt", "endedAt"].map((key) => monthOf(timeAt(trace, key, TRACES)));
    return months.some((month) => first <= month && month <= last);
  }

  // ------------------------------------------------------------------------------------------ exchanges (step 6)

  const noExchanges = () => ({ told: 0, silent: 0 });
  const exchangesText = ({ told, silent }) =>
    `${told} exchanges${silent ? `, ${silent} traces from before they were told` : ""}`;

  /** Check that each answer is that of the last turn, and each claim one of a turn that is there. */
  async function checkExchanges(container, bag, mustTell) {
    const found = noExchanges();
    if (!mustTell || !bag.digests.has(TRACES)) return found; // its absence is what checkSpans says
    const redactions = await readRedactions(container, bag);
    const traces = container.objects(TRACES);
    for (let trace; (trace = await traces.next());) checkTurns(trace, redactions, found);
    return found;
  }

  function checkTurns(trace, redactions, found) {
    const traceId = textAt(trace, "traceId", TRACES);
    if (!trace.has("exchanges")) throw failed(`trace ${traceId} does not tell its exchanges`, TRACES);
    if (trace.get("exchanges") === null) {
      found.silent++;
      return;
    }
    const turns = objectsAt(trace, "exchanges", TRACES);
    const numbers = turns.map((turn) => wholeAt(turn, "number", TRACES));
    if (numbers.some((number, place) => place && number <= numbers[place - 1])) {
      throw failed(`the exchanges of trace ${traceId} are not in order`, TRACES);
    }
    const last = turns.at(-1);
    if (last && ["question", "answer"].some((field) => textAt(objectAt(last, field, TRACES), "text", TRACES) !== trace.get(field))) {
      throw failed(`question and answer of trace ${traceId} are not those of its last exchange`, TRACES);
    }
    const claimed = objectsAt(trace, "claims", TRACES).map((claim) => claim.get("exchange") ?? null);
    const isErased = !turns.length && redactions.erased.has(traceId);
    const known = new Set(turns.length ? numbers : [null]);
    if (!isErased && !claimed.every((number) => known.has(number))) {
      throw failed(`a claim of trace ${traceId} is of no exchange that it has`, TRACES);
    }
    found.told += turns.length;
  }

  // -------------------------------------------------------------------------------------------- reasons (step 6)

  const CITATIONS = "data/citations/citations.jsonl";
  const SOURCES = "data/citations/sources.jsonl";
  const LONGEST_PASSAGE = 10_000; // code points of one that stand in a binder
  const NOT_FOUND = [
    "quote_too_short", "number_differs", "negation_differs", "word_differs", "cuts_a_word", "alignment_too_low",
    "too_short_to_align", "too_long_to_align", "nothing_aligns",
  ];
  const VERDICT_OF = new Map([
    ...NOT_FOUND.map((reason) => [reason, "not_found"]), ["same_words", "verbatim"], ["same_once_normalised", "normalised"],
    ["aligned", "fuzzy"], ["in_another_document", "misattributed"], ["document_unknown", "unresolvable"],
  ]);

  const noReasons = () => ({ told: 0, silent: 0, passages: new Map() });
  const reasonsText = ({ told, silent }) =>
    `${told} verdicts with their reason${silent ? `, ${silent} from before they were kept` : ""}`;

  /** Check why each citation has its verdict, and each passage against the text of its document. */
  async function checkReasons(container, bag, mustTell) {
    const found = noReasons();
    if (!mustTell) return found;
    if (!bag.digests.has(CITATIONS)) throw failed("is left out, and belongs to every binder of this version", CITATIONS);
    const redactions = await readRedactions(container, bag);
    const citations = container.objects(CITATIONS);
    for (let citation; (citation = await citations.next());) checkReason(citation, redactions, found);
    const sources = bag.digests.has(SOURCES) ? container.objects(SOURCES) : { next: async () => null };
    for (let source; (source = await sources.next());) {
      const digest = textAt(source, "digest", SOURCES);
      checkPassages(textAt(source, "text", SOURCES), digest, found.passages.get(digest) ?? new Map());
      found.passages.delete(digest);
    }
    if (found.passages.size) throw failed(`lacks the document ${[...found.passages.keys()].sort()[0]} of a passage`, SOURCES);
    return found;
  }

  function checkReason(citation, redactions, found) {
    const name = textAt(citation, "id", CITATIONS);
    if (!citation.has("reason")) throw failed(`citation ${name} does not say why it has its verdict`, CITATIONS);
    if (citation.get("reason") === null) {
      found.silent++;
      return;
    }
    const reason = textAt(citation, "reason", CITATIONS);
    if (!VERDICT_OF.has(reason)) throw unverifiable(`citation ${name} has the reason '${reason}', of a newer checker`, CITATIONS);
    if (citation.get("verdict") !== VERDICT_OF.get(reason)) {
      throw failed(`citation ${name} has another verdict than its reason is one for`, CITATIONS);
    }
    found.told++;
    if ((citation.get("nearestText") ?? null) !== null) notePassage(citation, name, redactions, found);
  }

  /** Keep a passage until the text of its document is read. */
  function notePassage(citation, name, redactions, found) {
    const place = ["nearestStart", "nearestEnd"].map((key) => wholeAt(citation, key, CITATIONS)).join(" to ");
    const passage = textAt(citation, "nearestText", CITATIONS);
    if (passage === ERASED_TEXT && redactions.erased.has(citation.get("traceId"))) return;
    const digest = textAt(citation, "documentDigest", CITATIONS);
    if (!found.passages.has(digest)) found.passages.set(digest, new Map());
    const noted = found.passages.get(digest);
    if ((noted.get(place) ?? passage) !== passage) {
      throw failed(`citation ${name} has another passage than one of the same place`, CITATIONS);
    }
    noted.set(place, passage);
  }

  function checkPassages(text, digest, passages) {
    if (!passages.size) return;
    if (hex(sha256(utf8(text))) !== digest) throw failed(`the document ${digest} is not what was digested`, SOURCES);
    const characters = Array.from(text); // places are counted in code points
    for (const [place, passage] of passages) {
      const [start, end] = place.split(" to ").map(Number);
      if (!passage || characters.slice(start, Math.min(end, start + LONGEST_PASSAGE)).join("") !== passage) {
        throw failed(`a passage at ${place} does not stand in the document ${digest}`, CITATIONS);
      }
    }
  }

  // ---------------------------------------------------------------------------------------------- gates (step 6)

  const GATES = "data/gates/";
  const VERSIONS = "data/versions/";
  const [APPROVED, ADOPTED] = ["approved", "adopted"];

  const noGates = () => ({ decisions: 0, adopted: 0 });
  const gatesText = ({ decisions, adopted }) =>
    `${decisions} gate decisions${adopted ? `, ${adopted} by versions that nobody approved (adopted)` : ""}`;

  /** Check who approved the version that each decision was made by, and when, and that nothing unregistered passed. */
  async function checkGates(container, bag, mustSay) {
    const found = noGates();
    const persons = await personsIn(container, bag);
    const registered = mustSay ? await registeredAt(container, bag) : new Map();
    for (const path of documentsIn(bag, GATES)) {
      const decision = parseObject(await container.read(path), path);
      found.decisions++;
      if (!decision.has("gateState") && !mustSay) continue;
      if (decision.get("gateState") === ADOPTED) found.adopted++;
      checkApproval(decision, persons, path);
      if (decision.get("verdict") === "pass") checkPins(decision, registered, path);
    }
    return found;
  }

  function checkApproval(decision, persons, member) {
    const state = textAt(decision, "gateState", member);
    if (state !== APPROVED && state !== ADOPTED) throw failed(`the gate decided by a version that is '${state}'`, member);
    const decided = timeAt(decision, "asOf", member);
    if (timeAt(decision, "gateSince", member).at > decided.at) {
      throw failed("the gate decided by a version before it was approved", member);
    }
    if (state === ADOPTED) return;
    const approver = textAt(decision, "gateApprovedBy", member);
    const proposers = objectsAt(decision, "gateProposals", member).map((one) => textAt(one, "by", member));
    if (!proposers.length) throw failed("nobody is said to have proposed the version of the gate", member);
    const personOf = (actor) => persons.get(actor) ?? actor;
    if (proposers.some((one) => personOf(one) === personOf(approver))) {
      throw failed(`${approver} approved a version of the gate that they had proposed themselves`, member);
    }
  }

  function checkPins(decision, registered, member) {
    const decided = timeAt(decision, "asOf", member);
    for (const [path, since] of registered) {
      if (since === null || since.at > decided.at) throw failed(`the release passed before ${path} was registered`, member);
    }
  }

  /** Return the person behind each actor of `people.json`, by each of their names. */
  async function personsIn(container, bag) {
    const persons = new Map();
    if (!bag.digests.has(PEOPLE)) return persons;
    const document = parseObject(await container.read(PEOPLE), PEOPLE);
    for (const one of objectsAt(document, "people", PEOPLE)) {
      const [actor, formerly] = [textAt(one, "actor", PEOPLE), one.get("formerly")];
      persons.set(actor, actor);
      if (isText(formerly)) persons.set(formerly, actor);
    }
    for (const token of objectsAt(document, "tokens", PEOPLE)) {
      persons.set(textAt(token, "actor", PEOPLE), textAt(token, "actsFor", PEOPLE));
    }
    return persons;
  }

  /** Return since when each pinned version is registered, by its file; null where nobody registered it. */
  async function registeredAt(container, bag) {
    const found = new Map();
    for (const path of documentsIn(bag, VERSIONS)) {
      const version = parseObject(await container.read(path), path);
      if (!version.has("registered")) continue;
      found.set(path, version.get("registered") === true ? timeAt(version, "registeredAt", path) : null);
    }
    return found;
  }

  // ----------------------------------------------------------------------------------------- retractions (step 6)

  const EVALS = "data/evals/";
  const REQUESTS = "retractionRequests";

  const noRuns = () => ({ runs: 0, unconfirmed: 0, asked: 0 });
  const runsText = ({ runs, unconfirmed, asked }) =>
    `${runs} eval runs` +
    (unconfirmed ? `, ${unconfirmed} retracted with nobody who confirmed it` : "") +
    (asked ? `, ${asked} whose retraction waits for a second person` : "");

  /** Check that whoever confirmed a retraction is not whoever asked for it. */
  async function checkRetractions(container, bag, mustSay) {
    const found = noRuns();
    const persons = await personsIn(container, bag);
    for (const path of documentsIn(bag, EVALS)) {
      const run = parseObject(await container.read(path), path);
      found.runs++;
      if (!run.has(REQUESTS) && !mustSay) continue;
      const [retractions, waiting] = ["retractions", REQUESTS].map((name) => objectsAt(run, name, path));
      if (retractions.length && waiting.length) {
        throw failed("is retracted, and yet its retraction is waited for", path);
      }
      const confirmed = retractions.map((one) => isConfirmed(one, persons, path));
      if (confirmed.includes(false)) found.unconfirmed++;
      if (waiting.length) found.asked++;
    }
    return found;
  }

  function isConfirmed(retraction, persons, member) {
    const [asked, confirmed] = ["by", "confirmedBy"].map((name) => textAt(retraction, name, member));
    const personOf = (actor) => persons.get(actor) ?? actor;
    if (confirmed && personOf(asked) === personOf(confirmed)) {
      throw failed(`${confirmed} confirmed a retraction that they had asked for`, member);
    }
    return confirmed !== "";
  }

  // ----------------------------------------------------------------------------------------------- doubts (step 6)

  const COUNTER = "data/evidence/counter.jsonl";
  const DEFEATERS = "data/evidence/defeaters.jsonl";
  const ANSWER_KINDS = ["rebutted", "mitigated", "accepted", "reopened"];

  const noDoubts = () => ({ doubts: 0, standing: 0, unopened: 0 });
  const doubtsText = ({ doubts, standing, unopened }) =>
    doubts || unopened
      ? `; ${doubts} doubts` + (standing ? `, ${standing} of them stand` : "") + (unopened ? `, ${unopened} counter items opened none` : "")
      : "";

  /** Check each doubt against the item that opened it and against its answers. */
  async function checkDefeaters(container, bag, asOf, mustTell) {
    const found = noDoubts();
    if (!bag.digests.has(DEFEATERS)) {
      if (mustTell) throw failed("is left out, and belongs to every binder of this version", DEFEATERS);
      return found;
    }
    const owners = await ownersOf(container, bag);
    const persons = await personsIn(container, bag);
    const personOf = (actor) => persons.get(actor) ?? actor;
    for await (const doubt of documentsOf(container, DEFEATERS)) {
      const item = textAt(doubt, "evidence", DEFEATERS);
      if (!owners.has(item)) throw doubtFailed(doubt, "is of no item that counters, or of one that opened another");
      const owner = personOf(owners.get(item));
      owners.delete(item);
      const state = doubtState(doubt, asOf);
      if (textAt(doubt, "state", DEFEATERS) !== state) throw doubtFailed(doubt, `is ${state}, by its answers`);
      for (const answer of objectsAt(doubt, "answers", DEFEATERS)) {
        const actor = textAt(answer, "answeredBy", DEFEATERS);
        if (personOf(actor) === owner) throw doubtFailed(doubt, `is answered by ${actor}, who raised it`);
      }
      const isStanding = ["open", "expired"].includes(state);
      if (isStanding && found.standing < found.doubts) throw doubtFailed(doubt, "stands, and comes after one that does not");
      found.doubts++;
      if (isStanding) found.standing++;
    }
    found.unopened = owners.size;
    return found;
  }

  /** Return who put forward each item that counters, by its id. */
  async function ownersOf(container, bag) {
    const owners = new Map();
    if (!bag.digests.has(COUNTER)) return owners;
    for await (const item of documentsOf(container, COUNTER)) {
      owners.set(textAt(item, "id", COUNTER), textAt(item, "owner", COUNTER));
    }
    return owners;
  }

  /** Return where a doubt stands by its answers, each of which takes the place of the one before. */
  function doubtState(doubt, asOf) {
    let [state, before] = ["open", null];
    for (const answer of objectsAt(doubt, "answers", DEFEATERS)) {
      if ((answer.get("replaces") ?? null) !== before) {
        throw doubtFailed(doubt, "is answered twice by answers of which neither replaces the other");
      }
      before = textAt(answer, "id", DEFEATERS);
      state = doubtStateBy(doubt, answer, asOf);
    }
    return state;
  }

  function doubtStateBy(doubt, answer, asOf) {
    const kind = textAt(answer, "kind", DEFEATERS);
    const ends = (answer.get("expiresAt") ?? null) === null ? null : timeAt(answer, "expiresAt", DEFEATERS);
    if (!ANSWER_KINDS.includes(kind) || (ends && kind !== "accepted")) {
      throw doubtFailed(doubt, `is answered by '${kind}', or by what is not accepted and has an end`);
    }
    if (Array.from(textAt(answer, "words", DEFEATERS)).every(isSpace)) throw doubtFailed(doubt, "is answered without a word");
    if (kind === "reopened") return "open";
    return ends && ends.at <= asOf.at ? "expired" : kind;
  }

  const doubtFailed = (doubt, why) => failed(`doubt ${textAt(doubt, "id", DEFEATERS)} ${why}`, DEFEATERS);

  // ---------------------------------------------------------------------------------------------- deployments (step 6)

  const RELEASE = "data/versions/release.json";

  const noDeployments = () => ({ admitted: 0, rollbacks: 0 });
  const deploymentsText = ({ admitted, rollbacks }) =>
    `${admitted ? `; ${admitted} deployments by decision` : ""}${rollbacks ? `, ${rollbacks} rollbacks` : ""}`;

  /** Check by which decisions each deployment was let in, and what each rollback restores. */
  async function checkDeployments(container, bag, mustTell) {
    const found = noDeployments();
    if (!mustTell) return found;
    if (!bag.digests.has(RELEASE)) throw failed("is left out, and belongs to every binder of this version", RELEASE);
    const decisions = await decisionsIn(container, bag);
    const letIn = new Map();
    for (const deployment of objectsAt(parseObject(await container.read(RELEASE), RELEASE), "deployments", RELEASE)) {
      const name = textAt(deployment, "id", RELEASE);
      const basis = textAt(deployment, "basis", RELEASE);
      const admissions = objectsAt(deployment, "admissions", RELEASE);
      if (basis === "decision") {
        checkLetIn(name, admissions, decisions);
        letIn.set(name, deployment);
        found.admitted++;
      } else if (basis === "rollback") {
        checkRollback(name, deployment, letIn);
        found.rollbacks++;
      } else if (!["unchecked", "open"].includes(basis) || admissions.length) {
        throw failed(`deployment ${name} is '${basis}', with ${admissions.length} admissions`, RELEASE);
      }
    }
    return found;
  }

  function checkLetIn(name, admissions, decisions) {
    const refuse = (what) => failed(`deployment ${name} ${what}`, RELEASE);
    if (!admissions.length) throw refuse("is said to be by a decision, and names no gate");
    for (const admission of admissions) {
      const decision = decisions.get(textAt(admission, "decision", RELEASE));
      if (!decision) throw refuse("rests on a decision that is not here");
      if (decision.digest !== textAt(admission, "gateDigest", RELEASE)) {
        throw refuse("rests on a decision of another version of the gate");
      }
      if (decision.verdict !== "pass" || textAt(admission, "verdict", RELEASE) !== "pass") {
        throw refuse("was let in without a pass");
      }
      const looked = timeAt(admission, "asOf", RELEASE).at;
      if (decision.asOf > looked) throw refuse("was let in by a decision that was made later");
      const ofGate = [...decisions.values()].filter((other) => other.gate === decision.gate);
      if (ofGate.some((other) => other.asOf > decision.asOf && other.asOf <= looked)) {
        throw refuse("was let in by a decision that was not the newest of its gate");
      }
    }
  }

  function checkRollback(name, deployment, letIn) {
    const refuse = (what) => failed(`deployment ${name} ${what}`, RELEASE);
    if (Array.from(textAt(deployment, "reason", RELEASE)).every(isSpace)) throw refuse("went back without a reason");
    const restored = letIn.get(textAt(deployment, "restores", RELEASE));
    const place = textAt(deployment, "environment", RELEASE);
    if (!restored || textAt(restored, "environment", RELEASE) !== place) {
      throw refuse("went back to what no gate had let in there");
    }
    const [since, back] = [restored, deployment].map((each) => timeAt(each, "effectiveFrom", RELEASE).at);
    if (since >= back) throw refuse("went back to what came later");
  }

  /** Return the gate decisions by their ids. */
  async function decisionsIn(container, bag) {
    const found = new Map();
    for (const path of documentsIn(bag, GATES)) {
      const document = parseObject(await container.read(path), path);
      found.set(textAt(document, "id", path), {
        gate: textAt(document, "gate", path),
        digest: textAt(document, "gateDigest", path),
        verdict: textAt(document, "verdict", path),
        asOf: timeAt(document, "asOf", path).at,
      });
    }
    return found;
  }

  // ---------------------------------------------------------------------------------------------- the verification

  const SIDECAR = "sidecar";
  // binder/N from which on people.json, each trace's spans, who approved a gate's version, turns, reasons, and who
  // confirmed a retraction and why each deployment could be recorded must be there
  const [NAMES_PEOPLE, NAMES_SPANS, NAMES_APPROVALS, TELLS_EXCHANGES, TELLS_REASONS, TELLS_WHO_AND_WHY, TELLS_DOUBTS] = [2, 3, 5, 6, 7, 8, 9];

  /**
   * Verify one binder and return what was found. No network, no key but those in `trust`.
   *
   * @param source {{size: number, read: (at: number, length: number) => Promise<Uint8Array>}} the ZIP
   * @param trust what `parseTrust` returned
   * @param sidecar {Uint8Array | null} the signature over the ZIP's bytes, where it came along
   * @param now {Date} against which the age of `asOf` is measured
   * @param limits how large a binder may be; generous by default
   */
  async function verifyBinder(source, { trust, sidecar = null, now = new Date(), limits = {} }) {
    const report = new Report();
    const file = new File(source);
    await report.noting("integrity", async () => {
      report.zipSha256 = await fileDigest(file);
      const allowed = { ...LIMITS, ...limits };
      const outerId = sidecar ? await checkSidecar(sidecar, trust, report, allowed.document) : null;
      const container = await Container.open(file, allowed);
      await checkContent(container, trust, outerId, now, report);
    });
    return report;
  }

  async function fileDigest(file) {
    const hash = new Sha256();
    for (let at = 0; at < file.size; at += CHUNK) hash.update(await file.read(at, CHUNK));
    return hex(hash.digest());
  }

  /** Check the signature over the ZIP's bytes; return the binder's id in it, null when it does not hold. */
  async function checkSidecar(sidecar, trust, report, most) {
    try {
      if (sidecar.length > most) throw malformed(`larger than ${most} bytes`, SIDECAR);
      const statement = await verifyEnvelope(sidecar, trust, SIDECAR);
      if (statement.predicateType !== CONTAINER_PREDICATE) throw failed("is not a signature over a binder's ZIP", SIDECAR);
      if (statement.digest !== report.zipSha256) throw failed("is over other bytes than this ZIP", SIDECAR);
      return textAt(statement.predicate, "binderId", SIDECAR);
    } catch (error) {
      report.fail("origin", error);
      return null;
    }
  }

  async function checkContent(container, trust, outerId, now, report) {
    await checkFormat(container);
    const { bag, problems } = await checkBag(container);
    for (const problem of problems) report.fail("integrity", problem);
    let statement;
    try {
      statement = await checkOrigin(container, bag, trust, outerId, report);
    } catch (error) {
      report.fail("origin", error);
      return;
    }
    await report.noting("container", () => describeContainer(container, outerId, trust, report));
    if (problems.length) return;
    report.answer("integrity", "ok", `${bag.digests.size} files, each as it was listed and signed`);
    let proof = null;
    await report.noting("log inclusion", async () => {
      proof = await checkLog(container, statement, trust, report);
    });
    await report.noting("witnessed", () => checkTimestamp(container, proof, trust, report));
    await report.noting("completeness", () => checkProducer(statement.predicate, proof, trust));
    await report.noting("completeness", () => checkCompleteness(container, bag, statement, trust, report));
    await report.noting("freshness", () => checkFreshness(statement, trust, now, report));
  }

  async function checkOrigin(container, bag, trust, outerId, report) {
    const statement = await verifyEnvelope(await container.read(ENVELOPE), trust, ENVELOPE);
    const { predicate, predicateType } = statement;
    if (!trust.predicateTypes.includes(predicateType)) {
      throw notTrusted(`statements of type ${predicateType} are not accepted`, ENVELOPE);
    }
    if (statement.subject !== TAG_MANIFEST) {
      throw failed(`the statement is about '${statement.subject}', not '${TAG_MANIFEST}'`, ENVELOPE);
    }
    if (statement.digest !== bag.tagManifestDigest) throw failed(`the statement is about other bytes of ${TAG_MANIFEST}`, ENVELOPE);
    const version = textAt(predicate, "formatVersion", ENVELOPE);
    if (majorOf(version) !== FORMAT_MAJOR) {
      throw unverifiable(`format ${version} is not known; get a newer verifier`, ENVELOPE);
    }
    const binderId = textAt(predicate, "binderId", ENVELOPE);
    if (bag.info.get("External-Identifier") !== binderId) {
      throw failed("its External-Identifier is not the signed binder's", BAG_INFO);
    }
    if (container.top !== `binder-${binderId.replace(/^urn:uuid:/, "")}`) {
      throw failed(`the top folder '${container.top}' is not the signed binder's`);
    }
    if (outerId !== null && outerId !== binderId) throw failed("is of another binder", SIDECAR);
    [report.binderId, report.statement] = [binderId, predicate];
    const keys = statement.signers.map((keyid) => keyid.slice(0, 16)).join(", ");
    const others = statement.strangers ? `; ${statement.strangers} signature(s) by keys it does not know` : "";
    report.answer("origin", "ok", `signed by ${statement.signers.length} trusted key(s): ${keys}${others}`);
    return statement;
  }

  /** Say whether the ZIP's own bytes are signed, beside its content; never green where they are not. */
  function describeContainer(container, outerId, trust, report) {
    if (outerId !== null) report.answer("container", "ok", "its bytes are signed, by the sidecar");
    else if (trust.requireSidecar) throw notTrusted("no sidecar that holds, and the trust file requires one");
    else if (container.isBare) report.answer("container", "not present", "its bytes are not signed; beyond its content they say nothing");
    else report.answer("container", "not present", "repacked: times and attributes of its members are signed by nobody");
  }

  async function checkCompleteness(container, bag, statement, trust, report) {
    const { predicate } = statement;
    const entities = await fileEntities(container);
    const problems = [
      ...checkCrate(entities, bag),
      ...(await checkDocuments(container, bag, entities)),
      ...(await checkPopulations(container, bag, predicate)),
      ...(await checkRequirements(container, bag, predicate)),
      ...(await checkFindings(container, bag)),
      ...(await checkRedactions(container, bag, predicate)),
    ];
    for (const problem of problems) report.fail("completeness", problem);
    const version = versionOf(predicate);
    let spans = noSpans();
    await report.noting("completeness", () => checkPeople(container, bag, version >= NAMES_PEOPLE));
    await report.noting("completeness", async () => {
      spans = await checkSpans(container, bag, version >= NAMES_SPANS);
    });
    let exchanges = noExchanges();
    await report.noting("completeness", async () => {
      exchanges = await checkExchanges(container, bag, version >= TELLS_EXCHANGES);
    });
    let reasons = noReasons();
    await report.noting("completeness", async () => {
      reasons = await checkReasons(container, bag, version >= TELLS_REASONS);
    });
    let gates = noGates();
    await report.noting("completeness", async () => {
      gates = await checkGates(container, bag, version >= NAMES_APPROVALS);
    });
    let runs = noRuns();
    await report.noting("completeness", async () => {
      runs = await checkRetractions(container, bag, version >= TELLS_WHO_AND_WHY);
    });
    let deployments = noDeployments();
    await report.noting("completeness", async () => {
      deployments = await checkDeployments(container, bag, version >= TELLS_WHO_AND_WHY);
    });
    let doubts = noDoubts();
    await report.noting("completeness", async () => {
      const asOf = timeAt(predicate, "asOf", ENVELOPE);
      doubts = await checkDefeaters(container, bag, asOf, version >= TELLS_DOUBTS);
    });
    const audit = await auditText(container, bag, trust);
    const again = `${predicate.get("populations").length} populations and all totals counted again`;
    report.answer("completeness", "ok", `${again}; ${spansText(spans)}; ${exchangesText(exchanges)}; ${reasonsText(reasons)}; ${gatesText(gates)}${deploymentsText(deployments)}${doubtsText(doubts)}; ${runsText(runs)}; ${audit}`);
  }

  /** Return what the producer says that it wrote, binder/N; 0 where it says nothing of the kind. */
  function versionOf(predicate) {
    const producer = objectAt(predicate, "producer", ENVELOPE).get("version");
    return isText(producer) ? Number(/^binder\/([0-9]{1,4})$/.exec(producer)?.[1] ?? 0) : 0;
  }

  /** Check that a binder is not of an older version than was seen before it was made, by `asOf` or by its place in the log. */
  function checkProducer(predicate, proof, trust) {
    const least = trust.producer;
    if (!least) return;
    const version = versionOf(predicate);
    if (version >= least.minimumVersion) return;
    const isLater = !least.seenAt || timeAt(predicate, "asOf", ENVELOPE).at >= least.seenAt.at;
    const isLoggedLater = proof && trust.log.minimumSize && proof.index >= trust.log.minimumSize;
    if (isLater || isLoggedLater) {
      throw notTrusted(`binder/${version} wrote it, and binder/${least.minimumVersion} was seen before: what that tells, this one need not`, ENVELOPE);
    }
  }

  function checkFreshness(statement, trust, now, report) {
    const asOf = timeAt(statement.predicate, "asOf", ENVELOPE);
    const age = BigInt(now.getTime()) * 1000n - asOf.at; // microseconds
    if (age < -CLOCKS) throw failed(`is as of ${asOf.text}, which is in the future`, ENVELOPE);
    if (trust.maximumAgeDays === null) {
      report.answer("freshness", "not checked", `as of ${asOf.text}; the trust file sets no maximum age`);
      return;
    }
    const days = age < 0n ? -1n : age / MICROSECONDS_A_DAY;
    if (days > trust.maximumAgeDays) throw notTrusted(`is ${days} days old, ${trust.maximumAgeDays} allowed`, ENVELOPE);
    report.answer("freshness", "ok", `as of ${asOf.text}, ${days} days ago`);
  }

  /** A source over bytes that are in memory. */
  const bytesSource = (bytes) => ({ size: bytes.length, read: async (at, length) => bytes.subarray(at, at + length) });

  /** A source over a file that somebody chose in a browser; it is read piece by piece and never held whole. */
  const blobSource = (blob) => ({
    size: blob.size,
    read: async (at, length) => new Uint8Array(await blob.slice(at, at + length).arrayBuffer()),
  });

  const api = { LIMITS, verifyBinder, parseTrust, bytesSource, blobSource, VerifyError, showHidden, foldPath: fold };
  if (typeof module === "object" && module.exports) module.exports = api;
  else root.TracebinderVerifier = api;
})(globalThis);
