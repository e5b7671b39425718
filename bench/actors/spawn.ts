/** What an idle actor costs: the rate at which they start, to the last one's first turn, and the memory each one keeps. */
import { dispatch, type Ref as NactRef, spawnStateless, start, stop } from 'nact';
import { defineActor } from '../../runtime/actor.ts';
import type { Ref } from '../../runtime/ref.ts';
import { ActorSystem } from '../../runtime/system.ts';
import type { Contender, Contest } from '../lib/contest.ts';

const ACTORS = 50_000;

interface Wake {
  readonly replyTo: Ref<number>;
}

/** Has state of its own, as every actor that is worth one. */
const idle = defineActor<Wake>('idle', () => {
  let woken = 0;
  return {
    receive(message: Wake): void {
      woken++;
      message.replyTo.tell(woken);
    },
  };
});

export function open(): Promise<Contest> {
  return Promise.resolve({
    metrics: [
      { key: 'rate', name: 'spawn', unit: 'actors/s' },
      { key: 'bytes', name: 'memory of an idle actor', unit: 'B' },
    ],
    ours: ours(),
    peers: [nact()],
    close: () => Promise.resolve(),
  });
}

function ours(): Contender {
  return {
    label: 'dynactor',
    run: async () => {
      const system = await ActorSystem.start({ logLevel: 'warn' });
      const refs: Ref<Wake>[] = new Array(ACTORS);
      const before = memory();
      const begun = performance.now();
      for (let i = 0; i < ACTORS; i++) refs[i] = system.spawn(idle);
      // They start in the order in which they were spawned: when the last one answers, all have.
      await (refs[ACTORS - 1] as Ref<Wake>).ask<number>((replyTo) => ({ replyTo }), { timeoutMs: 10_000 });
      const seconds = (performance.now() - begun) / 1000;
      const bytes = (memory() - before) / ACTORS;
      await system.stop();
      return { rate: refs.length / seconds, bytes };
    },
  };
}

function nact(): Contender {
  return {
    label: 'nact',
    run: () => {
      const system = start();
      const refs: unknown[] = new Array(ACTORS);
      const before = memory();
      const begun = performance.now();
      for (let i = 0; i < ACTORS; i++) {
        let woken = 0;
        const wake = (message: { readonly replyTo: NactRef<number> }): void => {
          woken++;
          dispatch(message.replyTo, woken);
        };
        // Without a name it draws one at random, and fails when two are the same.
        refs[i] = spawnStateless(system, wake, `idle${i}`);
      }
      const seconds = (performance.now() - begun) / 1000;
      const bytes = (memory() - before) / ACTORS;
      stop(system);
      return Promise.resolve({ rate: refs.length / seconds, bytes });
    },
  };
}

function memory(): number {
  globalThis.gc?.();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}
