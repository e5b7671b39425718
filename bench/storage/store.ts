/** What the benchmark needs of a store, in a form that costs each contender as little as its own interface allows. */

/** Called once, within the call or later; undefined or null: done. */
export type Done = (error?: unknown) => void;
export type Take = (index: number, value: Uint8Array | undefined) => void;
/** `none`: handed to the operating system. `sync`: on disk. */
export type Durability = 'none' | 'sync';

export interface StoreOptions {
  readonly dir: string;
  /** Of all writes. */
  readonly durability: Durability;
  readonly memtableBytes: number;
  readonly cacheBytes: number;
}

/** One way to read; where a contender has several, each is measured and its best one counts. */
export interface GetForm {
  readonly label: string;
  /** Reads all keys, and gives each value to `take`. */
  read(keys: readonly Buffer[], take: Take): Promise<void>;
}

export interface BatchForm {
  readonly label: string;
  /** Keys and values may be reused when `done` is called. */
  write(keys: readonly Buffer[], values: readonly Buffer[], done: Done): void;
}

export interface ScanForm {
  readonly label: string;
  /** All pairs in order; several thousand at most between two turns of the event loop. */
  scan(take: (key: Uint8Array, value: Uint8Array) => void): Promise<void>;
}

export interface Store {
  put(key: Buffer, value: Buffer, done: Done): void;
  /** The form that serves best among writes. */
  get(key: Buffer, done: (error: unknown, value: Uint8Array | undefined) => void): void;
  readonly gets: readonly GetForm[];
  readonly batches: readonly BatchForm[];
  readonly scans: readonly ScanForm[];
  /** Opens an iterator at `from`, reads one pair and closes it. */
  first(from: Buffer, done: Done): void;
  /** Everything into as few bytes as can be. */
  compact(): Promise<void>;
  close(): Promise<void>;
}

export interface Contender {
  /** Version and what of its options isn't the default, for the report. Throws when it isn't installed or can't be loaded. */
  describe(): Promise<string>;
  open(options: StoreOptions): Promise<Store>;
}
