import type { Contender } from './store.ts';

/** By name; loaded by name, so that a process has in memory only what it measures. */
const LOADERS: Readonly<Record<string, () => Promise<{ readonly contender: Contender }>>> = {
  dynactor: () => import('./engine.ts'),
  'dynactor-level': () => import('./level.ts'),
  'classic-level': () => import('./classic.ts'),
  lmdb: () => import('./lmdb.ts'),
  rocksdb: () => import('./rocks.ts'),
};

export const OURS: readonly string[] = ['dynactor', 'dynactor-level'];
/** What the aims are measured by. */
export const REFERENCE = 'classic-level';
export const PEERS: readonly string[] = [REFERENCE, 'lmdb', 'rocksdb'];

export async function loadContender(name: string): Promise<Contender> {
  const load = LOADERS[name];
  if (load === undefined) throw new Error(`no contender ${name}, only ${Object.keys(LOADERS).join(', ')}`);
  return (await load()).contender;
}
