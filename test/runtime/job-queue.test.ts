import test from 'ava';
import * as fc from 'fast-check';
import { JobQueue } from '../../runtime/job-queue.ts';

test('job queue: gives what a naive one gives, for any calls', (t) => {
  const call = fc.oneof(
    fc.record({ kind: fc.constant('push' as const), priority: fc.integer({ min: -2, max: 2 }) }),
    fc.record({ kind: fc.constant('shift' as const) }),
    fc.record({ kind: fc.constant('remove' as const), item: fc.nat(30) }),
  );
  fc.assert(
    fc.property(fc.array(call, { maxLength: 60 }), (calls) => {
      const queue = new JobQueue<number>();
      let naive: { item: number; priority: number }[] = [];
      for (const [item, c] of calls.entries()) {
        switch (c.kind) {
          case 'push':
            queue.push(item, c.priority);
            naive.push({ item, priority: c.priority });
            break;
          case 'shift': {
            const best = naive.reduce<(typeof naive)[0] | undefined>(
              (a, b) => (a === undefined || b.priority > a.priority ? b : a),
              undefined,
            );
            t.is(queue.shift(), best?.item);
            naive = naive.filter((entry) => entry !== best);
            break;
          }
          case 'remove':
            t.is(
              queue.remove(c.item),
              naive.some(({ item: other }) => other === c.item),
            );
            naive = naive.filter(({ item: other }) => other !== c.item);
        }
        t.is(queue.size, naive.length);
      }
    }),
  );
});
