import test from 'ava';
import { keysOf, LogWorld, recover } from './log-world.ts';

test('commit log: writes of one turn are one group and one call, when they ask for sync', (t) => {
  const world = new LogWorld();
  for (const key of ['a', 'b', 'c']) world.put(key);
  t.deepEqual(world.files.history, []);
  world.settle();
  t.deepEqual(world.files.history, ['pwrite! 000001.log 64']);
  t.deepEqual(world.acks, ['a', 'b', 'c']);
  t.like(world.log.stats, { groups: 1, syncs: 1, queue: 0 });
});

test('commit log: records collect in the next group, while a write is in flight', (t) => {
  const world = new LogWorld();
  world.put('a');
  world.steps(0);
  for (const key of ['b', 'c', 'd']) world.put(key);
  world.steps(0);
  t.is(world.files.history.length, 1);
  t.deepEqual(world.acks, []);
  t.is(world.log.stats.queue, 4);
  world.steps(1);
  t.deepEqual(world.acks, ['a']);
  world.steps(1);
  t.deepEqual(world.acks, ['a', 'b', 'c', 'd']);
  t.is(world.files.history.length, 2);
  t.deepEqual(keysOf(recover(world.files.crash())), ['a', 'b', 'c', 'd']);
});

test('commit log: a write without sync is acknowledged when it is with the system, and not synced', (t) => {
  const world = new LogWorld();
  world.put('a', 'none');
  world.steps(0);
  t.deepEqual(world.acks, []);
  world.steps(1);
  t.deepEqual(world.acks, ['a']);
  world.timers.advance(10_000);
  world.settle();
  t.deepEqual(world.files.history, ['pwrite 000001.log 64']);
  t.deepEqual(keysOf(recover(world.files)), ['a']);
  t.deepEqual(keysOf(recover(world.files.crash())), []);
});

test('commit log: a write that nobody waits for the disk of is inline and acknowledged at once, and one that asks for sync is not', (t) => {
  const world = new LogWorld({ inlineWriteMs: 0.01 });
  world.put('a', 'none');
  world.put('b', 'periodic');
  t.deepEqual(world.acks, []);
  world.steps(0);
  t.deepEqual(world.acks, ['a', 'b']);
  t.is(world.files.pending.length, 0);
  world.put('d', 'sync');
  world.put('c', 'none');
  world.steps(0);
  t.deepEqual(world.acks, ['a', 'b', 'c']);
  world.put('e', 'none');
  world.steps(0);
  t.deepEqual(world.acks, ['a', 'b', 'c', 'e']);
  t.is(world.log.stats.queue, 1);
  world.settle();
  t.deepEqual(world.acks, ['a', 'b', 'c', 'e', 'd']);
  t.deepEqual(
    world.files.history.map((line) => line.split(' ')[0]),
    ['pwriteNow', 'pwriteNow', 'datasync', 'pwriteNow'],
  );
  t.like(world.log.stats, { groups: 3, inlineGroups: 3, syncs: 1, queue: 0 });
  t.deepEqual(keysOf(recover(world.files)), ['a', 'b', 'd', 'c', 'e']);
  t.deepEqual(keysOf(recover(world.files.crash())).slice(0, 4), ['a', 'b', 'd', 'c']);
});

test('bug: commit log: a write that needs no disk waited for the sync of those before it, and for the zeros ahead of them', (t) => {
  const world = new LogWorld({ arenaBytes: 2 << 20 });
  world.put('a', 'none');
  world.settle();
  world.put('b', 'sync');
  // Written, and its sync is under way.
  world.steps(1);
  world.put('c', 'none');
  world.steps(0);
  t.deepEqual(
    world.files.history.slice(1).map((line) => line.split(' ')[0]),
    ['pwrite', 'datasync', 'pwrite'],
  );
  // The write is done before the sync is.
  world.files.step(1);
  world.steps(0);
  t.deepEqual(world.acks, ['a', 'c']);
  t.is(world.log.stats.queue, 1);
  world.settle();
  t.deepEqual(world.acks, ['a', 'c', 'b']);
});

