/**
 * Small workloads of an engine, as text that can be shortened by hand:
 *
 * ```
 * put KEY BYTES DURABILITY              batch KEY:BYTES -KEY START..END DURABILITY
 * delete KEY DURABILITY                 range START END DURABILITY
 * flush | compact | checkpoint DIR      begun, not waited for
 * await                                 until all that was begun has called back
 * wait MS                               virtual time passes
 * reopen                                `await`, then the engine is closed and opened again
 * ```
 * In one line steps are separated by `;`, and `|` is `; await;`. Writes are numbered from 1. A value begins with the number of its write, so that what is found says where it comes from.
 */
import type { Durability, Entry } from '../../../storage/engine/api.ts';
import { WriteBatch } from '../../../storage/write-batch.ts';

export type Change =
  | { readonly kind: 'put'; readonly key: string; readonly bytes: number }
  | { readonly kind: 'delete'; readonly key: string }
  | { readonly kind: 'range'; readonly start: string; readonly end: string };

export interface Write {
  readonly number: number;
  /** Take effect together. */
  readonly changes: readonly Change[];
  readonly durability: Durability;
}

export type Step =
  | { readonly kind: 'write'; readonly write: Write }
  | { readonly kind: 'flush' | 'compact' | 'await' | 'reopen' }
  | { readonly kind: 'checkpoint'; readonly dir: string }
  | { readonly kind: 'wait'; readonly ms: number };

/** Key to number of the write that put it. */
export type State = ReadonlyMap<string, number>;

export interface Script {
  readonly name: string;
  readonly lines: readonly string[];
  readonly steps: readonly Step[];
  readonly writes: readonly Write[];
}

export function script(name: string, text: string): Script {
  const lines = text
    .replaceAll('|', '; await;')
    .split(/[\n;]/)
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const writes: Write[] = [];
  const steps = lines.map((line): Step => {
    const words = line.split(' ');
    const [verb = '', first = '', second = ''] = words;
    const write = (changes: readonly Change[]): Step => {
      const durability = words.at(-1);
      if (durability !== 'sync' && durability !== 'periodic' && durability !== 'none')
        throw new Error(`${name}: no durability in "${line}"`);
      const made = { number: writes.length + 1, changes, durability } as const;
      writes.push(made);
      return { kind: 'write', write: made };
    };
    switch (verb) {
      case 'put':
        return write([{ kind: 'put', key: first, bytes: Number(second) }]);
      case 'delete':
        return write([{ kind: 'delete', key: first }]);
      case 'range':
        return write([{ kind: 'range', start: first, end: second }]);
      case 'batch':
        return write(words.slice(1, -1).map(changeOf));
      case 'flush':
      case 'compact':
      case 'await':
      case 'reopen':
        return { kind: verb };
      case 'checkpoint':
        return { kind: 'checkpoint', dir: first };
      case 'wait':
        return { kind: 'wait', ms: Number(first) };
      default:
        throw new Error(`${name}: what is "${line}"?`);
    }
  });
  return { name, lines, steps, writes };
}

function changeOf(word: string): Change {
  if (word.startsWith('-')) return { kind: 'delete', key: word.slice(1) };
  const [start = '', end] = word.split('..');
  if (end !== undefined) return { kind: 'range', start, end };
  const [key = '', bytes] = word.split(':');
  return { kind: 'put', key, bytes: Number(bytes) };
}

export function batchOf({ number, changes }: Write): WriteBatch {
  const batch = new WriteBatch();
  for (const change of changes) {
    if (change.kind === 'put') batch.put(Buffer.from(change.key), valueBytes(number, change.key, change.bytes));
    else if (change.kind === 'delete') batch.delete(Buffer.from(change.key));
    else batch.deleteRange(Buffer.from(change.start), Buffer.from(change.end));
  }
  return batch;
}

/** Bytes that no other write has, and that don't compress. */
export function valueBytes(number: number, key: string, bytes: number): Buffer {
  const value = Buffer.alloc(bytes);
  let word = number * 0x9e37_79b1 + key.length;
  for (let i = 0; i < bytes; i++) {
    word = (Math.imul(word, 1_664_525) + 1_013_904_223) >>> 0;
    value[i] = word >>> 24;
  }
  value.write(`${number}:`);
  return value;
}

/** The state after each write: `states[m]` after the first m. */
export function statesOf(writes: readonly Write[]): readonly State[] {
  let state: State = new Map();
  const states = [state];
  for (const { number, changes } of writes) {
    const next = new Map(state);
    for (const change of changes) {
      if (change.kind === 'put') next.set(change.key, number);
      else for (const key of [...next.keys()]) if (touches(change, key)) next.delete(key);
    }
    state = next;
    states.push(state);
  }
  return states;
}

export function touches(change: Change, key: string): boolean {
  return change.kind === 'range' ? change.start <= key && key < change.end : change.key === key;
}

/** `a=1 b=3`, in order of keys. */
export function textOf(state: State): string {
  return [...state.keys()]
    .sort()
    .map((key) => `${key}=${state.get(key)}`)
    .join(' ');
}

/** What an engine holds. A value that no write of the script put is number -1. */
export function stateOf(entries: readonly Entry[], writes: readonly Write[]): State {
  return new Map(
    entries.map(({ key, value }) => [Buffer.from(key).toString(), numberOf(Buffer.from(key).toString(), Buffer.from(value), writes)]),
  );
}

function numberOf(key: string, value: Buffer, writes: readonly Write[]): number {
  const number = Number.parseInt(value.toString('latin1', 0, 8), 10);
  const changes = writes[number - 1]?.changes ?? [];
  const isPut = changes.some(
    (change) => change.kind === 'put' && change.key === key && valueBytes(number, key, change.bytes).equals(value),
  );
  return isPut ? number : -1;
}
