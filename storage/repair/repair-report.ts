/** What a repair says, and to whom. */

export interface RepairLine {
  readonly verdict: /** Stays as it is. */
    | 'kept'
    /** What of it can be read goes into new tables; the file itself into `lost/`. */
    | 'salvaged'
    /** Nothing of it can be read; into `lost/`. */
    | 'lost'
    /** All of it is in new tables now; into `lost/`. */
    | 'merged'
    /** A file that the repair has made. */
    | 'made'
    | 'note';
  /** Empty: none in particular. */
  readonly file: string;
  readonly text: string;
}

export interface RepairResult {
  /** Something was wrong, and is mended now (or would be, but for `dryRun`). */
  readonly changed: boolean;
  /** Something that was written may be missing, or something that was deleted be back. */
  readonly lossy: boolean;
}