test('commit log: among writes that need no disk none is written by a call that syncs, nor zeros ahead of it', (t) => {
  const world = new LogWorld({ arenaBytes: 2 << 20 });
  for (const [unsynced, synced] of ['ab', 'cd', 'ef']) {
    world.put(unsynced!, 'none');
    world.settle();
    world.put(synced!, 'sync');
    world.settle();
  }
  const calls = (): readonly string[] => world.files.history.map((line) => line.split(' ')[0]!);
  t.deepEqual(calls(), Array(3).fill(['pwrite', 'pwrite', 'datasync']).flat());
  // When there was none for a while, they are again.
  for (let i = 0; i < 16; i++) {
    world.put(`${i}`, 'sync');
    world.settle();
  }
  t.deepEqual(calls().slice(9), [...Array(15).fill(['pwrite', 'datasync']).flat(), 'pwrite!', 'pwrite', 'datasync']);
  t.is(keysOf(recover(world.files.crash())).length, 22);
});

test('commit log: when a sync fails, those that were told stay told, and those that waited for it fail', (t) => {
  const world = new LogWorld({ inlineWriteMs: 0.01 });
  world.files.failures.set('datasync', 'EIO');
  world.put('a', 'sync');
  world.put('b', 'none');
  world.steps(0);
  t.deepEqual(world.acks, ['b']);
  world.put('c', 'none');
  world.put('d', 'sync');
  world.settle();
  t.deepEqual(world.acks, ['b', 'c', 'a!IO', 'd!IO']);
  world.put('e', 'none');
  world.settle();
  t.is(world.acks.at(-1), 'e!IO');
});

test('commit log: writes stay inline, however long all of them together have taken', (t) => {
  const world = new LogWorld({ inlineWriteMs: 0.1, arenaBytes: 16_384 });
  for (let i = 0; i < 100; i++) {
    world.put(`k${i}`, 'none');
    world.steps(0);
  }
  t.like(world.log.stats, { groups: 100, inlineGroups: 100 });
});

test('commit log: a group of more than 64 KiB is not written inline', (t) => {
  const world = new LogWorld({ inlineWriteMs: 0.01, arenaBytes: 256 * 1_024 });
  world.put('a', 'none', 'v'.repeat(64 * 1_024));
  world.settle();
  world.put('b', 'none', 'v'.repeat(60 * 1_024));
  world.settle();
  t.deepEqual(
    world.files.history.map((line) => line.split(' ')[0]),
    ['pwrite', 'pwriteNow'],
  );
  t.deepEqual(world.acks, ['a', 'b']);
});

test('commit log: writes are not inline any more, when that was slow', (t) => {
  const world = new LogWorld({ inlineWriteMs: 2 });
  for (const key of ['a', 'b']) {
    world.put(key, 'none');
    world.settle();
  }
  t.deepEqual(
    world.files.history.map((line) => line.split(' ')[0]),
    ['pwriteNow', 'pwrite'],
  );
  t.deepEqual(world.acks, ['a', 'b']);
});

test('commit log: an inline write that fails is not acknowledged, and nothing after it', (t) => {
  const world = new LogWorld({ inlineWriteMs: 0.01 });
  world.files.failures.set('pwriteNow', 'ENOSPC');
  world.put('a', 'none');
  world.settle();
  world.put('b', 'none');
  world.settle();
  t.deepEqual(world.acks, ['a!IO', 'b!IO']);
  t.is(world.poisons.length, 1);
});

test('commit log: a periodic write is synced within the period, and others meanwhile go on', (t) => {
  const world = new LogWorld();
  world.put('a', 'periodic');
  world.settle();
  t.deepEqual(world.acks, ['a']);
  world.timers.advance(100);
  t.is(world.files.history.at(-1), 'datasync 000001.log');
  world.put('b', 'none');
  world.steps(0);
  t.is(world.files.pending.length, 2);
  world.settle();
  t.deepEqual(world.acks, ['a', 'b']);
  t.deepEqual(keysOf(recover(world.files.crash())), ['a']);
});

test('commit log: a sync after unsynced writes is a plain write and a datasync', (t) => {
  const world = new LogWorld();
  world.put('a', 'none');
  world.settle();
  world.put('b', 'sync');
  world.steps(1);
  t.deepEqual(world.files.history.slice(1), ['pwrite 000001.log 196', 'datasync 000001.log']);
  world.put('c', 'none');
  world.steps(0);
  t.deepEqual(world.acks, ['a']);
  world.steps(1);
  t.deepEqual(world.acks, ['a', 'b']);
  world.settle();
  t.deepEqual(world.acks, ['a', 'b', 'c']);
  t.deepEqual(keysOf(recover(world.files.crash())), ['a', 'b']);
});

