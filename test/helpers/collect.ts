/** `collect()`: V8 collects all garbage of this thread now. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose_gc');
export const collect = runInNewContext('gc') as () => void;
