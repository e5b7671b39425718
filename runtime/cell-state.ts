/**
 * States of a cell.
 *
 * ```
 *        create           stop, drain done
 *  NEW ----------> ACTIVE ------------------------> ENDED     every state leads to ENDED by `stop`
 *   ^                | ^  \ drain                     ^
 *   |          throws| |   \                          |
 *   |                v |    v                         |
 *   +------------ SUSPENDED <--throws-- DRAINING -----+
 *      restart
 * ```
 * In the order of these numbers: what is at most DRAINING may run code of its actor.
 */
/** Waits for the turn in which its actor is made: at first, and after each restart. */
export const NEW = 0;
export const ACTIVE = 1;
/** Handles what is queued, takes nothing new, then ends. */
export const DRAINING = 2;
/** It has failed, and its parent has yet to decide, or waits before it starts it again. */
export const SUSPENDED = 3;
export const ENDED = 4;

export type CellState = typeof NEW | typeof ACTIVE | typeof DRAINING | typeof SUSPENDED | typeof ENDED;
