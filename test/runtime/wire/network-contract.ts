/** What every network door must keep, whether of sockets or simulated. */
import type { ExecutionContext } from 'ava';
import type { ByteStream, Listener, Network, StreamHandler } from '../../../runtime/wire/network.ts';

export interface NetworkWorld {
  network(): Network;
  until(condition: () => boolean, what: string): Promise<void>;
}

export type NetworkRule = (t: ExecutionContext, world: NetworkWorld) => Promise<void>;

const HOST = '127.0.0.1';

/** Keeps what comes, and fails the test when it comes within a call or after the end. */
class Recorder implements StreamHandler {
  readonly #t: ExecutionContext;
  readonly stream: ByteStream;
  readonly chunks: Buffer[] = [];
  connects = 0;
  drains = 0;
  closes: string[] = [];
  isCalling = false;

  constructor(t: ExecutionContext, stream: ByteStream) {
    this.#t = t;
    this.stream = stream;
    stream.handler = this;
  }

  get text(): string {
    return Buffer.concat(this.chunks).toString('latin1');
  }

  /** Calls the stream, in which time nothing may come. */
  call<R>(what: (stream: ByteStream) => R): R {
    this.isCalling = true;
    const result = what(this.stream);
    this.isCalling = false;
    return result;
  }

  write(text: string): boolean {
    const bytes = Buffer.from(`[${text}]`, 'latin1');
    return this.call((stream) => stream.write(bytes, 1, bytes.length - 1));
  }

  onConnect(): void {
    this.#check();
    this.connects++;
  }
  onData(bytes: Buffer, start: number, end: number): void {
    this.#check();
    this.chunks.push(bytes.subarray(start, end));
  }
  onDrain(): void {
    this.#check();
    this.drains++;
  }
  onClose(reason: string): void {
    this.#check();
    this.closes.push(reason);
  }

  #check(): void {
    if (this.isCalling) this.#t.fail('a callback came within a call');
    if (this.closes.length > 0) this.#t.fail('a callback came after the end');
  }
}

interface Ends {
  readonly dialler: Recorder;
  readonly acceptor: Recorder;
  readonly listener: Listener;
}

async function listen(world: NetworkWorld, accept: (stream: ByteStream) => void): Promise<Listener> {
  const results: (Listener | Error)[] = [];
  world.network().listen(HOST, 0, accept, (result) => results.push(result));
  await world.until(() => results.length > 0, 'listening');
  const [result] = results;
  if (result === undefined || result instanceof Error) throw result ?? new Error('not listening');
  return result;
}

async function connected(t: ExecutionContext, world: NetworkWorld): Promise<Ends> {
  const accepted: Recorder[] = [];
  const listener = await listen(world, (stream) => accepted.push(new Recorder(t, stream)));
  const dialler = new Recorder(t, world.network().connect(HOST, listener.port));
  t.is(dialler.connects, 0);
  await world.until(() => dialler.connects === 1 && accepted.length === 1, 'a connection');
  return { dialler, acceptor: accepted[0] as Recorder, listener };
}

async function closeBoth(world: NetworkWorld, { dialler, acceptor, listener }: Ends): Promise<void> {
  dialler.stream.destroy('test over');
  acceptor.stream.destroy('test over');
  await world.until(() => dialler.closes.length === 1 && acceptor.closes.length === 1, 'both ends to close');
  listener.close();
}

/** Writes of `bytes` until one is held up; returns what was written. */
function fill(from: Recorder, bytes: Buffer): number {
  let written = 0;
  for (let i = 0; i < 10_000; i++) {
    written += bytes.length;
    if (!from.call((stream) => stream.write(bytes, 0, bytes.length))) return written;
  }
  throw new Error('nothing holds the writer up');
}

function lengthOf({ chunks }: Recorder): number {
  return chunks.reduce((sum, chunk) => sum + chunk.length, 0);
}

export const NETWORK_RULES: Readonly<Record<string, NetworkRule>> = {
  'bytes go both ways in order, and what was received is never written to again': async (t, world) => {
    const ends = await connected(t, world);
    const { dialler, acceptor } = ends;
    let sent = '';
    for (let i = 0; i < 300; i++) {
      const text = `${i} `.repeat((i % 7) + 1);
      sent += text;
      dialler.write(text);
      acceptor.write(text);
      if (i % 10 === 0) await world.until(() => acceptor.text === sent && dialler.text === sent, 'what was sent so far');
    }
    await world.until(() => acceptor.text === sent && dialler.text === sent, 'everything');
    t.is(acceptor.connects, 0);
    await closeBoth(world, ends);
  },

  'a writer whose peer does not read is held up, and told when everything has left': async (t, world) => {
    const ends = await connected(t, world);
    for (const [from, to] of [
      [ends.dialler, ends.acceptor],
      [ends.acceptor, ends.dialler],
    ] as const) {
      to.call((stream) => stream.pause());
      const written = fill(from, Buffer.alloc(60_000, 7));
      t.is(from.drains, 0);
      to.call((stream) => stream.resume());
      await world.until(() => from.drains === 1, 'the drain');
      await world.until(() => lengthOf(to) === written, 'all bytes');
      t.true(to.chunks.every((chunk) => chunk[0] === 7 && chunk.at(-1) === 7));
    }
    await closeBoth(world, ends);
  },

  'end sends what is queued, and each end is told once that it is closed': async (t, world) => {
    const ends = await connected(t, world);
    const { dialler, acceptor, listener } = ends;
    acceptor.call((stream) => stream.pause());
    const written = fill(dialler, Buffer.alloc(60_000, 7));
    dialler.call((stream) => stream.end());
    acceptor.call((stream) => stream.resume());
    await world.until(() => acceptor.closes.length === 1 && dialler.closes.length === 1, 'both ends to close');
    t.is(lengthOf(acceptor), written);
    listener.close();
  },

  'destroy closes at once with its reason, and nothing comes afterwards': async (t, world) => {
    const ends = await connected(t, world);
    const { dialler, acceptor, listener } = ends;
    acceptor.write('on its way');
    dialler.call((stream) => stream.destroy('first reason'));
    dialler.call((stream) => stream.destroy('second reason'));
    t.deepEqual(dialler.closes, []);
    await world.until(() => dialler.closes.length === 1 && acceptor.closes.length === 1, 'both ends to close');
    t.regex(dialler.closes[0] ?? '', /first reason$/);
    // Calls on what is closed do nothing.
    for (const end of [dialler, acceptor]) {
      end.stream.pause();
      end.stream.resume();
      end.stream.end();
      end.stream.destroy('third reason');
    }
    listener.close();
  },

  'a dial that is refused ends with the address and the cause': async (t, world) => {
    const listener = await listen(world, () => {});
    const { port } = listener;
    listener.close();
    const dialler = new Recorder(t, world.network().connect(HOST, port));
    await world.until(() => dialler.closes.length === 1, 'the refusal');
    t.regex(dialler.closes[0] ?? '', new RegExp(`^127\\.0\\.0\\.1:${port}: connection refused`));
    t.is(dialler.connects, 0);
  },

  'a dial destroyed before it is connected never connects': async (t, world) => {
    const listener = await listen(world, () => {});
    const dialler = new Recorder(t, world.network().connect(HOST, listener.port));
    dialler.call((stream) => stream.destroy('changed my mind'));
    await world.until(() => dialler.closes.length === 1, 'the end');
    t.is(dialler.connects, 0);
    listener.close();
  },
};
