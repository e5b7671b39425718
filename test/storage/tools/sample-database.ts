/** A small database with something of everything, as bytes by name, and ways to look at what became of it. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SyncFileSystem } from '../../../runtime/files.ts';
import { SimDisk } from '../../../runtime/simulation/sim-disk.ts';
import { SimSyncFiles } from '../../../runtime/simulation/sim-sync-files.ts';
import { Codecs } from '../../../storage/codec.ts';
import { Store } from '../../../storage/embedded/store.ts';
import { checkManifest, readFileSync as readOf, withFile } from '../../../storage/engine/check-files.ts';
import { listDatabase, numbersOf } from '../../../storage/engine/scrub-directory.ts';
import { GROUP_HEADER_BYTES } from '../../../storage/log/log-format.ts';
import { readLog } from '../../../storage/log/log-reader.ts';
import { logName, tableName } from '../../../storage/manifest/file-names.ts';
import { DELETE, RANGE_DELETE, RECORD_HEADER_BYTES, recordBytes } from '../../../storage/record.ts';
import { openTableSync } from '../../../storage/table/sync-table.ts';

export type Bytes = ReadonlyMap<string, Buffer>;
export const DIR = '/db';

export function keyOf(i: number): string {
  return `key-${String(i).padStart(4, '0')}`;
}

export function temporaryDir(t: { teardown(run: () => void): void }): string {
  const dir = mkdtempSync(join(tmpdir(), 'dynactor-tools-'));
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/**
 * Keys 0 to 599 at the last level, 0 to 199 again in level 0, some of both deleted there, more in the log; nothing in the directory that is not
 * of the database.
 */
async function fillSample(dir: string): Promise<void> {
  const store = await Store.open(dir, { memtableBytes: 256 * 1024, durability: 'none', periodMs: 10 });
  const putAll = (from: number, to: number, round: string): Promise<unknown> =>
    Promise.all(Array.from({ length: to - from }, (_, i) => store.put(keyOf(from + i), `${round} of ${from + i} ${'.'.repeat(40)}`)));
  await putAll(0, 600, 'first');
  await store.compact();
  await putAll(0, 200, 'second');
  await store.delete(keyOf(5));
  await store.deleteRange(keyOf(300), keyOf(320));
  await store.flush();
  await putAll(100, 120, 'third');
  await store.delete(keyOf(7), { durability: 'sync' });
  await store.put('logged', 'yes', { durability: 'sync' });
  await store.put('logged last', 'yes', { durability: 'sync' });
  await store.close();
}

export async function sampleDatabase(): Promise<Bytes> {
  const parent = mkdtempSync(join(tmpdir(), 'dynactor-sample-'));
  try {
    const dir = join(parent, 'db');
    await fillSample(dir);
    const all = new Map(readdirSync(dir).flatMap((name) => (name === 'LOCK' ? [] : [[name, readFileSync(join(dir, name))]])));
    const state = checkManifest(onDisk(all).files, DIR).reading?.state;
    const tables = new Set([...(state?.tableNumbers() ?? [])].map(tableName));
    // What the next start would remove, does not belong to it.
    return new Map([...all].filter(([name]) => !name.endsWith('.sst') || tables.has(name)));
  } finally {
    rmSync(parent, { recursive: true, force: true });
  }
}

/** The sample as files in the new directory `dir`. */
export function placeSample(bytes: Bytes, dir: string): void {
  mkdirSync(dir);
  for (const [name, content] of bytes) writeFileSync(join(dir, name), content);
}

/** What the sample holds. */
export function sampleContents(): Map<string, string> {
  const contents = new Map<string, string>();
  for (let i = 0; i < 600; i++) {
    if (i === 5 || i === 7 || (i >= 300 && i < 320)) continue;
    const round = i >= 100 && i < 120 ? 'third' : i < 200 ? 'second' : 'first';
    contents.set(keyOf(i), `${round} of ${i} ${'.'.repeat(40)}`);
  }
  return contents.set('logged', 'yes').set('logged last', 'yes');
}

export interface Rig {
  readonly disk: SimDisk;
  readonly files: SimSyncFiles;
}

/** The files in `DIR` of a simulated disk, all durable. */
export function onDisk(bytes: Bytes): Rig {
  const disk = new SimDisk();
  const files = new SimSyncFiles(disk);
  files.mkdir(DIR);
  for (const [name, content] of bytes) {
    const file = files.open(`${DIR}/${name}`, 'createNew');
    file.pwrite([content], 0);
    file.datasync();
    file.close();
  }
  files.syncDir(DIR);
  files.syncDir('/');
  return { disk, files };
}

