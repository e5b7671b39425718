/**
 * NodeIdentity: who this process is: kept in its data directory, and made anew for an empty one. A wiped disk is a new node; a copied or rolled-back
 * one shows by its boot (FAULTS P11 to P14).
 */
import type { NodeAddress } from '../../runtime/node-address.ts';
import type { Id } from '../ring/ring-state.ts';

export interface NodeIdentity {
  readonly id: Id;
  readonly name: string;
  readonly address: NodeAddress;
  readonly dataCenter: string;
  readonly rack: string;
  readonly capacity: number;
  readonly shards: number;
  /** Starts of this data directory, this one included; durable before anything is said to anybody. From 1. */
  readonly boot: number;
  /** 64 random bits of this process, 16 hexadecimal digits: two processes with one id and one boot differ in it. */
  readonly instance: string;
}
