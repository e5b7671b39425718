import test from 'ava';
import { NAPPING, openLoop } from '../../bench/lib/open-loop.ts';

/** Time that goes on by `stepMs` per turn of the loop, and a service that answers `serviceMs` after the beginning, but nothing while it stalls. */
function virtual(stepMs: number, serviceMs: number, stall: { readonly fromMs: number; readonly untilMs: number }) {
  let now = 0;
  const waiting: { readonly atMs: number; readonly onAnswer: () => void }[] = [];
  return {
    doors: {
      now: () => now,
      turn: (next: () => void) => {
        now += stepMs;
        const isStalled = now >= stall.fromMs && now < stall.untilMs;
        while (!isStalled && waiting.length > 0 && waiting[0]!.atMs <= now) waiting.shift()!.onAnswer();
        setImmediate(next);
      },
    },
    request: (_: number, onAnswer: () => void) => void waiting.push({ atMs: now + serviceMs, onAnswer }),
  };
}

test('open loop: latency is that of the service, when it keeps up', async (t) => {
  const { doors, request } = virtual(0.5, 1, { fromMs: 0, untilMs: 0 });
  const { p50, p99, max } = await openLoop({ perSecond: 1_000, ms: 400, settleMs: 0, request }, doors);
  t.deepEqual([p50, p99, max], [1, 1, 1]);
});

test('open loop: each request that a stall delays counts from when it was to begin, when the service stands still', async (t) => {
  // 100 ms of 400: a closed loop with one call in flight would see one slow call of 300.
  const { doors, request } = virtual(0.5, 1, { fromMs: 100, untilMs: 200 });
  const latencies: number[] = [];
  const options = { perSecond: 1_000, ms: 400, settleMs: 0, request, onLatency: (ms: number) => void latencies.push(ms) };
  const { p50, p99, max } = await openLoop(options, doors);
  t.is(p50, 1);
  t.is(max, 101);
  t.is(latencies.length, 400);
  // Those that were to begin at 99, 100, ... 197 wait for the rest of the stall: 101, 100, ... 3 ms.
  t.is(latencies.filter((ms) => ms > 2).length, 99);
  t.true(p99 > 95, `${p99}`);
});

test('open loop: what the loop itself is late for counts as latency, when the generator stands still', async (t) => {
  let now = 0;
  let turns = 0;
  const doors = {
    now: () => now,
    turn: (next: () => void) => {
      now += ++turns === 50 ? 100 : 1;
      setImmediate(next);
    },
  };
  const request = (_: number, onAnswer: () => void) => onAnswer();
  const { p50, max, lateP99 } = await openLoop({ perSecond: 1_000, ms: 1_000, settleMs: 0, request }, doors);
  t.is(p50, 0);
  t.is(max, 99);
  t.true(lateP99 > 80, `${lateP99}`);
});

test('open loop: who turns it may sleep for as long as it says, and no request begins late for that', async (t) => {
  let now = 0;
  let turns = 0;
  const doors = {
    now: () => now,
    turn: (next: () => void, idleMs: number) => {
      turns++;
      now += idleMs;
      setImmediate(next);
    },
  };
  const begun: number[] = [];
  const request = (_: number, onAnswer: () => void): void => {
    begun.push(now);
    onAnswer();
  };
  await openLoop({ perSecond: 1_000, ms: 100, settleMs: 0, request }, doors);
  t.is(begun.length, 100);
  t.true(turns <= 102, `${turns}`);
  for (const [i, at] of begun.entries()) t.true(at - (1 + i) < 1e-6, `${i}: ${at}`);
});

test('open loop: all requests are begun, none before its time, when the loop naps in between', async (t) => {
  const startedMs = performance.now();
  const begun: number[] = [];
  const request = (_: number, onAnswer: () => void): void => {
    begun.push(performance.now() - startedMs);
    setImmediate(onAnswer);
  };
  let turns = 0;
  const turn: typeof NAPPING.turn = (next, idleMs) => {
    turns++;
    NAPPING.turn(next, idleMs);
  };
  await openLoop({ perSecond: 2_000, ms: 100, settleMs: 0, request }, { ...NAPPING, turn });
  t.is(begun.length, 200);
  // A nap of 0.1 ms, or up to the next request: one that always turned would turn some hundred times as often.
  t.true(turns <= 2 * begun.length + (performance.now() - startedMs) / 0.09, `${turns}`);
  for (const [i, at] of begun.entries()) t.true(at >= 1 + i / 2, `${i}: ${at}`);
});
