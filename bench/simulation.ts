/** Simulated events per second of one core: pairs of actors on different shards and nodes that send to each other, with the real codec. */
import { writeFileSync } from 'node:fs';
import { defineActor } from '../runtime/actor.ts';
import type { Ref } from '../runtime/ref.ts';
import { type SimNode, Simulation, type SimulationOptions } from '../runtime/simulation/testing.ts';
import { optionsOf, wholeNumber } from '../test/helpers/options.ts';

interface Ball {
  readonly type: 'ball';
  readonly count: number;
  readonly from: Ref<Ball>;
  readonly payload: string;
}

const PAYLOAD = 'x'.repeat(40);

const player = defineActor<Ball>('player', (context) => ({
  receive(ball) {
    ball.from.tell({ type: 'ball', count: ball.count + 1, from: context.self, payload: PAYLOAD });
  },
}));

interface Row {
  readonly name: string;
  readonly options: Partial<SimulationOptions>;
  readonly balls: number;
}

const ROWS: readonly Row[] = [
  { name: 'frames, fifo, 8 balls per pair of shards', options: {}, balls: 8 },
  { name: 'frames, random, 8 balls per pair of shards', options: { scheduling: { policy: 'random' } }, balls: 8 },
  { name: 'frames, pct, 8 balls per pair of shards', options: { scheduling: { policy: 'pct' } }, balls: 8 },
  { name: 'frames, random, 1 ball per pair of shards', options: { scheduling: { policy: 'random' } }, balls: 1 },
  {
    name: 'bytes, random, 8 balls per pair of shards',
    options: { scheduling: { policy: 'random' }, network: { fidelity: 'bytes' } },
    balls: 8,
  },
];

function build(row: Row): Simulation {
  const players: Ref<Ball>[] = [];
  const sim = new Simulation({
    seed: 1,
    nodes: ['a', 'b', 'c'].map((name) => ({ name, shards: 2 })),
    start: (node: SimNode) => {
      for (const shard of node.shards) players.push(shard.spawn(player, []));
    },
    ...row.options,
  });
  for (let i = 0; i < players.length; i++) {
    for (let j = 0; j < i; j++) {
      for (let ball = 0; ball < row.balls; ball++) {
        const from = players[i]!;
        sim.tell(players[j]!, { type: 'ball', count: 0, from, payload: PAYLOAD });
      }
    }
  }
  return sim;
}

function measure(row: Row, messages: number): { readonly messagesPerSecond: number; readonly eventsPerSecond: number } {
  const sim = build(row);
  sim.run(sim.now + 50);
  const before = { messages: sim.messages, events: sim.events, at: performance.now() };
  while (sim.messages < before.messages + messages) sim.run(sim.now + 5);
  const seconds = (performance.now() - before.at) / 1000;
  sim.throwIfFailed();
  return { messagesPerSecond: (sim.messages - before.messages) / seconds, eventsPerSecond: (sim.events - before.events) / seconds };
}

const { values } = optionsOf({
  options: { json: { type: 'string' }, runs: { type: 'string', default: '5' }, messages: { type: 'string', default: '200000' } },
});
const runs = wholeNumber('runs', values.runs);
const messages = wholeNumber('messages', values.messages);
const rows = [];
for (const row of ROWS) {
  measure(row, messages / 4);
  const results = Array.from({ length: runs }, () => measure(row, messages));
  const rates = results.map((result) => result.messagesPerSecond).sort((a, b) => a - b);
  const events = results.map((result) => result.eventsPerSecond).sort((a, b) => a - b);
  const median = rates[runs >> 1]!;
  rows.push({ name: row.name, unit: 'messages/s', median, min: rates[0]!, max: rates[runs - 1]! });
  console.log(
    `${row.name.padEnd(46)} ${(median / 1000).toFixed(0).padStart(6)} k messages/s  ${(events[runs >> 1]! / 1000).toFixed(0).padStart(6)} k heap events/s`,
  );
}
const setup = {
  node: process.version,
  runs,
  messages,
  what: 'messages from shard to shard, encoded, carried, decoded and handled',
};
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify({ setup, rows }, null, 2)}\n`);
