/** The process of one measurement: `node --expose-gc dist/bench/storage/child.js <task as JSON>`; sends its answer, or prints it where nobody takes it. */
import { loadContender } from './contenders.ts';
import { fillAndDie, reopen } from './kill-work.ts';
import { mixed } from './mixed-work.ts';
import { get, getReopened, memory } from './read-works.ts';
import type { Contender } from './store.ts';
import type { Answer, Measured, Task } from './task.ts';
import { batch, batchSync, large, load, putSync } from './write-works.ts';

const WORK: Readonly<Record<string, (contender: Contender, task: Task) => Promise<Measured[]>>> = {
  load,
  batch,
  'put-sync': putSync,
  'batch-sync': batchSync,
  get,
  'get-reopened': getReopened,
  memory,
  mixed,
  'kill-fill': fillAndDie,
  kill: reopen,
  large,
};

async function answer(task: Task): Promise<Answer> {
  try {
    const contender = await loadContender(task.contender);
    if (task.work === 'describe') return { ok: true, measured: [], description: await contender.describe() };
    const work = WORK[task.work];
    if (work === undefined) throw new Error(`no work ${task.work}, only ${Object.keys(WORK).join(', ')}`);
    return { ok: true, measured: await work(contender, task) };
  } catch (error) {
    return { ok: false, message: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}

const result = await answer(JSON.parse(process.argv[2] ?? '{}') as Task);
// What a contender left running must not hold the next one's turn.
if (process.send === undefined) console.log(result);
else process.send(result, () => process.exit(0));
