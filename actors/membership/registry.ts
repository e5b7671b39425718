/**
 * Registry: which start of each member is the newest that was heard of, so that an old copy of a directory is told from the member itself.
 * Functions from state to state; rows are one per id.
 */
import type { Sender, Superseded } from '../ring-protocol.ts';
import type { Registration } from './ring-file.ts';

type Claim = Pick<Sender, 'id' | 'boot' | 'instance'>;

/** Why this start can't be the member any more; null: it may be. */
export function supersededBy(registered: readonly Registration[], { id, boot, instance }: Claim): Superseded | null {
  const known = registered.find((row) => row.id === id);
  if (known === undefined || boot > known.boot || (boot === known.boot && instance === known.instance)) return null;
  return { type: 'superseded', boot: known.boot, instance: known.instance };
}

/** Requires: nothing supersedes it. Returns the very rows that were given when nothing is new. */
export function register(registered: readonly Registration[], { id, boot, instance }: Claim): readonly Registration[] {
  const known = registered.find((row) => row.id === id);
  if (known?.boot === boot && known.instance === instance) return registered;
  return [...registered.filter((row) => row !== known), { id, boot, instance }];
}
