/** The configuration of a node: what can be said, in which form, and what holds when nothing is said. */
import { z } from 'zod';
import { isNodeName } from '../node-record.ts';
import { type HostAndPort, parseHostAndPort } from './host-and-port.ts';

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;
/** Partitions of a ring: powers of two. */
const PARTITIONS_MIN = 8;
const PARTITIONS_MAX = 16_384;
export const MEMORY_MIB_MIN = 16;

const whole = (min: number, max: number) => {
  const error = `expected a whole number from ${min} to ${max}`;
  return z.int({ error }).min(min, { error }).max(max, { error });
};
const text = (error: string, pattern = /^[\x21-\x7e]{1,255}$/) => z.string({ error }).regex(pattern, { error });
const name = z
  .string({ error: 'expected a name' })
  .refine(isNodeName, { error: 'expected 1 to 31 of [A-Za-z0-9_-], beginning with a letter' });
const label = text('expected 1 to 64 of [A-Za-z0-9._-]', /^[A-Za-z0-9._-]{1,64}$/);
const host = text('expected a host name or an address');
const flag = z.boolean({ error: 'expected true or false' });
const seed = z.string({ error: 'expected host:port' }).transform((value, context): HostAndPort => {
  const found = parseHostAndPort(value);
  if (found !== null) return found;
  context.addIssue({ code: 'custom', message: 'expected host:port' });
  return z.NEVER;
});
const isPowerOfTwo = (value: number): boolean => (value & (value - 1)) === 0;

/** Takes connections at any address, and is none itself. */
const ANY_ADDRESS: readonly string[] = ['0.0.0.0', '::', '::0'];

const settings = z.strictObject({
  name: name.optional(),
  data: z.string({ error: 'expected the path of a directory' }).min(1, { error: 'expected the path of a directory' }),
  host,
  port: whole(0, 65_535),
  advertise: host.optional(),
  http: z.strictObject({ host, port: whole(0, 65_535) }, { error: 'expected keys host and port' }),
  resp: z.strictObject(
    { host, port: whole(0, 65_535), password: text('expected 1 to 255 printable characters').optional(), allowDrop: flag },
    { error: 'expected keys host, port, password and allowDrop' },
  ),
  memory: whole(MEMORY_MIB_MIN, 1_048_576),
  secret: text('expected 16 to 255 printable characters', /^[\x21-\x7e]{16,255}$/).optional(),
  init: flag,
  replace: label.optional(),
  joinTimeoutSeconds: whole(0, 86_400),
  join: z.array(seed, { error: 'expected a list of host:port' }),
  dataCenter: label,
  rack: label,
  capacity: whole(1, 65_535),
  shards: whole(1, 255).optional(),
  clusterName: label,
  partitions: whole(PARTITIONS_MIN, PARTITIONS_MAX).refine(isPowerOfTwo, {
    error: `expected a power of two from ${PARTITIONS_MIN} to ${PARTITIONS_MAX}`,
  }),
  modules: z.array(z.string({ error: 'expected the path of a module' }), { error: 'expected a list of paths' }),
  gossip: z.strictObject({ intervalMs: whole(50, 60_000) }, { error: 'expected key intervalMs' }),
  log: z.strictObject(
    { level: z.enum(LOG_LEVELS, { error: `expected one of ${LOG_LEVELS.join(', ')}` }), statsEverySeconds: whole(0, 86_400) },
    { error: 'expected keys level and statsEverySeconds' },
  ),
});

export const configSchema = settings.refine(({ host: listens, advertise }) => advertise !== undefined || !ANY_ADDRESS.includes(listens), {
  path: ['host'],
  error: 'expected an address that other nodes can reach, or advertise beside it',
});

export type NodeConfig = z.infer<typeof configSchema>;
export type LogLevelName = NodeConfig['log']['level'];
