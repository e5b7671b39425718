/** Our cluster, of three nodes mostly: processes that `dynactor cluster` starts. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { LOOPBACK, type PlannedNode, planNodes, portsOf, shardsFor } from '../../actors/node/cli/cluster-plan.ts';
import { coreCount } from '../../runtime/real/host.ts';
import { takenPorts } from '../../runtime/real/ports.ts';
import { ServerProcess } from './server-process.ts';
import type { StartOptions } from './target.ts';

/** As it is shipped. */
const CLI = fileURLToPath(new URL('../../bundle/cli.js', import.meta.url));
/** Ends the command, and with it its nodes, when the bench is gone, however that came. */
const LEASH = new URL('../../test/helpers/leash.js', import.meta.url).href;
const START_MS = 60_000;
const READY = /^(?:dynactor: )?ready\b/m;
export const NODES = 3;
/** Bases that are tried: below the ports that the system gives away by itself. */
const BASES = { first: 17_000, last: 31_000, step: 300 } as const;

/** Where the clients of node 1, 2, 3 find it when the first was given `basePort`. */
export function respPortsOf(basePort: number, nodes = NODES): readonly number[] {
  return planOf(basePort, nodes).map(({ respPort }) => respPort);
}

/** Where each tells of itself. */
export function httpPortsOf(basePort: number, nodes = NODES): readonly number[] {
  return planOf(basePort, nodes).map(({ httpPort }) => httpPort);
}

export function seedsOf(basePort: number): readonly string[] {
  return planOf(basePort, NODES).map(({ port }) => `${LOOPBACK}:${port}`);
}

/** Undefined: it can be started. */
export function clusterMissing(): string | undefined {
  // Help on a command that isn't there is help on all.
  const { stdout } = spawnSync(process.execPath, [CLI, 'cluster', '--help'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  return stdout.includes('--base-port') ? undefined : 'this build has no command `cluster`';
}

export interface NodeCluster {
  readonly server: ServerProcess;
  readonly basePort: number;
}

/** Resolves when all nodes serve. */
export async function startCluster(options: StartOptions, nodes = NODES): Promise<NodeCluster> {
  const { dir, durability, basePort: asked, memoryMiB, n, r, w } = options;
  const basePort = asked > 0 ? asked : await freeBase(nodes);
  const where = ['--nodes', String(nodes), '--data', join(dir, 'nodes'), '--base-port', String(basePort)];
  const rules = ['-n', String(n), '-r', String(r), '-w', String(w), '--durability', durability];
  const server = new ServerProcess(process.execPath, ['--import', LEASH, CLI, 'cluster', ...where, ...rules], dir, {
    DYNACTOR_MEMORY: String(memoryMiB),
  });
  await server.until(() => READY.test(server.stdout), START_MS);
  return { server, basePort };
}

/** Errors: there is none. */
async function freeBase(nodes: number): Promise<number> {
  for (let base: number = BASES.first; base <= BASES.last; base += BASES.step) {
    const ports = portsOf(planOf(base, nodes)).map(({ port }) => port);
    if ((await takenPorts(LOOPBACK, ports)).size === 0) return base;
  }
  throw new Error(`no base port from ${BASES.first} to ${BASES.last} is free: --base-port says which one to take`);
}

/** The ports that the command goes by. */
function planOf(basePort: number, nodes: number): readonly PlannedNode[] {
  return planNodes({ nodes, shards: shardsFor(nodes, coreCount()), basePort }, '');
}

export function describedRules({ durability, memoryMiB, n, r, w }: StartOptions, nodes = NODES): string {
  const disk = durability === 'sync' ? 'synced to disk before a replica confirms' : 'confirmed from memory, logged without syncing';
  return `${nodes === 1 ? 'one node' : `${nodes} nodes`} of ${memoryMiB} MiB, n=${n} r=${r} w=${w}, ${disk}`;
}

/** Every read asks a replica that has confirmed the write. */
export function isStrict({ n, r, w }: StartOptions): boolean {
  return r + w > n;
}
