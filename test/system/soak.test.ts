import test, { type ExecutionContext } from 'ava';
import { type Disruption, runSoak } from './soak/soak.ts';

const KILLS: readonly Disruption[] = [
  { at: 0.2, kind: 'shard', node: 'a', shard: 1, how: 'terminate' },
  { at: 0.5, kind: 'process' },
];

test.serial(
  'soak: nothing is reordered, duplicated, lost between the living or left unanswered, when a thread and a process are killed',
  async (t) => {
    const result = await runSoak({ messages: 200_000, disruptions: KILLS });
    t.deepEqual(result.violations, []);
    t.true(result.received >= 200_000);
    t.is(result.recoveries.length, KILLS.length);
    t.true(result.asks.answered > 0);
  },
);

const found = test.macro(async (t: ExecutionContext, plant: 'duplicate' | 'reorder', finding: RegExp) => {
  const result = await runSoak({ messages: 20_000, disruptions: [], plant });
  t.true(
    result.violations.some((violation) => finding.test(violation)),
    result.violations.slice(0, 3).join('; '),
  );
});

test.serial('soak: finds duplicates, when senders repeat messages', found, 'duplicate', /duplicated: message \d+/);
test.serial('soak: finds reordering, when senders swap messages', found, 'reorder', /reordered: message \d+/);
