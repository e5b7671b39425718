/** `dynactor ping`: how long a message takes to each shard of a node and back, by the way that nodes speak with each other. */
import { type Command, InvalidArgumentError } from 'commander';
import { type Echoed, echoKey } from '../../../runtime/echo.ts';
import { RESPONSE } from '../../../runtime/lanes.ts';
import { ActorSystem } from '../../../runtime/system.ts';
import { type HostAndPort, parseHostAndPort } from '../config/host-and-port.ts';
import { wholeNumber } from './numbers.ts';

interface PingOptions {
  readonly count: number;
  readonly size: number;
  readonly timeout: number;
}

export function addPingCommand(program: Command): void {
  program
    .command('ping')
    .description('ask the echo actors of a running node, and say how long they took')
    .argument('<host:port>', 'where the node listens for others (not its HTTP port)', target)
    .option('--count <n>', 'asks per shard, one after the other', wholeNumber(1, 10_000_000), 1000)
    .option('--size <bytes>', 'payload', wholeNumber(0, 1_048_576), 100)
    .option('--timeout <ms>', 'for each ask', wholeNumber(1, 600_000), 2000)
    .action(ping);
}

async function ping({ host, port }: HostAndPort, options: PingOptions): Promise<void> {
  const answers = await ActorSystem.probe(host, port, { timeoutMs: options.timeout });
  const found = answers.find((answer) => answer.ok) ?? answers[0]!;
  if (!found.ok) throw new Error(`no node answers: ${found.message}`);
  const { cluster, address } = found.iam;
  await using system = await ActorSystem.start({ node: `ping-${process.pid}`, cluster, logLevel: 'warn' });
  await system.introduce(address);
  const refs = await system.find(echoKey, { node: address.node, timeoutMs: options.timeout });
  if (refs.length === 0) throw new Error(`node ${address.node} has no echo actor: was it started with \`dynactor start\`?`);
  const payload = new Uint8Array(options.size);
  for (const ref of refs) {
    const times = new Float64Array(options.count);
    let shard = -1;
    for (let i = 0; i < options.count; i++) {
      const before = performance.now();
      const echoed = await ref.ask<Echoed>((replyTo) => ({ type: 'echo', payload, replyTo }), {
        timeoutMs: options.timeout,
        lane: RESPONSE,
      });
      times[i] = performance.now() - before;
      shard = echoed.shard;
    }
    times.sort();
    const at = (share: number): string => times[Math.min(times.length - 1, Math.floor(times.length * share))]!.toFixed(3);
    process.stdout.write(`shard ${shard}: ${options.count} asks of ${options.size} B, ms p50 ${at(0.5)} p99 ${at(0.99)} max ${at(1)}\n`);
  }
}

function target(text: string): HostAndPort {
  const found = parseHostAndPort(text);
  if (found === null) throw new InvalidArgumentError('Expected host:port.');
  return found;
}
