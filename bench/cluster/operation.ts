/** One operation of the load, made anew for each use: the generator allocates nothing per operation. */

export type OperationKind = 'read' | 'update' | 'insert' | 'scan' | 'modify';
/** What goes over the wire: a `modify` is a `get`, then a `put`. */
export type Step = 'get' | 'put' | 'scan';

export interface Operation {
  kind: OperationKind;
  step: Step;
  key: number;
  /** Of what is written; counts all writes. */
  stamp: number;
  /** The least stamp that a read may find: see `Records`. */
  floor: number;
  /** No other write of the key was under way when this one began. */
  isAlone: boolean;
  /** Of a scan: rows asked for, rows found, and the key of the last of them. */
  rowsMax: number;
  rows: number;
  lastKey: number;
  /** Which of the channel's lanes it goes by. */
  lane: number;
  /** When it began, or was to begin; milliseconds. */
  beganMs: number;
  /** Of an open loop. */
  onAnswer: () => void;
}

export function newOperation(): Operation {
  return {
    ...{ kind: 'read', step: 'get', key: 0, stamp: 0, floor: 0, isAlone: false },
    ...{ rowsMax: 0, rows: 0, lastKey: 0, lane: 0, beganMs: 0, onAnswer: nothing },
  };
}

function nothing(): void {}