/** All files of the directory, and of those in it: what is where. */
export function filesOf(files: SyncFileSystem, dir = DIR): Map<string, Buffer> {
  const found = new Map<string, Buffer>();
  for (const name of files.readdir(dir)) {
    const path = `${dir}/${name}`;
    if (files.stat(path).kind === 'file') found.set(name, readOf(files, path));
    else for (const [inner, bytes] of filesOf(files, path)) found.set(`${name}/${inner}`, bytes);
  }
  return found;
}

/** What a reader of the database sees, naively: of all versions of a key the one with the largest sequence, unless something deleted it. */
export function contentsOf(files: SyncFileSystem, dir = DIR): Map<string, string> {
  const { reading } = checkManifest(files, dir);
  if (reading === undefined) throw new Error('contents: CURRENT or manifest can not be read');
  const newest = new Map<string, { readonly sequence: number; readonly value: string | undefined }>();
  const ranges: { readonly start: string; readonly end: string; readonly sequence: number }[] = [];
  const see = (key: string, sequence: number, value: string | undefined): void => {
    const before = newest.get(key);
    if (before === undefined || before.sequence < sequence) newest.set(key, { sequence, value });
  };
  for (const { number, uid, bytes } of reading.state.levels.flat()) {
    withFile(files, `${dir}/${tableName(number)}`, (file) => {
      const table = openTableSync(file, { uid, bytes }, new Codecs());
      for (const { start, end, sequence } of table.rangeDeletes) ranges.push({ start: text(start), end: text(end), sequence });
      const cursor = table.cursor();
      for (cursor.seekFirst(); cursor.valid; cursor.next()) {
        const value = cursor.kind === DELETE ? undefined : text(cursor.valueBytes.subarray(cursor.valueStart, cursor.valueEnd));
        see(text(cursor.keyBytes.subarray(cursor.keyStart, cursor.keyEnd)), cursor.sequence, value);
      }
    });
  }
  const numbers = numbersOf(listDatabase(files, dir), 'log').filter((number) => number >= reading.state.logNumber);
  const sources = numbers.map((number) => ({ number, file: logName(number), bytes: readOf(files, `${dir}/${logName(number)}`) }));
  for (const segment of readLog(sources, reading.state.logNumber, reading.header.dbUid).segments) {
    const { bytes } = segment.source;
    for (const group of segment.reading.groups) {
      let at = group.offset + GROUP_HEADER_BYTES;
      for (let i = 0; i < group.count; i++) {
        const word = bytes.readUInt32LE(at + 8);
        const keyEnd = at + RECORD_HEADER_BYTES + (word >>> 4);
        const valueBytes = bytes.readUInt32LE(at + 12);
        const key = text(bytes.subarray(at + RECORD_HEADER_BYTES, keyEnd));
        const value = text(bytes.subarray(keyEnd, keyEnd + valueBytes));
        const sequence = group.firstSequence + i;
        if ((word & 15) === RANGE_DELETE) ranges.push({ start: key, end: value, sequence });
        else see(key, sequence, (word & 15) === DELETE ? undefined : value);
        at += recordBytes(word >>> 4, valueBytes);
      }
    }
  }
  const contents = new Map<string, string>();
  for (const [key, { sequence, value }] of [...newest].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const hidden = ranges.some((range) => range.sequence > sequence && range.start <= key && key < range.end);
    if (value !== undefined && !hidden) contents.set(key, value);
  }
  return contents;
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString();
}

/** The files, one of them changed. */
export function changed(bytes: Bytes, name: string, change: (content: Buffer) => Buffer | undefined): Bytes {
  const copy = new Map(bytes);
  const content = change(Buffer.from(copy.get(name) ?? []));
  if (content === undefined) copy.delete(name);
  else copy.set(name, content);
  return copy;
}

export function flipped(at: number): (content: Buffer) => Buffer {
  return (content) => {
    const place = at < 0 ? content.length + at : at;
    content[place] = content[place]! ^ 0x10;
    return content;
  };
}

export function nameOf(bytes: Bytes, pattern: RegExp): string {
  return [...bytes.keys()].filter((name) => pattern.test(name)).sort()[0] ?? '';
}
