/**
 * One run of scans against a ScanCluster while others write and nodes die: keys that are there all the time must all come, with what was written last; deleted and expired ones must
 * not, also where their deletes are purged as the page that they would stand in is made, and none twice.
 */
import { WANT_RECORDS } from '../../../actors/scan/scan-frames.ts';
import { SCAN_START, type ScanPosition } from '../../../actors/scan/scan-position.ts';
import { DELETE, OK, PUT } from '../../../actors/store/store-request.ts';
import { SeededRandom } from '../../../runtime/random.ts';
import type { PlanItem } from '../../../runtime/simulation/testing.ts';
import { recordOf, ScanCluster, type ScannedPage, siblingOf } from './scan-cluster.ts';

export interface HistoryOptions {
  readonly seed: number;
  readonly mutants?: readonly string[];
  readonly hasFaults?: boolean;
}

export interface HistoryResult {
  readonly faults: readonly string[];
  readonly pages: number;
  /** Pages that failed and were asked for again. */
  readonly again: number;
  readonly written: number;
}

const NODES = ['n1', 'n2', 'n3'];
const SHARDS = NODES.flatMap((node) => [`${node}/0`, `${node}/1`]);
const STABLE = 150;
const VOLATILE = 20;
const TRIES_MAX = 200;
const PURGED = 40;

export function runScanHistory({ seed, mutants = [], hasFaults = true }: HistoryOptions): HistoryResult {
  const random = new SeededRandom(`scan ${seed}`);
  const cluster = new ScanCluster({ seed, mutants, plan: hasFaults ? planOf(random) : [] });
  const faults: string[] = [];
  const stable = new Map<string, string>();
  const gone = new Set<string>();
  let pages = 0;
  let again = 0;
  let written = 0;
  /** Two of three, as many as a quorum is; the third has an older version, or none. */
  const anyQuorum = (): string[] => {
    const left = random.below(3);
    return NODES.filter((_, i) => i !== left);
  };

  for (let i = 0; i < STABLE; i++) {
    const key = `stable ${i}`;
    cluster.hold(
      NODES.filter(() => random.chance(0.5)),
      key,
      recordOf(siblingOf('a', 1, 'old')),
    );
    cluster.hold(anyQuorum(), key, recordOf(siblingOf('a', 2, `new ${i}`)));
    stable.set(key, `new ${i}`);
  }
  for (let i = 0; i < 30; i++) {
    const key = `gone ${i}`;
    cluster.hold(
      NODES.filter(() => random.chance(0.5)),
      key,
      recordOf(siblingOf('a', 1, 'old')),
    );
    cluster.hold(anyQuorum(), key, recordOf(random.chance(0.5) ? siblingOf('a', 2, undefined) : siblingOf('a', 2, 'expired', 1_000)));
    gone.add(key);
  }
  /** In the order in which a scan comes to them. */
  const toPurge: string[] = [];
  for (let i = 0; i < PURGED && !hasFaults; i++) {
    const key = `purged ${i}`;
    cluster.hold(NODES, key, recordOf(siblingOf('a', 1, 'old')));
    cluster.hold(anyQuorum(), key, recordOf(siblingOf('a', 2, undefined)));
    gone.add(key);
    toPurge.push(key);
  }
  const placeOf = (key: string): number => cluster.tokenOf(key)[0];
  toPurge.sort((a, b) => placeOf(a) - placeOf(b));
  /** As a round of purging ends: all replicas have the delete before the first drops it. */
  const purgeBehind = ({ high }: ScanPosition): void => {
    const i = toPurge.findIndex((each) => placeOf(each) >= high);
    if (i < 0) return;
    const [key = ''] = toPurge.splice(i, 1);
    cluster.hold(NODES, key, recordOf(siblingOf('a', 2, undefined)));
    cluster.drop(NODES, key);
  };
  cluster.run(100);

  const write = (): void => {
    const key = `volatile ${random.below(VOLATILE)}`;
    const isDelete = random.chance(0.3);
    cluster.ask(SHARDS[random.below(SHARDS.length)]!, isDelete ? DELETE : PUT, key, isDelete ? '' : `${written}`, (status) => {
      if (status === OK) written++;
    });
  };

  const seen = new Map<string, string | undefined>();
  const wish = WANT_RECORDS;
  const isWhole = random.chance(0.5);
  for (let start: ScanPosition | null = SCAN_START, tries = 0; start !== null; ) {
    for (let i = 0; i < 3; i++) write();
    const keysMax = 1 + random.below(hasFaults ? 12 : 30);
    if (hasFaults) cluster.run(random.below(60));
    const from = start;
    const page: ScannedPage | undefined = cluster.scan(SHARDS[random.below(SHARDS.length)]!, { start, keysMax, wish, isWhole }, 300, () => {
      if (random.chance(0.2)) purgeBehind(from);
    });
    if (page?.status !== OK) {
      again++;
      cluster.run(20);
      if (++tries > TRIES_MAX) {
        faults.push(`page: ${page?.status ?? 'no answer'} ${page?.message ?? ''} again and again`);
        break;
      }
      continue;
    }
    pages++;
    for (const { key, record } of page.found) {
      if (seen.has(key)) faults.push(`${key}: came twice`);
      seen.set(key, record.siblings.map(({ value }) => value).join());
    }
    start = page.next;
  }
  for (const [key, value] of stable) {
    if (!seen.has(key)) faults.push(`${key}: missing`);
    else if (seen.get(key) !== value) faults.push(`${key}: expected ${value}, found ${seen.get(key)}`);
  }
  for (const key of gone) if (seen.has(key)) faults.push(`${key}: came, though it is gone`);
  return { faults, pages, again, written };
}

/** One node at a time, so that a quorum is there most of the time; each comes back. */
function planOf(random: SeededRandom): readonly PlanItem[] {
  const plan: PlanItem[] = [];
  for (let atMs = 420; atMs < 4_000; atMs += 60 + random.below(120)) {
    const node = NODES[random.below(NODES.length)]!;
    const forMs = 20 + random.below(60);
    if (random.chance(0.4)) plan.push({ kind: 'pause', atMs, node, forMs });
    else plan.push({ kind: 'crash', atMs, node, forMs, silent: false });
  }
  return plan;
}
