/** ask, same thread, with a promise: 256 under way at a time, from outside of any actor. */
import { dispatch, type Ref as NactRef, query, spawnStateless, start, stop } from 'nact';
import { ActorSystem } from '../../runtime/system.ts';
import { type Contest, rateOf } from '../lib/contest.ts';
import { echo, TEXT_64 } from './workload.ts';

const UNDER_WAY = 256;
const TIMEOUT_MS = 10_000;
const TEXT = 'x'.repeat(TEXT_64);

export async function open(): Promise<Contest> {
  const system = await ActorSystem.start({ logLevel: 'warn' });
  const ref = system.spawn(echo);
  const nact = start();
  const nactEcho = spawnStateless(
    nact,
    (message: { readonly n: number; readonly text: string; readonly replyTo: NactRef<number> }) => dispatch(message.replyTo, message.n),
    'echo',
  );
  const ask = (n: number): Promise<number> =>
    ref.ask<number>((replyTo) => ({ type: 'question', n, text: TEXT, replyTo }), { timeoutMs: TIMEOUT_MS });
  const askNact = (n: number): Promise<number> => query(nactEcho, (replyTo: NactRef<number>) => ({ n, text: TEXT, replyTo }), TIMEOUT_MS);
  return {
    metrics: [{ key: 'rate', name: 'ask, same thread, with promise', unit: 'ask/s' }],
    ours: rateOf('dynactor', UNDER_WAY * 64, (count) => askAll(count, ask)),
    peers: [
      rateOf('bare promise through an array queue', UNDER_WAY * 64, (count) => askAll(count, openQueue())),
      rateOf('nact', UNDER_WAY * 4, (count) => askAll(count, askNact)),
    ],
    close: async () => {
      stop(nact);
      await system.stop();
    },
  };
}

async function askAll(count: number, ask: (n: number) => Promise<number>): Promise<void> {
  for (let n = 0; n < count; n += UNDER_WAY) {
    const answers: Promise<number>[] = [];
    for (let i = 0; i < UNDER_WAY; i++) answers.push(ask(n + i));
    const numbers = await Promise.all(answers);
    if (numbers[UNDER_WAY - 1] !== n + UNDER_WAY - 1) throw new Error(`wrong answer ${numbers[UNDER_WAY - 1]}`);
  }
}

/** What is left of an ask without actors: questions wait in an array, and are answered in the next turn of the event loop. */
function openQueue(): (n: number) => Promise<number> {
  interface Entry {
    readonly message: { readonly type: 'question'; readonly n: number; readonly text: string };
    readonly resolve: (answer: number) => void;
  }
  let queue: Entry[] = [];
  const answer = (): void => {
    const entries = queue;
    queue = [];
    for (const { message, resolve } of entries) resolve(message.n);
  };
  return (n) =>
    new Promise((resolve) => {
      if (queue.push({ message: { type: 'question', n, text: TEXT }, resolve }) === 1) setImmediate(answer);
    });
}
