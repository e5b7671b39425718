/**
 * The process that is killed: opens the database and writes from operation `from` on, and says on stdout which were acknowledged, a line of numbers per turn.
 * `node dist/test/storage/engine/kill-child.js DIR SEED FROM`; with a fourth argument FILL it writes so many bytes to a memtable of 32 MiB instead.
 */
import { writeSync } from 'node:fs';
import { openEngine } from '../../../storage/embedded/open-engine.ts';
import { WriteBatch } from '../../../storage/write-batch.ts';
import { IN_FLIGHT, KILL_OPTIONS, operationAt } from './kill-work.ts';
import { SILENT } from './worlds.ts';

const [dir = '', seed = '', from = '', fill = ''] = process.argv.slice(2);
const { engine } = await openEngine(dir, fill === '' ? { ...KILL_OPTIONS, jobThreads: 1, log: SILENT } : { jobThreads: 1, log: SILENT });
let acknowledged: number[] = [];
let n = Number(from);
let inFlight = 0;
let bytes = 0;

function say(): void {
  // A pipe is written to at once, so what was said is heard, also when the process ends within this line.
  if (acknowledged.length > 0) writeSync(1, `${acknowledged.join(' ')}\n`);
  acknowledged = [];
}

function pump(): void {
  while (inFlight < IN_FLIGHT) {
    if (fill !== '' && bytes > Number(fill)) return;
    write(n++);
  }
}

function write(number: number): void {
  inFlight++;
  const done = (error: Error | undefined): void => {
    if (error !== undefined) throw error;
    inFlight--;
    if (acknowledged.push(number) === 1) setImmediate(say);
    pump();
  };
  if (fill !== '') {
    const value = Buffer.alloc(100, `${number}.`);
    bytes += value.length + 40;
    engine.put(Buffer.from(`key/${String(number).padStart(12, '0')}`), value, 'none', done);
    return;
  }
  const { changes, durability } = operationAt(Number(seed), number);
  const [first] = changes;
  if (changes.length === 1 && first?.kind === 'put') engine.put(first.key, first.value, durability, done);
  else if (changes.length === 1 && first?.kind === 'delete') engine.delete(first.key, durability, done);
  else {
    const batch = new WriteBatch();
    for (const change of changes) {
      if (change.kind === 'put') batch.put(change.key, change.value);
      else if (change.kind === 'delete') batch.delete(change.key);
      else batch.deleteRange(change.key, change.end);
    }
    engine.write(batch, durability, done);
  }
}

pump();
// Until it is killed.
setInterval(() => undefined, 1_000);
