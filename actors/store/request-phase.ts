/** What a coordinator is doing about a request: `phases` of its RequestTable, where 0 is a free slot. */
import type { RequestTable } from './request-table.ts';
import { CONTEXT_READ, GET } from './store-request.ts';

export const READING = 1;
export const COORDINATING = 2;
export const WRITING = 3;
export const FORWARDED = 4;
/** Waits for the rings of this node and of replicas to agree. */
export const STALE = 5;
export const ANSWERED = 6;
/** A read whose replicas differed: R of them are to hold what is answered. */
export const REPAIRING = 8;
/** Waits for the coordinator's turn. */
export const BEGUN = 7;

/** The write has its dot: from then on its record is sent, and never minted again. */
export function isMinted(table: RequestTable, slot: number): boolean {
  return (
    table.kinds[slot] !== GET &&
    table.recordEnds[slot] !== 0 &&
    (table.contextKinds[slot] !== CONTEXT_READ || table.readContextEnds[slot] !== 0)
  );
}