test('commit log: a sync in a new segment is acknowledged only once the segment before is on disk', (t) => {
  const world = new LogWorld();
  world.put('a', 'none');
  world.settle();
  world.put('b', 'none');
  world.rotate();
  world.put('c', 'sync');
  const logWrites = (): string[] =>
    world.files.history.filter((line) => /^(pwrite!? 00000[12].log (?!0)|datasync 00000[12].log$)/.test(line));
  for (let i = 0; i < 30 && !world.acks.includes('c'); i++) {
    world.steps(1);
    const durable = keysOf(recover(world.files.crash()));
    if (world.acks.includes('c')) t.deepEqual(durable, ['a', 'b', 'c']);
  }
  t.deepEqual(world.acks, ['a', 'b', 'c']);
  t.deepEqual(logWrites().slice(-2), ['datasync 000001.log', 'datasync 000002.log']);
});

test('commit log: records after a segment that was not synced are left out, when power is lost', (t) => {
  const world = new LogWorld();
  world.put('a', 'sync');
  world.put('b', 'none');
  world.settle();
  world.put('c', 'none');
  world.settle();
  world.rotate();
  world.put('d', 'none');
  world.settle();
  // Out of order: the second segment reached the disk, the end of the first didn't.
  const after = world.files.crash();
  after.put('/db/000002.log', world.files.content('/db/000002.log'));
  const reading = recover(after);
  t.deepEqual(keysOf(reading), ['a', 'b']);
  t.is(reading.groupsLeftOut, 1);
  t.like(reading.end, { kind: 'tornTail', file: '000001.log' });
});

test('commit log: a failed write fails what is not acknowledged, and all until rotated', (t) => {
  const world = new LogWorld();
  world.put('a');
  world.settle();
  world.files.failures.set('pwrite!', 'EIO');
  world.put('b');
  world.steps(0);
  world.put('c', 'none');
  world.settle();
  t.deepEqual(world.acks, ['a', 'b!IO', 'c!IO']);
  t.is(world.poisons.length, 1);
  world.put('d');
  t.is(world.acks.length, 3);
  world.settle();
  t.is(world.acks.at(-1), 'd!IO');
  const number = world.rotate();
  world.put('e');
  world.settle();
  t.is(world.acks.at(-1), 'e');
  t.deepEqual(keysOf(recover(world.files.crash(), number)), ['e']);
  t.is(world.log.poisoned, undefined);
});

test('commit log: a failed datasync is not repeated and acknowledged on its strength', (t) => {
  const world = new LogWorld();
  world.put('a', 'none');
  world.settle();
  world.files.failures.set('datasync', 'EIO');
  world.put('b', 'sync');
  world.steps(1);
  world.put('c', 'sync');
  world.settle();
  t.deepEqual(world.acks, ['a', 'b!IO', 'c!IO']);
  t.is(world.files.history.filter((line) => line.startsWith('datasync')).length, 1);
});

test('commit log: an idle mark vouches for the last group, once', (t) => {
  const world = new LogWorld();
  world.put('a');
  world.settle();
  for (let i = 0; i < 5; i++) {
    world.timers.advance(1_000);
    world.settle();
  }
  t.is(world.files.history.length, 2);
  const bytes = world.files.content('/db/000001.log');
  bytes[150]! ^= 1;
  t.throws(() => recover(world.files), { code: 'CORRUPTION' });
});

test('commit log: closed, it ends clean and its spare is gone', (t) => {
  const world = new LogWorld();
  world.put('a', 'none');
  t.deepEqual(world.close(), [undefined]);
  t.deepEqual(world.acks, ['a']);
  t.deepEqual(world.files.names(), ['000001.log']);
  const reading = recover(world.files.crash());
  t.deepEqual(keysOf(reading), ['a']);
  t.like(reading.end, { kind: 'cleanEnd' });
  world.put('b');
  world.settle();
  t.is(world.acks.at(-1), 'b!CLOSED');
});

