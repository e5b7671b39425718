/** The thread of a generator. */
import { parentPort, workerData } from 'node:worker_threads';
import { Generator } from './generator.ts';
import type { FromGenerator, GeneratorSettings, ToGenerator } from './task.ts';

const port = parentPort!;
const tell = (message: FromGenerator): void => port.postMessage(message);
const fail = (error: unknown): void => tell({ type: 'failed', message: error instanceof Error ? error.message : String(error) });

try {
  const generator = await Generator.open(workerData as GeneratorSettings);
  port.on('message', (message: ToGenerator) => {
    if (message.type === 'run') generator.run(message.task).then((outcome) => tell({ type: 'ran', outcome }), fail);
    else generator.close().then(() => port.close(), fail);
  });
  tell({ type: 'ready' });
} catch (error) {
  fail(error);
}
