/** Scans of a keyspace, for programs: pages fetched one after the other as the program takes what is in them. */
import type { ReplicaCount } from '../ring/ring-state.ts';
import { SCAN_START, type ScanPosition } from '../scan/scan-position.ts';
import type { ScanAnswer } from '../scan/scan-request.ts';
import { GET } from '../store/store-request.ts';
import { RecordView } from '../version/record-view.ts';
import { type CallFields, startCall } from './call.ts';
import type { ClientDesk } from './client-desk.ts';
import { ClientError, invalid } from './client-error.ts';
import type { Codec } from './codecs.ts';
import { contextOf } from './context-text.ts';
import { type Found, siblingsOf } from './found.ts';
import { type ReadOptions, whole } from './options.ts';

export interface ScanOptions extends ReadOptions {
  /** Only keys whose bytes begin with it; text as UTF-8. Looked for by the replicas. */
  readonly prefix?: string | Uint8Array;
  /** Keys that are fetched at once, about: 1 to 10,000. Default 256. */
  readonly pageSize?: number;
}

/** A key that is there. */
export interface ScanEntry<K, V> extends Found<V> {
  readonly key: K;
  readonly value: V;
}

export interface KeyspaceScan<K, V> {
  readonly desk: ClientDesk;
  readonly keyspace: string;
  readonly key: Codec<K>;
  readonly value: Codec<V>;
  /** Makes one value of all siblings, newest first. */
  readonly resolve: (siblings: Found<V>['siblings']) => V;
  readonly replicas: ReplicaCount | undefined;
  readonly timeoutMs: number;
}

const PAGE_SIZE_MAX = 10_000;
export const PAGE_SIZE_DEFAULT = 256;

interface EntriesPage<K, V> {
  readonly entries: readonly ScanEntry<K, V>[];
  readonly next: ScanPosition | null;
}

/** Errors: those of reads, and INVALID_ARGUMENT, at the first step. A page has the time of one operation. */
export async function* scanKeyspace<K, V>(
  scan: KeyspaceScan<K, V>,
  options: ScanOptions,
): AsyncGenerator<ScanEntry<K, V>, void, undefined> {
  const keysMax = options.pageSize === undefined ? PAGE_SIZE_DEFAULT : whole('pageSize', options.pageSize, 1, PAGE_SIZE_MAX);
  const prefix = prefixOf(options.prefix);
  for (let start: ScanPosition | null = SCAN_START; start !== null; ) {
    const page: EntriesPage<K, V> = await fetchPage(scan, { start, prefix, keysMax }, options.signal);
    yield* page.entries;
    start = page.next;
  }
}

function fetchPage<K, V>(
  scan: KeyspaceScan<K, V>,
  list: { readonly start: ScanPosition; readonly prefix: Uint8Array; readonly keysMax: number },
  signal: AbortSignal | undefined,
): Promise<EntriesPage<K, V>> {
  const { keyspace, replicas, timeoutMs } = scan;
  return new Promise((resolve, reject) => {
    const fields: CallFields<EntriesPage<K, V>, ScanAnswer> = {
      kind: GET,
      keyspace,
      key: list.prefix,
      list,
      replicas,
      timeoutMs,
      signal,
      read: (answer) => entriesOf(scan, answer),
    };
    startCall(scan.desk, fields, resolve, reject);
  });
}

function entriesOf<K, V>({ keyspace, key: keys, value, resolve }: KeyspaceScan<K, V>, { entries, next }: ScanAnswer): EntriesPage<K, V> {
  const record = new RecordView();
  const found: ScanEntry<K, V>[] = [];
  const nowMs = Date.now();
  while (entries.next()) {
    const bytes = entries.key();
    const siblings = siblingsOf(entries.record(record), value, nowMs);
    if (siblings.length === 0) continue;
    const context = contextOf(record, keyspace, bytes);
    found.push({ key: decodeKey(keys, bytes), value: resolve(siblings), siblings, context });
  }
  return { entries: found, next };
}

function decodeKey<K>(codec: Codec<K>, bytes: Uint8Array): K {
  try {
    return codec.decode(bytes);
  } catch (cause) {
    throw new ClientError('UNDECODABLE', `key of ${bytes.length} bytes: expected ${codec.name}`, { cause });
  }
}

function prefixOf(prefix: string | Uint8Array | undefined): Uint8Array {
  if (prefix === undefined) return new Uint8Array(0);
  if (typeof prefix === 'string') return Buffer.from(prefix, 'utf8');
  if (prefix instanceof Uint8Array) return prefix;
  throw invalid(`prefix: expected a string or bytes, got ${typeof prefix}`);
}
