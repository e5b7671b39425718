/** What requests may bring, checked by hand before use. */
import { z } from 'zod';

const whole = (min: number, max: number) =>
  z
    .int({ error: `expected a whole number from ${min} to ${max}` })
    .min(min)
    .max(max);
const oneOf = <const T extends readonly string[]>(values: T) => z.enum(values, { error: `expected one of ${values.join(', ')}` });
const count = z.union([whole(1, 16), oneOf(['one', 'quorum', 'all'])], { error: 'expected 1 to 16, one, quorum or all' });

const rules = {
  n: whole(1, 16),
  r: count,
  w: count,
  mode: oneOf(['ap', 'cp']),
  durability: oneOf(['sync', 'periodic', 'none']),
  ttlMs: whole(0, Number.MAX_SAFE_INTEGER),
  keyBytesMax: whole(1, 65_535),
  valueBytesMax: whole(1, 0x7fff_ffff),
};

/** A new keyspace; what is left out has the default beside it. */
export const newKeyspaceBody = z.strictObject({
  name: z.string({ error: 'expected a name' }).regex(/^[A-Za-z0-9_-]{1,64}$/, { error: 'expected 1 to 64 of [A-Za-z0-9_-]' }),
  n: rules.n.default(3),
  r: rules.r.default('quorum'),
  w: rules.w.default('quorum'),
  mode: rules.mode.default('ap'),
  conflict: oneOf(['siblings', 'lww']).default('siblings'),
  durability: rules.durability.default('sync'),
  ttlMs: rules.ttlMs.default(0),
  keyBytesMax: rules.keyBytesMax.default(1024),
  valueBytesMax: rules.valueBytesMax.default(1024 * 1024),
});

export const keyspaceChangesBody = z.strictObject(rules).partial();
export const capacityBody = z.strictObject({ capacity: whole(1, 65_535) });
export const forceBody = z.strictObject({ survivors: z.array(z.string(), { error: 'expected a list of names or ids' }).min(1) });
export const emptyBody = z.strictObject({});

const memberName = z
  .string({ error: 'expected a name' })
  .regex(/^[A-Za-z][A-Za-z0-9_-]{0,30}$/, { error: 'expected 1 to 31 of [A-Za-z0-9_-], beginning with a letter' });
const label = z.string({ error: 'expected a name' }).regex(/^[A-Za-z0-9._-]{1,64}$/, { error: 'expected 1 to 64 of [A-Za-z0-9._-]' });
const plannedChange = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('join'),
    name: memberName,
    capacity: whole(1, 65_535).default(100),
    dataCenter: label.default('dc1'),
    rack: label.default('rack1'),
  }),
  z.strictObject({ type: z.literal('leave'), name: z.string() }),
  z.strictObject({ type: z.literal('capacity'), name: z.string(), capacity: whole(1, 65_535) }),
]);
export type PlannedChange = z.output<typeof plannedChange>;
export const planBody = z.strictObject({ changes: z.array(plannedChange).max(100).default([]) });
