/**
 * Hostile frames against the way in, and our codec against cbor-x. Ends with 1 when anything was found.
 * `node dist/bench/fuzz-frames.js [--frames N] [--seed S]`
 */
import { optionsOf, wholeNumber } from '../test/helpers/options.ts';
import { fuzzFrames } from '../test/runtime/wire/fuzz.ts';

const { values: options } = optionsOf({
  options: { frames: { type: 'string', default: '5000000' }, seed: { type: 'string', default: '1' } },
});

const frames = wholeNumber('frames', options.frames);
const begun = performance.now();
const result = fuzzFrames(frames, options.seed, (done) => {
  if (process.stderr.isTTY) process.stderr.write(`\r${done} frames`);
});
const seconds = (performance.now() - begun) / 1000;
if (process.stderr.isTTY) process.stderr.write('\r');
console.log(
  `seed ${options.seed}: ${result.frames} frames, ${Math.round(result.frames / seconds)} frames/s, ${result.accepted} accepted, ` +
    `${result.rejected} rejected, ${result.mismatches} mismatches, max allocation ${Math.round(result.allocationMax / 1024)} KiB ` +
    `(${result.allocationRatio.toFixed(2)} of what a frame of its length may cause)`,
);
for (const finding of result.findings) console.log(finding.length > 2000 ? `${finding.slice(0, 2000)}...` : finding);
process.exitCode = result.mismatches === 0 ? 0 : 1;
