/** The thread of a load: proxies and the questions about the nodes are in another one, so that they delay nobody. */
import { parentPort, workerData } from 'node:worker_threads';
import { errorMessage } from '../../runtime/errors.ts';
import { FailureLoad, type LoadSettings, type ReadBack } from './load.ts';
import type { SampleSet } from './samples.ts';

export type ToLoad = 'fill' | 'start' | 'stop' | 'readBack';
export type FromLoad =
  | { readonly type: 'done' }
  | { readonly type: 'samples'; readonly samples: SampleSet }
  | { readonly type: 'readBack'; readonly readBack: ReadBack }
  | { readonly type: 'failed'; readonly message: string };

const port = parentPort!;
const tell = (message: FromLoad): void => port.postMessage(message);

async function answer(load: FailureLoad, asked: ToLoad): Promise<FromLoad> {
  switch (asked) {
    case 'fill':
      await load.fill();
      return { type: 'done' };
    case 'start':
      load.start();
      return { type: 'done' };
    case 'stop':
      return { type: 'samples', samples: await load.stop() };
    case 'readBack':
      return { type: 'readBack', readBack: await load.readBack() };
  }
}

const fail = (error: unknown): void => tell({ type: 'failed', message: errorMessage(error) });

try {
  const load = await FailureLoad.open(workerData as LoadSettings);
  port.on('message', (asked: ToLoad) => void answer(load, asked).then(tell, fail));
  tell({ type: 'done' });
} catch (error) {
  fail(error);
}
