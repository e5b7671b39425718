/** What every `Timers` must do. */
import test, { type ExecutionContext, type MacroDeclarationOptions } from 'ava';
import type { Timers } from '../../runtime/doors.ts';

const contract: Readonly<Record<string, (t: ExecutionContext, timers: Timers) => Promise<void>>> = {
  'a task runs once, soon and not within the call': async (t, timers) => {
    let runs = 0;
    await new Promise<void>((resolve) => {
      timers.soon(() => {
        runs++;
        timers.soon(() => timers.soon(resolve));
      });
      t.is(runs, 0);
    });
    t.is(runs, 1);
  },

  'the earlier runs first, and what was cancelled not at all': async (t, timers) => {
    const order: string[] = [];
    // Timers hold no process.
    const alive = setInterval(() => undefined, 1_000);
    await new Promise<void>((resolve) => {
      timers.after(60, () => {
        order.push('late');
        resolve();
      });
      const cancel = timers.after(20, () => order.push('cancelled'));
      timers.after(1, () => {
        order.push('early');
        cancel();
      });
      timers.after(Infinity, () => order.push('never'))();
    });
    clearInterval(alive);
    t.deepEqual(order, ['early', 'late']);
  },
};

/** Registers the suite under `subject`. */
export function testTimersContract(subject: string, make: () => Timers): void {
  const macro = test.macro({
    exec: (t: ExecutionContext, behaviour: string) => contract[behaviour]?.(t, make()) ?? t.fail(behaviour),
    title: (_, behaviour: string) => `${subject}: ${behaviour}`,
  } satisfies MacroDeclarationOptions<[string]>);
  for (const behaviour of Object.keys(contract)) test(macro, behaviour);
}
