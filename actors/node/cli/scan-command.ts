/** `dynactor scan`. */
import { type Command, Option } from 'commander';
import { writeOutput } from '../../../runtime/real/terminal.ts';
import { bytes } from '../../client/codecs.ts';
import { PAGE_SIZE_DEFAULT, type ScanEntry } from '../../client/keyspace-scan.ts';
import type { ReplicaCount } from '../../ring/ring-state.ts';
import { shownKey, shownValue } from './key-operations.ts';
import { wholeNumber } from './numbers.ts';
import { replicasOption } from './rules.ts';
import { type StoreOptions, withSeeds, withStore } from './store-session.ts';

interface ScanOptions extends Omit<StoreOptions, 'output'> {
  readonly r?: ReplicaCount;
  readonly limit: number;
  readonly values: boolean;
  readonly output: 'table' | 'json';
}

type Entry = ScanEntry<Uint8Array, Uint8Array>;

const LIMIT_MAX = 1_000_000_000;
/** Written at once. */
const CHUNK_BYTES = 65_536;
const TAB = Buffer.from('\t');
const NEW_LINE = Buffer.from('\n');

export function addScanCommand(program: Command): void {
  withSeeds(program.command('scan'))
    .argument('[prefix]', 'only keys that begin with it', '')
    .addOption(
      replicasOption('r', 'replicas of each partition that are read: a number, one, quorum or all (default: as the keyspace says)'),
    )
    .option('--limit <count>', 'keys at most; 0: all', wholeNumber(0, LIMIT_MAX), 0)
    .option('--values', 'the newest value behind each key, after a tab', false)
    .addOption(new Option('-o, --output <format>', 'how to print; json: an object per line').choices(['table', 'json']).default('table'))
    .description('the keys that are there, a line for each, in no order that means anything')
    .action(scan);
}

async function scan(prefix: string, options: ScanOptions): Promise<void> {
  const { limit, keyspace, r } = options;
  await withStore(options, async ({ client }) => {
    const entries = client.keyspace(keyspace, { key: bytes, value: bytes }).scan({
      prefix,
      ...(r === undefined ? {} : { r }),
      ...(limit === 0 ? {} : { pageSize: Math.min(limit, PAGE_SIZE_DEFAULT) }),
    });
    let chunk: Uint8Array[] = [];
    let length = 0;
    let left = limit === 0 ? Number.POSITIVE_INFINITY : limit;
    for await (const entry of entries) {
      const line = lineOf(entry, options);
      chunk.push(line);
      length += line.length;
      if (length >= CHUNK_BYTES) {
        await writeOutput(Buffer.concat(chunk));
        chunk = [];
        length = 0;
      }
      if (--left === 0) break;
    }
    await writeOutput(Buffer.concat(chunk));
  });
}

function lineOf(entry: Entry, { output, values, keyspace }: ScanOptions): Uint8Array {
  if (output === 'table') return Buffer.concat([entry.key, ...(values ? [TAB, entry.value] : []), NEW_LINE]);
  const { value: key, encoding: keyEncoding } = shownValue(entry.key);
  return Buffer.from(`${JSON.stringify({ ...shownKey(keyspace, key, entry), keyEncoding })}\n`);
}
