/** Commands that read a key and write what they make of it. */
import { NONE } from '../version/newest.ts';
import { expiryAt, type RecordView, siblingEnd, valueStart } from '../version/record-view.ts';
import { visibleSibling, type WallClock } from './render.ts';
import type { RespSession } from './resp-session.ts';
import { type Change, StoreTask } from './store-task.ts';

/** The value that a record shows and when it expires, copied out of it; undefined: none. */
export interface Shown {
  readonly value: Buffer;
  readonly expiryMs: number;
}

/** What was there; the length of what is there now; 1 when something was written, else 0; OK. */
export type ModifyReply = 'old' | 'length' | 'count' | 'ok';

export function shownOf(record: RecordView, clock: WallClock): Shown | undefined {
  const at = visibleSibling(record, clock);
  if (at === NONE) return undefined;
  const { bytes } = record;
  return { value: Buffer.from(bytes.subarray(valueStart(bytes, at), siblingEnd(bytes, at))), expiryMs: expiryAt(bytes, at) };
}

/** Reads the key of the present command, and writes what `change` makes of it. */
export function modify(session: RespSession, change: (old: Shown | undefined) => Change | null, reply: ModifyReply): void {
  let old: Shown | undefined;
  let length = 0;
  let isChanged = false;
  const task = new StoreTask(session, true, {
    read(_, { record }) {
      old = shownOf(record, session.host);
      const made = change(old);
      isChanged = made !== null;
      length = (made ?? old)?.value.length ?? 0;
      return made;
    },
    render(writer) {
      if (reply === 'ok') writer.ok();
      else if (reply === 'length') writer.integer(length);
      else if (reply === 'count') writer.integer(isChanged ? 1 : 0);
      else if (old === undefined) writer.null();
      else writer.bulk(old.value, 0, old.value.length);
    },
  });
  task.read([1]);
}
