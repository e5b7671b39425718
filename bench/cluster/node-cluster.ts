/** Our three-node cluster: three processes that `dynactor cluster` starts. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ServerProcess } from './server-process.ts';
import type { StartOptions } from './target.ts';

const CLI = fileURLToPath(new URL('../../cli.js', import.meta.url));
const START_MS = 60_000;
const READY = /^(?:dynactor: )?ready\b/m;
export const NODES = 3;

/** Where the clients of node 1, 2, 3 find it when the first was given `basePort`. */
export function respPortsOf(basePort: number): readonly number[] {
  return Array.from({ length: NODES }, (_, i) => basePort + 101 + i);
}

export function seedsOf(basePort: number): readonly string[] {
  return Array.from({ length: NODES }, (_, i) => `127.0.0.1:${basePort + i * 10}`);
}

/** Undefined: it can be started. */
export function clusterMissing(): string | undefined {
  // Help on a command that isn't there is help on all.
  const { stdout } = spawnSync(process.execPath, [CLI, 'cluster', '--help'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  return stdout.includes('--base-port') ? undefined : 'this build has no command `cluster`';
}

/** Resolves when all nodes serve. */
export async function startCluster({ dir, durability, basePort, n, r, w }: StartOptions): Promise<ServerProcess> {
  const where = ['--nodes', String(NODES), '--data', join(dir, 'nodes'), '--base-port', String(basePort)];
  const rules = ['-n', String(n), '-r', String(r), '-w', String(w), '--durability', durability];
  const server = new ServerProcess(process.execPath, [CLI, 'cluster', ...where, ...rules], dir);
  await server.until(() => READY.test(server.stdout), START_MS);
  return server;
}

export function describedRules({ durability, n, r, w }: StartOptions): string {
  const disk = durability === 'sync' ? 'synced to disk before a replica confirms' : 'confirmed from memory, logged without syncing';
  return `three nodes, n=${n} r=${r} w=${w}, ${disk}`;
}

/** Every read asks a replica that has confirmed the write. */
export function isStrict({ n, r, w }: StartOptions): boolean {
  return r + w > n;
}
