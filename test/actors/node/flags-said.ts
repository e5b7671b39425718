/** Preloaded into a process (`node --import flags-said.js program.js`): says on the standard error what flags of V8 the program sets, which V8 itself tells nobody. */
import { syncBuiltinESMExports } from 'node:module';
import v8 from 'node:v8';

const { setFlagsFromString } = v8;
v8.setFlagsFromString = (flags) => {
  process.stderr.write(`V8 ${flags}\n`);
  setFlagsFromString(flags);
};
syncBuiltinESMExports();
