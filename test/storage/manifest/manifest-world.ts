/** A manifest writer over a fake disk. */
import { SeededRandom } from '../../../runtime/random.ts';
import { CURRENT_NAME, manifestName } from '../../../storage/manifest/file-names.ts';
import { decodeCurrent, type ManifestReading, readManifest } from '../../../storage/manifest/manifest-reader.ts';
import { type Change, ManifestWriter } from '../../../storage/manifest/manifest-writer.ts';
import type { TableMeta } from '../../../storage/manifest/version-edit.ts';
import { VersionState } from '../../../storage/manifest/version-state.ts';
import { FakeFiles } from '../fake-files.ts';

export const DIR = '/db';
export const DB_UID = Buffer.from('0102030405060708090a0b0c0d0e0f10', 'hex');

export function tableOf(number: number, level: number, smallest: string, largest: string, more: Partial<TableMeta> = {}): TableMeta {
  return {
    level,
    number,
    uid: Uint8Array.from({ length: 16 }, (_, i) => (number + i) & 255),
    bytes: 4_096,
    entries: 10,
    smallest: Uint8Array.from(Buffer.from(smallest)),
    largest: Uint8Array.from(Buffer.from(largest)),
    smallestSequence: number * 10,
    largestSequence: number * 10 + 9,
    rangeDeletes: 0,
    createdMs: 1_700_000_000_000,
    ...more,
  };
}

export function changeOf(change: Partial<Change>): Change {
  return { kind: 'change', logNumber: 0, lastSequence: 0, removed: [], added: [], options: '', ...change };
}

export class ManifestWorld {
  readonly files: FakeFiles;
  readonly writer: ManifestWriter;
  /** `ok` or the code of the error, of each edit. */
  readonly outcomes: string[] = [];

  constructor(
    options: {
      readonly files?: FakeFiles;
      readonly bytesMax?: number;
      readonly mutants?: readonly string[];
      readonly from?: ManifestReading;
    } = {},
  ) {
    this.files = options.files ?? new FakeFiles();
    this.writer = new ManifestWriter({
      files: this.files,
      random: new SeededRandom(3),
      dir: DIR,
      dbUid: DB_UID,
      state: options.from?.state ?? VersionState.empty,
      oldNumber: options.from?.header.number,
      bytesMax: options.bytesMax ?? 100_000,
      mutants: new Set(options.mutants),
    });
  }

  begin(change: Partial<Change>): void {
    const { logNumber, lastSequence } = this.writer.state;
    this.writer.append(changeOf({ logNumber, lastSequence, ...change }), (result) =>
      this.outcomes.push(result.ok ? 'ok' : result.error.code),
    );
  }

  append(change: Partial<Change>): void {
    this.begin(change);
    this.settle();
  }

  /** A table of its own key, in level 1. */
  addTable(): number {
    const number = this.writer.nextNumber();
    const key = `k${String(number).padStart(4, '0')}`;
    this.append({ added: [tableOf(number, 1, key, `${key}z`)], lastSequence: number * 10 + 9 });
    return number;
  }

  close(): void {
    this.writer.close((result) => this.outcomes.push(result.ok ? 'closed' : result.error.code));
    this.settle();
  }

  settle(): void {
    while (this.files.step());
  }
}

/** By CURRENT. */
export function readBack(files: FakeFiles, mutants: readonly string[] = []): ManifestReading {
  const number = decodeCurrent(files.content(`${DIR}/${CURRENT_NAME}`), CURRENT_NAME);
  const name = manifestName(number);
  return readManifest(Buffer.from(files.content(`${DIR}/${name}`)), name, new Set(mutants));
}
