import { spawnSync } from 'node:child_process';
import test from 'ava';
import type { Clock } from '../../../runtime/doors.ts';
import { type LogOptions, openLog } from '../../../runtime/real/log.ts';
import { RepeatLimiter } from '../../../runtime/real/repeat-limiter.ts';

class FakeClock implements Clock {
  ms = 0;
  now(): number {
    return this.ms;
  }
  wall(): number {
    return 1_700_000_000_000 + this.ms;
  }
}

function setUp(options: Partial<LogOptions> = {}) {
  const clock = new FakeClock();
  const texts: string[] = [];
  const log = openLog({ clock, destination: { write: (text: string) => texts.push(text) }, ...options });
  return { clock, log, texts, lines: () => texts.map((text) => JSON.parse(text) as Record<string, unknown>) };
}

test('log: a line is one JSON object with level, time, fields and event', (t) => {
  const { log, texts } = setUp({ fields: { node: 'a', shard: 1 } });
  log.info('started', { port: 7 });
  log.warn('slow');
  t.deepEqual(texts, [
    '{"level":"info","time":1700000000000,"node":"a","shard":1,"port":7,"event":"started"}\n',
    '{"level":"warn","time":1700000000000,"node":"a","shard":1,"event":"slow"}\n',
  ]);
});

test('log: a child adds its fields to every line, over those of its parent', (t) => {
  const { log, lines } = setUp({ fields: { node: 'a' } });
  log.child({ actor: 'x' }).child({ part: 1 }).error('failed', { n: 2 });
  t.deepEqual(lines(), [{ level: 'error', time: 1_700_000_000_000, node: 'a', actor: 'x', part: 1, n: 2, event: 'failed' }]);
});

for (const [level, expected] of [
  ['debug', ['debug', 'info', 'warn', 'error']],
  [undefined, ['info', 'warn', 'error']],
  ['warn', ['warn', 'error']],
  ['error', ['error']],
  ['silent', []],
] as const) {
  test(`log: lines below the level are dropped, with level ${level ?? 'by default'}`, (t) => {
    const { log, lines } = setUp(level === undefined ? {} : { level });
    for (const name of ['debug', 'info', 'warn', 'error'] as const) {
      log[name]('event');
      log.child({ a: 1 })[name]('event of child');
    }
    t.deepEqual(
      lines().map((line) => line.level),
      expected.flatMap((name) => [name, name]),
    );
  });
}

test('log: an error among the fields is written with message, code and stack', (t) => {
  const { log, lines, texts } = setUp();
  log.error('failed', { error: Object.assign(new Error('no luck'), { code: 'EIO' }) });
  t.like(lines()[0], { error: { type: 'Error', message: 'no luck', code: 'EIO' } });
  t.regex(texts[0] ?? '', /"stack":"[^"]*log\.test/);
});

test('log: what can not be written as JSON does not throw', (t) => {
  const { log, lines } = setUp();
  const loop: Record<string, unknown> = { big: 5n };
  loop.self = loop;
  log.info('odd', { loop, f: () => 1, u: undefined });
  t.like(lines()[0], { loop: { big: 5, self: '[Circular]' }, event: 'odd' });
});

test('log: repeated warnings and errors are limited per event, and the rest is counted', (t) => {
  const { log, clock, lines } = setUp({ repeatsPerSecondMax: 3 });
  const child = log.child({ actor: 'x' });
  for (let i = 0; i < 10; i++) {
    log.warn('dropped', { i });
    child.warn('dropped', { i });
    log.info('ok');
  }
  log.error('other');
  const events = () => lines().map((line) => line.event);
  t.is(events().filter((event) => event === 'dropped').length, 3);
  t.is(events().filter((event) => event === 'ok').length, 10);
  t.is(events().filter((event) => event === 'other').length, 1);
  log.flush();
  log.flush();
  t.deepEqual(
    lines().filter((line) => 'suppressed' in line),
    [{ level: 'warn', time: 1_700_000_000_000, suppressed: 17, event: 'dropped' }],
  );
  // Told, but the second is not over yet.
  log.warn('dropped');
  t.is(events().filter((event) => event === 'dropped').length, 4);
  clock.ms = 1_000;
  log.warn('dropped');
  t.is(events().filter((event) => event === 'dropped').length, 5);
});

test('log: what was suppressed is told by itself, when the event never comes again', async (t) => {
  const texts: string[] = [];
  await new Promise<void>((resolve) => {
    // The log's own timer doesn't keep the process alive.
    const alive = setInterval(() => undefined, 1_000);
    const write = (text: string) => {
      texts.push(text);
      if (!text.includes('suppressed')) return;
      clearInterval(alive);
      resolve();
    };
    const log = openLog({ clock: new FakeClock(), destination: { write }, repeatsPerSecondMax: 1 });
    for (let i = 0; i < 5; i++) log.warn('again');
  });
  t.is(texts.length, 2);
  t.like(JSON.parse(texts[1] ?? ''), { event: 'again', suppressed: 4 });
});

for (const [fd, stream] of [
  [undefined, 'stderr'],
  [1, 'stdout'],
] as const) {
  test(`log: lines are out before the process dies, on ${stream}`, (t) => {
    const url = new URL('../../../runtime/real/log.js', import.meta.url).href;
    const options = `{ clock: { now: () => 0, wall: () => 1 }, destination: ${fd} }`;
    const code = `import { openLog } from ${JSON.stringify(url)}; openLog(${options}).error('last words'); process.kill(process.pid, 'SIGKILL');`;
    const result = spawnSync(process.execPath, ['--input-type=module', '-e', code], { encoding: 'utf8' });
    t.is(result[stream], '{"level":"error","time":1,"event":"last words"}\n');
  });
}

test('repeat limiter: a second begins with the first occurrence after the last one has ended', (t) => {
  const limiter = new RepeatLimiter(2);
  const times = [0, 1, 2, 999, 1_000, 1_999, 2_500, 2_501, 2_502];
  t.deepEqual(
    times.map((time) => limiter.admit('a', time)),
    [true, true, false, false, true, true, true, true, false],
  );
  t.deepEqual(limiter.takeSuppressed(), [{ event: 'a', count: 3 }]);
  t.deepEqual(limiter.takeSuppressed(), []);
});

test('repeat limiter: events without end share a window, and ended ones make room', (t) => {
  const limiter = new RepeatLimiter(1);
  let admitted = 0;
  for (let i = 0; i < 10_000; i++) admitted += limiter.admit(`event ${i}`, 0) ? 1 : 0;
  t.is(admitted, 513);
  t.deepEqual(limiter.takeSuppressed(), [{ event: '(other events)', count: 10_000 - 513 }]);
  t.true(limiter.admit('late', 1_000));
  t.true(limiter.admit('later', 1_000));
  t.false(limiter.admit('late', 1_000));
  t.deepEqual(limiter.takeSuppressed(), [{ event: 'late', count: 1 }]);
});
