/** Rounds of: a process writes, is killed, and what it left is read by another. */
import { spawn } from 'node:child_process';
import { Store } from '../../../storage/embedded/store.ts';
import { KILL_OPTIONS, LATEST, operationAt } from './kill-work.ts';
import { ModelState } from './sorted-model.ts';
import { SILENT } from './worlds.ts';

const CHILD = new URL('./kill-child.js', import.meta.url).pathname;

export interface Round {
  /** Operations acknowledged in the round. */
  readonly acknowledged: number;
  /** Operations found that were not acknowledged. */
  readonly beyond: number;
  readonly reopenMs: number;
}

export class KillRounds {
  readonly #dir: string;
  readonly #seed: number;
  #state = ModelState.empty;
  /** The first operation that is not in the database. */
  #next = 0;

  constructor(dir: string, seed: number) {
    this.#dir = dir;
    this.#seed = seed;
  }

  /**
   * Kills the writer after `acks` acknowledgements (0: as soon as it runs), and compares. `readOnly`: how it is opened then. Rejects when an acknowledged
   * write is missing or anything else is not as it was written.
   */
  async run(acks: number, readOnly: boolean): Promise<Round> {
    const before = this.#next;
    const highest = await writeUntil([this.#dir, String(this.#seed), String(before)], acks);
    const begunMs = performance.now();
    const store = await this.#open(readOnly);
    if (store === undefined) {
      if (highest >= 0) throw new Error(`operation ${highest} was acknowledged, but there is no database`);
      return { acknowledged: 0, beyond: 0, reopenMs: 0 };
    }
    const reopenMs = performance.now() - begunMs;
    try {
      await this.#compare(store, highest);
    } finally {
      await store.close();
    }
    return { acknowledged: Math.max(0, highest + 1 - before), beyond: this.#next - Math.max(before, highest + 1), reopenMs };
  }

  /** Undefined: it was killed before there was one. */
  async #open(readOnly: boolean): Promise<Store | undefined> {
    try {
      return await Store.open(this.#dir, { ...KILL_OPTIONS, readOnly, createIfMissing: false, jobThreads: 1, log: SILENT });
    } catch (error) {
      if ((error as { code?: string }).code === 'NOT_FOUND') return undefined;
      throw error;
    }
  }

  async #compare(store: Store, highest: number): Promise<void> {
    const latest = Number((await store.get(LATEST))?.toString() ?? -1);
    // The one behind the latest batch says nothing of itself.
    const ends = [latest + 1, latest + 2].filter((end) => end > highest && end >= this.#next);
    if (ends.length === 0)
      throw new Error(`operation ${highest} was acknowledged, ${this.#next - 1} was there before, but the latest batch is ${latest}`);
    const found: [string, string][] = [];
    for await (const { key, value } of store.entries({})) found.push([key.toString('latin1'), value.toString('latin1')]);
    const text = JSON.stringify(found);
    let state = this.#state;
    for (let n = this.#next; n < ends[0]!; n++) state = state.with(operationAt(this.#seed, n).changes);
    for (const end of ends) {
      if (end > ends[0]!) state = state.with(operationAt(this.#seed, end - 1).changes);
      if (JSON.stringify(state.entries().map(({ key, value }) => [key.toString('latin1'), value.toString('latin1')])) !== text) continue;
      this.#state = state;
      this.#next = end;
      return;
    }
    throw new Error(`what was found is not what ${ends.join(' or ')} operations make (seed ${this.#seed}, acknowledged ${highest})`);
  }
}

/** Runs the writer until it has acknowledged so many, then kills it. Returns the highest that it has said; -1: none. */
export async function writeUntil(args: readonly string[], acks: number): Promise<number> {
  const child = spawn(process.execPath, [CHILD, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  let count = 0;
  let highest = -1;
  const end = (): boolean => child.kill('SIGKILL');
  process.once('exit', end);
  child.stdout.on('data', (chunk: Buffer) => {
    text += chunk.toString();
    const lines = text.split('\n');
    text = lines.pop() ?? '';
    for (const line of lines) {
      for (const number of line.split(' ')) {
        count++;
        highest = Math.max(highest, Number(number));
      }
    }
    if (count >= acks) end();
  });
  if (acks === 0) child.once('spawn', () => setImmediate(end));
  const signal = await new Promise<NodeJS.Signals | null>((resolve) => child.once('close', (_, by) => resolve(by)));
  process.removeListener('exit', end);
  if (signal !== 'SIGKILL') throw new Error('the writer ended by itself');
  return highest;
}
