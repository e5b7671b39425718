/**
 * NodeIdentity: who this process is: kept in its data directory, and made anew for an empty one. A wiped disk is a new node; a copied or rolled-back
 * one shows by its boot (FAULTS P11 to P14).
 */
import type { NewMember } from '../ring/operation.ts';

export interface NodeIdentity extends NewMember {
  /** Starts of this data directory, this one included; durable before anything is said to anybody. From 1. */
  readonly boot: number;
  /** 64 random bits of this process, 16 hexadecimal digits: two processes with one id and one boot differ in it. */
  readonly instance: string;
}
