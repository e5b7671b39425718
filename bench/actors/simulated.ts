/** The simulator's own benchmark, as a row among the others. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Row } from '../lib/report.ts';

/** All that is read of another benchmark's row. */
type TheirRow = Pick<Row, 'name' | 'unit' | 'median' | 'min' | 'max'>;

/** Schedules drawn at random, frames carried whole: how the simulation is used most. */
const ROW = 'frames, random, 8 balls per pair of shards';

export function simulationRows(isQuick: boolean): Promise<readonly Row[]> {
  const folder = mkdtempSync(join(tmpdir(), 'dynactor-bench-'));
  try {
    const file = join(folder, 'rows.json');
    const program = fileURLToPath(new URL('../simulation.js', import.meta.url));
    const size = isQuick ? ['--runs', '1', '--messages', '40000'] : ['--runs', '3', '--messages', '200000'];
    execFileSync(process.execPath, [program, '--json', file, ...size], { stdio: ['ignore', 'ignore', 'inherit'] });
    const { rows } = JSON.parse(readFileSync(file, 'utf8')) as { readonly rows: readonly TheirRow[] };
    const row = rows.find(({ name }) => name === ROW);
    if (row === undefined) throw new Error(`bench/simulation has no row ${ROW}`);
    return Promise.resolve([{ ...row, name: `simulated events (${ROW})`, peer: '', peerMedian: null, ratio: null, better: 'higher' }]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
