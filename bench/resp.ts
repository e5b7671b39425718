/**
 * Commands of a RESP connection from bytes to bytes: read, looked up, handed to a store that answers at once with one record, and answered. Beside `buffers`, what one would write
 * first: a Buffer per argument, strings for names, replies joined at the end.
 * `node dist/bench/resp.js [--runs N] [--ms N] [--json FILE]`
 *
 * Neither side has sockets or a store: it is the cost of the gateway alone. "Out of order": the store answers each chunk's commands last to first.
 */
import { RespSession } from '../actors/resp/resp-session.ts';
import type { StoreDoor } from '../actors/store/store-door.ts';
import { OK, type RequestSink, StoreAnswer, type StoreRequest } from '../actors/store/store-request.ts';
import { put } from '../actors/version/put.ts';
import { RecordView } from '../actors/version/record-view.ts';
import { Write } from '../actors/version/write.ts';
import { OutBuffer } from '../runtime/bytes.ts';
import { encode, keyspaceOf, quietHost } from '../test/actors/resp/session-kit.ts';
import { optionsOf, wholeNumber } from '../test/helpers/options.ts';
import { printRows, printSetup, type Row, rowOf, setupOf, writeReport } from './lib/report.ts';
import { medianOf } from './lib/stats.ts';

const { values: options } = optionsOf({
  options: { runs: { type: 'string', default: '5' }, ms: { type: 'string', default: '100' }, json: { type: 'string' } },
});
const runs = wholeNumber('runs', options.runs);
const runMs = wholeNumber('ms', options.ms);
const CHUNKS = 64;
const VALUE = Buffer.alloc(100, 'v');

function recordOf(value: Buffer): Buffer {
  const write = new Write();
  write.actor = Buffer.alloc(16, 1);
  write.counter = 1;
  write.stamp = 1_764_000_000_000 * 1_024;
  write.value = value;
  write.valueEnd = value.length;
  const out = new OutBuffer(1_024, 1 << 20);
  put(new RecordView(), new RecordView(), write, out);
  return Buffer.from(out.bytes.subarray(0, out.length));
}

/** Answers everything with one record: at once, or when it is told to, the last first. */
class InstantStore implements StoreDoor {
  isLate = false;
  readonly #answer = new StoreAnswer(new RecordView());
  readonly #sinks: RequestSink[] = [];
  readonly #tokens: number[] = [];

  constructor() {
    const record = recordOf(VALUE);
    this.#answer.record.open(record, 0, record.length);
    this.#answer.status = OK;
  }

  begin({ sink, token }: StoreRequest): void {
    if (!this.isLate) return sink.answered(token, this.#answer);
    this.#sinks.push(sink);
    this.#tokens.push(token);
  }

  answerAll(): void {
    for (let i = this.#sinks.length - 1; i >= 0; i--) this.#sinks[i]!.answered(this.#tokens[i]!, this.#answer);
    this.#sinks.length = 0;
    this.#tokens.length = 0;
  }
}

const store = new InstantStore();
const keyspaces = [keyspaceOf(1, 'default')];
const session = new RespSession(1, quietHost(store, { keyspaces: () => keyspaces }));
/** Where results go, so that the compiler can't leave out what makes them. */
const kept = { bytes: 0 };

function serveOurs(chunk: Buffer): void {
  session.feed(chunk, 0, chunk.length);
  session.run();
  if (store.isLate) store.answerAll();
  kept.bytes += session.out.length;
  session.out.clear();
}

const OK_REPLY = Buffer.from('+OK\r\n');

function serveBuffers(chunk: Buffer): void {
  const replies: Buffer[] = [];
  let at = 0;
  const number = (): number => {
    const end = chunk.indexOf('\r\n', at);
    const value = Number(chunk.toString('latin1', at + 1, end));
    at = end + 2;
    return value;
  };
  while (at < chunk.length) {
    const words: Buffer[] = [];
    for (let count = number(); count > 0; count--) {
      const length = number();
      words.push(chunk.subarray(at, at + length));
      at += length + 2;
    }
    if (words[0]!.toString().toUpperCase() === 'SET') replies.push(OK_REPLY);
    else replies.push(Buffer.from(`$${VALUE.length}\r\n`), VALUE, Buffer.from('\r\n'));
  }
  kept.bytes += Buffer.concat(replies).length;
}

function rateOf(serve: (chunk: Buffer) => void, chunks: readonly Buffer[], commands: number): number {
  const begun = performance.now();
  let done = 0;
  let now = begun;
  while (now - begun < runMs) {
    for (const chunk of chunks) serve(chunk);
    done += chunks.length * commands;
    now = performance.now();
  }
  return (done / (now - begun)) * 1_000;
}

/** Bytes of heap per command; the median of pieces too short for a collection, and those with one don't count. */
function garbageOf(serve: (chunk: Buffer) => void, chunks: readonly Buffer[], commands: number): number {
  const samples: number[] = [];
  for (let piece = 0; piece < 25; piece++) {
    const before = process.memoryUsage().heapUsed;
    for (let round = 0; round < 4; round++) for (const chunk of chunks) serve(chunk);
    const grown = process.memoryUsage().heapUsed - before;
    if (grown >= 0) samples.push(grown / (4 * chunks.length * commands));
  }
  return Math.round(medianOf(samples));
}

const setup = setupOf({ what: 'one thread, bytes to bytes, no sockets and no store', runs, runMs, value: VALUE.length });
printSetup(setup);
const rows: Row[] = [];
for (const name of ['SET', 'GET'] as const) {
  for (const [label, pipeline, isLate] of [
    ['one at a time', 1, false],
    ['pipeline 16', 16, false],
    ['pipeline 16, out of order', 16, true],
  ] as const) {
    const chunks = Array.from({ length: CHUNKS }, (_, c) =>
      encode(
        ...Array.from({ length: pipeline }, (_, i) => [
          name,
          `key:${String(c * pipeline + i).padStart(12, '0')}`,
          ...(name === 'SET' ? [VALUE] : []),
        ]),
      ),
    );
    const rates: { ours: number[]; buffers: number[] } = { ours: [], buffers: [] };
    for (let run = -1; run < runs; run++) {
      store.isLate = isLate;
      const ours = rateOf(serveOurs, chunks, pipeline);
      const buffers = rateOf(serveBuffers, chunks, pipeline);
      if (run < 0) continue;
      rates.ours.push(ours);
      rates.buffers.push(buffers);
    }
    rows.push(rowOf(`${name}, ${label}`, 'commands/s', rates.ours, 'buffers', rates.buffers));
    const garbage = [garbageOf(serveOurs, chunks, pipeline), garbageOf(serveBuffers, chunks, pipeline)] as const;
    rows.push(rowOf(`${name}, ${label}: garbage`, 'bytes/command', [garbage[0]], 'buffers', [garbage[1]]));
  }
}
printRows(rows);
writeReport(options.json, setup, rows);
