/**
 * Messages to bytes and back, beside cbor-x as it is. `node dist/bench/codec.js [--runs N] [--ms N] [--json FILE]`
 *
 * The peer of `encode` is a plain `Encoder.encode`, which neither checks a message nor puts its bytes behind those of others. The peer of
 * `decode` is a plain `Decoder.decode` of a buffer that holds nothing but the message, so that cbor-x makes no Buffer and DataView per
 * message. Refs are `[slot, uid]` for cbor-x.
 */
import { Decoder, Encoder } from 'cbor-x';
import type { Address } from '../runtime/address.ts';
import { OutBuffer } from '../runtime/bytes.ts';
import { type AnyRef, Ref } from '../runtime/ref.ts';
import { CBOR_OPTIONS, PayloadCodec, type Peer } from '../runtime/wire/codec.ts';
import { FRAME_HEADER_BYTES } from '../runtime/wire/frame.ts';
import { Scanner } from '../runtime/wire/scan.ts';
import { optionsOf, wholeNumber } from '../test/helpers/options.ts';
import { printRows, printSetup, type Row, rowOf, setupOf, writeReport } from './lib/report.ts';

const { values: options } = optionsOf({
  options: { runs: { type: 'string', default: '5' }, ms: { type: 'string', default: '60' }, json: { type: 'string' } },
});
const runs = wholeNumber('runs', options.runs);
const runMs = wholeNumber('ms', options.ms);

class BareRef extends Ref<unknown> {
  readonly address: Address;

  constructor(address: Address) {
    super();
    this.address = address;
  }

  tell(): boolean {
    return false;
  }

  ask<R>(): Promise<R> {
    throw new Error('not a living actor');
  }

  tellBytes(): boolean {
    return false;
  }

  toString(): string {
    return 'a bare ref';
  }
}

const HOME: Peer = { place: { node: 'alpha', shard: 0 }, boot: 1_763_600_000_000 };
const TWO = [1001, 3];
const own = new BareRef({ ...HOME.place, boot: HOME.boot, slot: 1001, uid: 3 });
const far = new BareRef({ node: 'beta', shard: 1, boot: 1_763_600_000_001, slot: 1001, uid: 3 });

interface Case {
  readonly name: string;
  readonly message: unknown;
  /** The same without refs. */
  readonly plain: unknown;
}
const same = (name: string, message: unknown): Case => ({ name, message, plain: message });
const cases: readonly Case[] = [
  { name: 'add with a ref', message: { type: 'add', by: 5, replyTo: own }, plain: { type: 'add', by: 5, replyTo: TWO } },
  { name: 'add with a far ref', message: { type: 'add', by: 5, replyTo: far }, plain: { type: 'add', by: 5, replyTo: TWO } },
  same('object', { type: 'stored', key: 'user:123456', version: 1_234_567, ok: true, value: 'abcdefghijklmnopqrst', n: 3.5 }),
  same('array', ['set', 'user:12345678', 77, 100_000, 'some value that is 40 characters long...']),
  same('bytes', { type: 'put', key: Buffer.alloc(16, 1), value: Buffer.alloc(40, 2) }),
  same('long string', { type: 'log', text: 'x'.repeat(200) }),
  same('other scripts', { type: 'log', text: 'grüße an łódź 日本' }),
  same('nested', { a: [1, 2, { b: [3, 4, { c: 'd' }] }], e: { f: { g: [true, false, null] } } }),
];

const codec = new PayloadCodec({ ...HOME, bind: (address): AnyRef => new BareRef(address) });
const scanner = new Scanner();
const encoder = new Encoder({ ...CBOR_OPTIONS });
const decoder = new Decoder({ ...CBOR_OPTIONS });
const out = new OutBuffer(65_536, 65_536);
const inBuffer = Buffer.alloc(65_536);
const IN_AT = 1000;

/** Millions of calls a second. */
function measure(work: () => void, ms: number): number {
  const batch = 2000;
  const begun = performance.now();
  let calls = 0;
  let spent = 0;
  do {
    for (let i = 0; i < batch; i++) work();
    calls += batch;
    spent = performance.now() - begun;
  } while (spent < ms);
  return calls / spent / 1000;
}

function contest({ name, message, plain }: Case, samples: Map<string, number[]>, ms: number): void {
  out.clear();
  codec.encode(message, out);
  const end = IN_AT + out.length;
  out.bytes.copy(inBuffer, IN_AT, 0, out.length);
  const theirs = Buffer.from(encoder.encode(plain));
  const works: Readonly<Record<string, () => void>> = {
    encode: () => {
      out.length = FRAME_HEADER_BYTES;
      codec.encode(message, out);
    },
    'encode, cbor-x': () => encoder.encode(plain),
    scan: () => scanner.scan(inBuffer, IN_AT, end),
    decode: () => codec.decode(inBuffer, IN_AT, end, HOME, true),
    'scan and decode': () => codec.decode(inBuffer, IN_AT, end, HOME, false),
    'decode, cbor-x': () => decoder.decode(theirs),
  };
  for (const [work, run] of Object.entries(works)) {
    const key = `${work}: ${name}, ${work.endsWith('cbor-x') ? theirs.length : end - IN_AT} B`;
    const found = samples.get(key) ?? [];
    samples.set(key, found);
    found.push(measure(run, ms));
  }
}

const samples = new Map<string, number[]>();
for (const each of cases) contest(each, new Map(), 50);
for (let run = 0; run < runs; run++) for (const each of cases) contest(each, samples, runMs);

const rows: Row[] = [];
for (const work of ['encode', 'decode', 'scan and decode', 'scan']) {
  for (const { name } of cases) {
    const [key, values] = find(`${work}: ${name},`);
    const peer = work === 'scan' ? [] : find(`${work === 'encode' ? 'encode' : 'decode'}, cbor-x: ${name},`)[1];
    rows.push(rowOf(key, 'M/s', values, peer.length === 0 ? '' : 'cbor-x', peer));
  }
}
function find(prefix: string): [string, number[]] {
  const found = [...samples].find(([key]) => key.startsWith(prefix));
  if (found === undefined) throw new Error(`no figures for ${prefix}`);
  return found;
}

const setup = setupOf({ runs, runMs });
printSetup(setup);
printRows(rows);
writeReport(options.json, setup, rows);
