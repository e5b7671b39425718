/** Pages of scans said the long way: a map of what a replica has. */
import { beginEntry, endEntry } from '../../../actors/scan/page-entries.ts';
import { beginPage, type Page, readPage } from '../../../actors/scan/scan-frames.ts';
import { OutBuffer } from '../../../runtime/bytes.ts';
import { encodeNaive, type NaiveRecord } from '../version/naive-record.ts';

/** A key as text that sorts as keys do: the token in hexadecimal, then the key. */
export type Name = string;
export interface NaivePage {
  /** Of all that the replica has in the range. */
  readonly has: ReadonlyMap<Name, NaiveRecord>;
  /** It says what it has up to this one; undefined: all. */
  readonly covered: Name | undefined;
}

export function nameOf(high: number, low: number, key: string): Name {
  return `${high.toString(16).padStart(8, '0')}${low.toString(16).padStart(8, '0')}${key}`;
}

export function pageOf({ has, covered }: NaivePage): Page {
  const out = new OutBuffer(1_024, 1 << 20);
  const partsOf = (name: Name): [number, number, Buffer] => [
    Number.parseInt(name.slice(0, 8), 16),
    Number.parseInt(name.slice(8, 16), 16),
    Buffer.from(name.slice(16)),
  ];
  if (covered === undefined) {
    beginPage(out, null);
  } else {
    const [high, low, key] = partsOf(covered);
    beginPage(out, { high, low, key });
  }
  for (const [name, record] of [...has].sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (covered !== undefined && name > covered) continue;
    const [high, low, key] = partsOf(name);
    const bytes = encodeNaive(record);
    const start = out.length;
    if (!beginEntry(out, high, low, key, 0, key.length, bytes.length)) throw new Error('page: no room');
    out.bytes.set(bytes, out.length);
    out.length += bytes.length;
    endEntry(out, start);
  }
  const page = readPage(out.bytes, 0, out.length);
  if (typeof page === 'string') throw new Error(page);
  return page;
}

/** Of a replica that says all it has. */
export function pageWith(...has: readonly (readonly [Name, NaiveRecord])[]): NaivePage {
  return { has: new Map(has), covered: undefined };
}
