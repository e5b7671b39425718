/** What requests may bring, checked by hand before use. */
import { z } from 'zod';
import { newKeyspace } from '../../ring/keyspace-defaults.ts';
import { KEYSPACE_KEY_BYTES_MAX, KEYSPACE_NAME, REPLICAS_MAX, VALUE_BYTES_MAX } from '../../ring/limits.ts';

const whole = (min: number, max: number) =>
  z
    .int({ error: `expected a whole number from ${min} to ${max}` })
    .min(min)
    .max(max);
const oneOf = <const T extends readonly string[]>(values: T) => z.enum(values, { error: `expected one of ${values.join(', ')}` });
const count = z.union([whole(1, REPLICAS_MAX), oneOf(['one', 'quorum', 'all'])], {
  error: `expected 1 to ${REPLICAS_MAX}, one, quorum or all`,
});
const primaries = z.union([whole(0, REPLICAS_MAX), oneOf(['one', 'quorum', 'all'])], {
  error: `expected 0 to ${REPLICAS_MAX}, one, quorum or all`,
});

/** Without other keys, which are named together with those that there are. */
function strict<const T extends z.ZodRawShape>(shape: T) {
  const names = Object.keys(shape).join(', ');
  return z.strictObject(shape, {
    error: ({ code, keys }) =>
      code === 'unrecognized_keys' && Array.isArray(keys)
        ? `expected ${names || 'nothing'}, found ${keys.map(quote).join(', ')}`
        : undefined,
  });
}

function quote(key: unknown): string {
  return JSON.stringify(String(key).slice(0, 64));
}

const name = z.string({ error: 'expected a name' }).regex(KEYSPACE_NAME, { error: 'expected 1 to 64 of [A-Za-z0-9_-]' });
const rules = {
  n: whole(1, REPLICAS_MAX).exactOptional(),
  r: count.exactOptional(),
  w: count.exactOptional(),
  pr: primaries.exactOptional(),
  pw: primaries.exactOptional(),
  mode: oneOf(['ap', 'cp']).exactOptional(),
  durability: oneOf(['sync', 'periodic', 'none']).exactOptional(),
  ttlMs: whole(0, Number.MAX_SAFE_INTEGER).exactOptional(),
  keyBytesMax: whole(1, KEYSPACE_KEY_BYTES_MAX).exactOptional(),
  valueBytesMax: whole(0, VALUE_BYTES_MAX).exactOptional(),
};

/** A new keyspace; what is left out has its default. */
export const newKeyspaceBody = strict({ name, ...rules, conflict: oneOf(['siblings', 'lww']).exactOptional() }).transform(
  ({ name, ...settings }) => newKeyspace(name, settings),
);
export const keyspaceChangesBody = strict(rules);
export const capacityBody = strict({ capacity: whole(1, 65_535) });
export const forceBody = strict({ survivors: z.array(z.string(), { error: 'expected a list of names or ids' }).min(1) });
export const repairBody = strict({
  keyspace: name.exactOptional(),
  dryRun: z.boolean({ error: 'expected true or false' }).default(false),
  direction: oneOf(['pushPull', 'push', 'pull']).default('pushPull'),
});
export const emptyBody = strict({});

const memberName = z
  .string({ error: 'expected a name' })
  .regex(/^[A-Za-z][A-Za-z0-9_-]{0,30}$/, { error: 'expected 1 to 31 of [A-Za-z0-9_-], beginning with a letter' });
const label = z.string({ error: 'expected a name' }).regex(/^[A-Za-z0-9._-]{1,64}$/, { error: 'expected 1 to 64 of [A-Za-z0-9._-]' });
const plannedChange = z.discriminatedUnion('type', [
  strict({
    type: z.literal('join'),
    name: memberName,
    capacity: whole(1, 65_535).default(100),
    dataCenter: label.default('dc1'),
    rack: label.default('rack1'),
  }),
  strict({ type: z.literal('leave'), name: z.string() }),
  strict({ type: z.literal('capacity'), name: z.string(), capacity: whole(1, 65_535) }),
]);
export type PlannedChange = z.output<typeof plannedChange>;
export const planBody = strict({ changes: z.array(plannedChange).max(100).default([]) });
