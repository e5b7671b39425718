/** A table of the database and its reader. */
import type { TableMeta } from '../manifest/table-meta.ts';
import type { TableReader } from '../table/table-reader.ts';

export interface OpenTable {
  readonly meta: TableMeta;
  readonly reader: TableReader;
}
