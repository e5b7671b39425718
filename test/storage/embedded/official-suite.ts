/** The test suite of abstract-level, as it is published, on a database of ours. */
import { createRequire } from 'node:module';
import type { AbstractLevel } from 'abstract-level';

export interface SuiteOutcome {
  /** Assertions that held. */
  readonly passed: number;
  /** `test: assertion` of those that did not. */
  readonly failed: readonly string[];
}

export type Factory = (options: object | undefined) => AbstractLevel<unknown, unknown, unknown>;

type Row =
  | { readonly type: 'test'; readonly name: string }
  | { readonly type: 'assert'; readonly ok: boolean; readonly name: string }
  | { readonly type: 'end' };
interface Harness {
  createStream(options: { readonly objectMode: true }): NodeJS.EventEmitter;
}

/** Neither package has types for these. */
const require = createRequire(import.meta.url);
const suite = require('abstract-level/test') as (options: { readonly test: Harness; readonly factory: Factory }) => void;
const tape = require('tape') as { createHarness(): Harness };

export function runOfficialSuite(factory: Factory): Promise<SuiteOutcome> {
  return new Promise((resolve, reject) => {
    const failed: string[] = [];
    let passed = 0;
    let current = '';
    const harness = tape.createHarness();
    const rows = harness.createStream({ objectMode: true });
    rows.on('data', (row: Row) => {
      if (row.type === 'test') current = row.name;
      else if (row.type === 'assert' && row.ok) passed++;
      else if (row.type === 'assert') failed.push(`${current}: ${row.name}`);
    });
    rows.on('error', reject);
    rows.on('end', () => resolve({ passed, failed }));
    suite({ test: harness, factory });
  });
}
