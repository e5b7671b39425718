/** Plan files that the command line names. */
import { readFileSync } from 'node:fs';
import { type PlanFile, parsePlanFile } from '../../runtime/simulation/testing.ts';
import { orUsageError } from '../../test/helpers/options.ts';

/** The file of `--replay`; a usage error when it is none, or one of another workload. */
export function planFileOf(path: string, workload: string): PlanFile {
  return orUsageError(`--replay ${path}: `, () => {
    const file = parsePlanFile(readFileSync(path, 'utf8'));
    if (file.workload !== workload) throw new Error(`expected a plan of the workload ${workload}, got one of ${file.workload}`);
    return file;
  });
}