test('commit log: closed right after a rotation, the segment before is vouched for', (t) => {
  const world = new LogWorld();
  world.put('a');
  world.settle();
  world.rotate();
  world.settle();
  world.close();
  const reading = recover(world.files.crash());
  t.deepEqual(keysOf(reading), ['a']);
  t.like(reading.end, { kind: 'cleanEnd', file: '000002.log' });
  world.files.content('/db/000001.log')[160]! ^= 1;
  t.throws(() => recover(world.files), { code: 'CORRUPTION' });
});

test('commit log: a full arena takes no header, and its segment is closed and rotated all the same', (t) => {
  for (const arenaBytes of [1_024, 1_028, 1_032, 1_036, 1_040, 1_044, 1_048, 1_052]) {
    const world = new LogWorld({ arenaBytes });
    const keys: string[] = [];
    for (let i = 0; i < 60; i++) {
      const key = `k${i}`;
      if (!world.put(key)) {
        world.rotate();
        world.settle();
        if (!world.put(key)) t.fail('an empty arena is full');
      }
      keys.push(key);
      world.settle();
    }
    t.deepEqual(world.acks, keys);
    world.close();
    const reading = recover(world.files.crash());
    t.deepEqual(keysOf(reading), keys);
    t.is(reading.end?.kind, 'cleanEnd');
  }
});

test('commit log: released segments are used again, and stale groups never come back', (t) => {
  const world = new LogWorld({ recycledMax: 2 });
  for (let i = 0; i < 8; i++) {
    const old = world.log.segmentNumber!;
    for (let j = 0; j < 6; j++) world.put(`old ${i} ${j}`);
    world.settle();
    const number = world.rotate();
    world.put(`new ${i}`);
    world.settle();
    world.log.release(old);
    world.settle();
    t.deepEqual(keysOf(recover(world.files.crash(), number)), [`new ${i}`]);
  }
  t.true(world.files.history.some((line) => /^rename 00000\d.log 00000\d.log$/.test(line)));
  t.true(world.files.names().length <= 5);
});

test('commit log: the end of the segment before stays known, when a new log follows a recovered one', (t) => {
  const first = new LogWorld();
  first.put('a');
  first.settle();
  first.put('lost', 'none');
  first.settle();
  const files = first.files.crash();
  const { last } = recover(files);
  const second = new LogWorld({ files, previous: last, sequence: 1, number: 10, seed: 2 });
  second.put('b');
  second.settle();
  const reading = recover(files.crash());
  t.deepEqual(keysOf(reading), ['a', 'b']);
  t.deepEqual(reading.strangers, [2]);
});

test('commit log: no space for a spare segment is said, tried again, and leaves nothing behind', (t) => {
  const world = new LogWorld();
  world.rotate();
  world.files.failures.set('pwrite', 'ENOSPC');
  world.settle();
  const error = world.spares.at(-1);
  t.is(error?.code, 'IO');
  t.regex(error?.message ?? '', /ENOSPC/);
  t.false(world.log.ready);
  t.false(world.files.names().some((name) => name.endsWith('.new')));
  world.timers.advance(500);
  world.settle();
  t.is(world.spares.at(-1), undefined);
  t.true(world.log.ready);
});

/** Runs writes of all kinds with a loss of power after each call; returns what was acknowledged as synced and lost. */
function lostAfterCrash(mutants: readonly string[]): string[] {
  const lost = new Set<string>();
  for (let cut = 0; cut < 60; cut++) {
    const world = new LogWorld({ mutants });
    const synced = (): string[] => world.acks.filter((key) => key.startsWith('s'));
    let calls = 0;
    for (let i = 0; i < 12 && calls < cut; i++) {
      if (i % 5 === 4 && world.log.ready) world.rotate();
      world.put(`${i % 3 === 0 ? 'n' : 's'}${i}`, i % 3 === 0 ? 'none' : 'sync');
      world.steps(1);
      calls++;
    }
    for (; calls < cut; calls++) world.steps(1);
    const kept = new Set(keysOf(recover(world.files.crash())));
    for (const key of synced()) if (!kept.has(key)) lost.add(key);
  }
  return [...lost];
}

test('commit log: nothing that was acknowledged as synced is lost, wherever power goes', (t) => {
  t.deepEqual(lostAfterCrash([]), []);
});
for (const mutant of ['skipLogSync', 'skipDirSync', 'ackBeforeWrite']) {
  test(`commit log: acknowledged writes are lost, when ${mutant} is planted`, (t) => {
    t.not(lostAfterCrash([mutant]).length, 0);
  });
}
