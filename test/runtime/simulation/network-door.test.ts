import test, { type ExecutionContext } from 'ava';
import { defineActor } from '../../../runtime/actor.ts';
import { Simulation } from '../../../runtime/simulation/simulation.ts';

/** Says what comes in back. */
const echo = defineActor<never, readonly [host: string, port: number]>('echo', (context, host, port) => {
  context.network.listen(
    host,
    port,
    (stream) => {
      stream.handler = {
        onConnect() {},
        onData: (bytes, start, end) => stream.write(bytes, start, end),
        onDrain() {},
        onClose() {},
      };
    },
    () => {},
  );
  return { receive() {} };
});

/** Connects, says something, and collects what comes back behind a doorbell. */
const caller = defineActor<'news', readonly [host: string, port: number, heard: (text: string) => void]>(
  'caller',
  (context, host, port, heard) => {
    const came: string[] = [];
    const bell = context.doorbell('news');
    const stream = context.network.connect(host, port);
    stream.handler = {
      onConnect: () => stream.write(Buffer.from('hello'), 0, 5),
      onData(bytes, start, end) {
        came.push(bytes.toString('latin1', start, end));
        bell();
      },
      onDrain() {},
      onClose() {},
    };
    return { receive: () => heard(came.splice(0).join('')) };
  },
);

const talks = test.macro((t: ExecutionContext, fidelity: 'frames' | 'bytes') => {
  const heard: string[] = [];
  const sim = new Simulation({
    seed: 1,
    nodes: [
      { name: 'a', shards: 1 },
      { name: 'b', shards: 0 },
    ],
    network: { fidelity },
  });
  sim.node('a').shard(0).spawn(echo, ['a', 6379]);
  sim.run(10);
  sim.node('b').main.spawn(caller, ['a', 6379, (text) => heard.push(text)]);
  sim.run(1_000);
  sim.throwIfFailed();
  t.is(heard.join(''), 'hello');
});
test('network door: an actor of one node talks to an actor of another, when frames travel', talks, 'frames');
test('network door: an actor of one node talks to an actor of another, when bytes travel', talks, 'bytes');
