/**
 * Runs threads that share memory in every interleaving of their accesses to it. `stepwise` takes the source of the functions of the
 * product and makes generators of them that pause before each `Atomics` access (and before the plain copying between two of them);
 * `explore` then lets every thread take the next step at every point.
 *
 * Two points at which the memory is the same, and each thread has seen the same values since it was in the same state, have the same
 * future, since threads are deterministic. So each is looked at once, and the search covers all interleavings all the same.
 */
import { createHash } from 'node:crypto';
import { compileFunction } from 'node:vm';

/** What a thread waits for before its next step; undefined: nothing. */
export type Pause = (() => boolean) | undefined;
export type Steps<R = void> = Generator<Pause, R, void>;
type Callable = (...args: never[]) => unknown;
export type Stepwise<F> = { readonly [K in keyof F]: F[K] extends (...args: infer A) => infer R ? (...args: A) => Steps<R> : never };

/** Keeps what each thread has seen of the shared memory. */
export class Observer {
  current: unknown[] = [];
  readonly atomics = {
    load: (words: Int32Array, index: number) => this.sees(Atomics.load(words, index)),
    store: (words: Int32Array, index: number, value: number) => this.sees(Atomics.store(words, index, value)),
    exchange: (words: Int32Array, index: number, value: number) => this.sees(Atomics.exchange(words, index, value)),
  };

  /** To be called with all that a thread reads in another way. */
  sees<T>(value: T): T {
    this.current.push(value);
    return value;
  }

  /** The thread is at a point where nothing of what it has seen matters any more but `state`. */
  forgetsAllBut(state: unknown): void {
    this.current.splice(0, Number.POSITIVE_INFINITY, state);
  }
}

/**
 * Requires: `functions` is what the threads call, by name, and nothing in it is called before its turn; `scope` holds every other name that
 * they use, functions of it in `pauses` with a pause before them.
 */
export function stepwise<F extends Readonly<Record<string, Callable>>>(
  functions: F,
  scope: Readonly<Record<string, unknown>>,
  pauses: readonly string[],
  observer: Observer,
): Stepwise<F> {
  const names = Object.keys(functions);
  const sources = Object.entries(functions).map(([name, f]) => generatorSource(name, f.toString(), names, pauses));
  const all = { ...scope, Atomics: observer.atomics };
  const make = compileFunction(`${sources.join('\n')}\nreturn { ${names.join(', ')} };`, Object.keys(all)) as (
    ...values: unknown[]
  ) => Stepwise<F>;
  return make(...Object.values(all));
}

function generatorSource(name: string, source: string, stepped: readonly string[], pauses: readonly string[]): string {
  const calls = new RegExp(`\\b(?:Atomics\\.\\w+|${[...stepped, ...pauses].join('|')})\\(`, 'g');
  let body = source.slice(source.indexOf('('));
  // From the last call to the first: the offsets of those still to come stay right, and inner calls are done before outer ones.
  for (const call of [...body.matchAll(calls)].reverse()) {
    const end = endOfCall(body, call.index + call[0].length);
    const pause = stepped.includes(call[0].slice(0, -1)) ? 'yield* ' : 'yield, ';
    body = `${body.slice(0, call.index)}(${pause}${body.slice(call.index, end)})${body.slice(end)}`;
  }
  return `function* ${name}${body}`;
}

function endOfCall(text: string, from: number): number {
  let depth = 1;
  let at = from;
  for (; depth > 0; at++) depth += text[at] === '(' ? 1 : text[at] === ')' ? -1 : 0;
  return at;
}

export interface Run {
  readonly threads: Readonly<Record<string, Steps>>;
  /** All that threads share. */
  memory(): Uint8Array;
  /** Called when all threads have ended; throws on what must not be. */
  check(): void;
}

export interface Exploration {
  readonly states: number;
  readonly interleavings: bigint;
  /** The first thing that must not be, and the steps that lead to it; null: there is none. */
  readonly finding: { readonly what: string; readonly steps: readonly string[] } | null;
}

interface Progress {
  readonly name: string;
  readonly steps: Steps;
  readonly seen: unknown[];
  isDone: boolean;
  waitsFor: Pause;
}

/** `start` makes a fresh run: called whenever the search goes back to an earlier point. */
export function explore(observer: Observer, start: () => Run): Exploration {
  const search = new Search(observer, start);
  const interleavings = search.visit([], search.replay([]));
  return { states: search.ways.size, interleavings, finding: search.finding };
}

interface Point {
  readonly run: Run;
  readonly threads: readonly Progress[];
}

class Search {
  /** Interleavings from each state on. */
  readonly ways = new Map<string, bigint>();
  finding: Exploration['finding'] = null;
  readonly #observer: Observer;
  readonly #start: () => Run;

  constructor(observer: Observer, start: () => Run) {
    this.#observer = observer;
    this.#start = start;
  }

  replay(schedule: readonly string[]): Point | null {
    const run = this.#start();
    const threads = Object.entries(run.threads).map(([name, steps]) => ({ name, steps, seen: [], isDone: false, waitsFor: undefined }));
    const point = { run, threads };
    for (const { name } of threads) if (!this.#advance(point, name, [])) return null;
    for (const [i, name] of schedule.entries()) if (!this.#advance(point, name, schedule.slice(0, i + 1))) return null;
    return point;
  }

  /** Uses the point up. */
  visit(schedule: readonly string[], point: Point | null): bigint {
    if (point === null || this.finding !== null) return 0n;
    const { run, threads } = point;
    const ready = threads.filter((t) => !t.isDone && (t.waitsFor === undefined || t.waitsFor()));
    if (ready.length === 0) return this.#end(run, threads, schedule);
    const key = stateOf(run, threads);
    const known = this.ways.get(key);
    if (known !== undefined) return known;
    let count = 0n;
    for (const [i, { name }] of ready.entries()) {
      const longer = [...schedule, name];
      const next = i < ready.length - 1 ? this.replay(longer) : this.#advance(point, name, longer) ? point : null;
      count += this.visit(longer, next);
    }
    this.ways.set(key, count);
    return count;
  }

  #end(run: Run, threads: readonly Progress[], schedule: readonly string[]): bigint {
    const waiting = threads.filter(({ isDone }) => !isDone).map(({ name }) => name);
    if (waiting.length > 0) this.finding = { what: `for ever asleep: ${waiting.join(', ')}`, steps: schedule };
    else this.#noteErrors(schedule, () => run.check());
    return 1n;
  }

  #advance({ threads }: Point, name: string, schedule: readonly string[]): boolean {
    const thread = threads.find((t) => t.name === name) as Progress;
    this.#observer.current = thread.seen;
    return this.#noteErrors(schedule, () => {
      const { done, value } = thread.steps.next();
      thread.isDone = done === true;
      thread.waitsFor = thread.isDone ? undefined : (value as Pause);
    });
  }

  #noteErrors(schedule: readonly string[], body: () => void): boolean {
    try {
      body();
      return true;
    } catch (error) {
      this.finding ??= { what: String(error), steps: schedule };
      return false;
    }
  }
}

function stateOf(run: Run, threads: readonly Progress[]): string {
  const hash = createHash('sha1').update(run.memory());
  return hash.update(JSON.stringify(threads.map(({ seen, isDone }) => [seen, isDone]))).digest('base64');
}
