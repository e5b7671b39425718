/** Checks what an actor is started with. Errors: INVALID_ARGUMENT, naming the option. */
import type { OverflowPolicy, SpawnOptions } from './actor.ts';
import { invalidArgument } from './errors.ts';
import { MAILBOX_CAPACITY_MAX, THROUGHPUT_MAX, whole } from './runtime-options.ts';
import { completeSupervision } from './supervision.ts';

const POLICIES: readonly unknown[] = ['reject', 'dropOldest', 'dropNewest', 'credit'] satisfies readonly OverflowPolicy[];
const STASH_CAPACITY_MAX = 2 ** 20;

export function checkDefinition(definition: unknown): void {
  if ((definition as { readonly kind?: unknown } | undefined)?.kind !== 'dynactor:actor') {
    throw invalidArgument(`spawn: expected a definition made by defineActor, got ${typeof definition}`);
  }
}

export function checkSpawnOptions(options: SpawnOptions): void {
  const { name, mailbox, throughput, stashCapacity, supervision } = options;
  if (name !== undefined && typeof name !== 'string') throw invalidArgument(`name: expected a string, got ${typeof name}`);
  if (mailbox !== undefined) {
    const { capacity, overflow } = mailbox;
    if (capacity !== undefined) whole('mailbox.capacity', capacity, 1, MAILBOX_CAPACITY_MAX);
    if (overflow !== undefined && !POLICIES.includes(overflow)) {
      throw invalidArgument(`mailbox.overflow: expected ${POLICIES.join(', ')}, got ${String(overflow)}`);
    }
  }
  if (throughput !== undefined) whole('throughput', throughput, 1, THROUGHPUT_MAX);
  if (stashCapacity !== undefined) whole('stashCapacity', stashCapacity, 0, STASH_CAPACITY_MAX);
  if (supervision !== undefined) completeSupervision(supervision);
}
