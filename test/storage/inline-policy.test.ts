import test from 'ava';
import { InlinePolicy, type InlinePolicyOptions } from '../../storage/inline-policy.ts';

/** Reads one after the other, each `tookMs` when inline, from `nowMs` on. Returns how long after its start each was asynchronous. */
class Reads {
  readonly policy: InlinePolicy;
  nowMs = 1_000;

  constructor(options: InlinePolicyOptions) {
    this.policy = new InlinePolicy(options);
  }

  /** True: it went inline. */
  read(tookMs: number): boolean {
    this.policy.startRun();
    if (!this.policy.mayGoInline(this.nowMs)) return false;
    const startMs = this.nowMs;
    this.nowMs += tookMs;
    this.policy.tookInline(startMs, this.nowMs);
    return true;
  }

  /** Milliseconds until a read goes inline again, in steps of 1. */
  pauseMs(tookMs: number): number {
    const from = this.nowMs;
    while (!this.read(tookMs)) this.nowMs++;
    return Math.floor(this.nowMs - from - tookMs);
  }
}

test('inline policy: all reads go inline, when they are fast', (t) => {
  const reads = new Reads({});
  for (let i = 0; i < 10_000; i++) t.true(reads.read(0.002));
  t.is(reads.policy.inlineCount, 10_000);
});

test('inline policy: no read goes inline, when that is switched off', (t) => {
  t.false(new Reads({ inline: false }).read(0.001));
});

test('inline policy: reads stay inline, when single ones are slow', (t) => {
  const reads = new Reads({ allowanceMs: 20 });
  for (let i = 0; i < 50; i++) {
    t.true(reads.read(4));
    for (let j = 0; j < 100; j++) t.true(reads.read(0.01));
    reads.nowMs += 80;
  }
});

test('inline policy: calls stay inline, when one in three hundred is a thread that lost its core', (t) => {
  const reads = new Reads({ allowanceMs: 20 });
  for (let i = 0; i < 200; i++) {
    t.true(reads.read(4));
    for (let j = 0; j < 300; j++) t.true(reads.read(0.005));
  }
});

test('inline policy: calls become asynchronous, when one in fifty waits for the disk', (t) => {
  const reads = new Reads({ allowanceMs: 20 });
  let inline = 0;
  for (let i = 0; i < 200; i++) {
    if (reads.read(4)) inline++;
    for (let j = 0; j < 50; j++) reads.read(0.005);
  }
  t.true(inline < 100, `${inline} of 200`);
});

test('inline policy: pauses grow to the longest, when every read is slow', (t) => {
  const reads = new Reads({ allowanceMs: 2, pauseMs: 10, pauseMsMax: 80 });
  const pauses = Array.from({ length: 30 }, () => reads.pauseMs(1)).filter((ms) => ms > 0);
  t.deepEqual(
    pauses,
    [...pauses].sort((one, other) => one - other),
  );
  t.true(pauses[0]! < 20 && pauses.at(-1)! > 70 && pauses.at(-1)! <= 80, pauses.join());
});

test('inline policy: slow reads take a twentieth of the time, when each of them is very slow', (t) => {
  const reads = new Reads({ allowanceMs: 2, pauseMs: 10, pauseMsMax: 80 });
  const from = reads.nowMs;
  for (let i = 0; i < 20; i++) reads.pauseMs(30);
  const share = (20 * 30) / (reads.nowMs - from);
  t.true(share < 0.06, `${share}`);
});

test('inline policy: pauses are short again, when reads have been fast', (t) => {
  const reads = new Reads({ allowanceMs: 1, pauseMs: 10, pauseMsMax: 1_000 });
  reads.read(1);
  for (let i = 0; i < 6; i++) reads.pauseMs(1);
  while (!reads.read(0.01)) reads.nowMs++;
  for (let i = 0; i < 20; i++) t.true(reads.read(0.01));
  reads.read(2);
  t.true(reads.pauseMs(0.01) <= 21);
});

test('inline policy: reads are asynchronous for the rest of a run, when its time is used up', (t) => {
  const policy = new InlinePolicy({ runMs: 0.3 });
  const inline = (): boolean => {
    const may = policy.mayGoInline(0);
    if (may) policy.tookInline(0, 0.1);
    return may;
  };
  const run = (): boolean[] => {
    policy.startRun();
    return [inline(), inline(), inline(), inline(), inline()];
  };
  t.deepEqual(run(), [true, true, true, false, false]);
  t.deepEqual(run(), [true, true, true, false, false]);
});
