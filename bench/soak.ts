/**
 * Soak: 10 M messages between four shards in two processes, while threads and a process are killed and restarted. Ends with 1 when anything was
 * reordered, duplicated, lost between the living, left unanswered, or grew.
 * `node dist/bench/soak.js [--messages N] [--log LEVEL] [--json FILE]`
 */
import { writeFileSync } from 'node:fs';
import { oneOf, optionsOf, wholeNumber } from '../test/helpers/options.ts';
import { type Disruption, memorySentence, runSoak } from '../test/system/soak/soak.ts';
import { setupOf } from './lib/report.ts';

const { values: options } = optionsOf({
  options: { messages: { type: 'string', default: '10000000' }, log: { type: 'string', default: 'silent' }, json: { type: 'string' } },
});

const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;
const DISRUPTIONS: readonly Disruption[] = [
  { at: 0.1, kind: 'shard', node: 'a', shard: 1, how: 'terminate' },
  { at: 0.25, kind: 'shard', node: 'b', shard: 0, how: 'crash' },
  { at: 0.4, kind: 'process' },
  { at: 0.55, kind: 'shard', node: 'b', shard: 1, how: 'terminate' },
  { at: 0.7, kind: 'shard', node: 'a', shard: 0, how: 'crash' },
];

const messages = wholeNumber('messages', options.messages);
const logLevel = oneOf('log', options.log, LOG_LEVELS);
const setup = setupOf({ messages, shards: 4, processes: 2, kills: DISRUPTIONS.length });
const result = await runSoak({
  messages,
  disruptions: DISRUPTIONS,
  logLevel,
  onProgress: (received, last) => {
    if (process.stderr.isTTY) process.stderr.write(`\r${(received / 1e6).toFixed(2)} M received, last: ${last}          `);
  },
});
if (process.stderr.isTTY) process.stderr.write('\r');
const { received, seconds, asks } = result;
console.log(
  `${received} messages received in ${seconds.toFixed(1)} s (${Math.round(received / seconds)} a second), ${result.missing} missing around kills`,
);
const failed = Object.entries(asks.failed).map(([code, count]) => `${count} ${code}`);
console.log(
  `${asks.asked} asks, ${asks.answered} answered, failed: ${failed.join(', ') || 'none'}; latest outcome ${asks.latestMs.toFixed(0)} ms after its deadline`,
);
for (const { what, ms } of result.recoveries) console.log(`${what}: all pairs were back after ${ms.toFixed(0)} ms`);
for (const trend of result.memory) console.log(`${memorySentence(trend)}${trend.isJudged ? '' : ', too few to judge'}`);
for (const violation of result.violations.slice(0, 50)) console.log(`VIOLATION ${violation}`);
console.log(`${result.violations.length} violations`);
if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify({ setup, result }, null, 2)}\n`);
process.exitCode = result.violations.length === 0 ? 0 : 1;
