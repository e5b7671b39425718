/** What a client is made of, started on a system: by `connect` on one of its own, by `open` on that of the store. */
import type { NodeAddress } from '../../runtime/node-address.ts';
import type { Ref } from '../../runtime/ref.ts';
import type { ActorSystem } from '../../runtime/system.ts';
import type { OperationOutcome } from '../ring/operation.ts';
import { type ClientEvents, type ClientParts, pause } from './client.ts';
import { clientActor } from './client-actor.ts';
import { ClientDesk } from './client-desk.ts';
import { asClientError, ClientError } from './client-error.ts';
import type { ClientMessage } from './client-protocol.ts';
import { Listeners } from './listeners.ts';
import type { ClientTuning } from './options.ts';
import type { ClientDoor } from './places.ts';
import { topologyOf } from './topology.ts';

export interface ClientStart {
  readonly door: ClientDoor;
  readonly seeds: readonly NodeAddress[];
  readonly dataCenter: string | undefined;
  readonly tuning: ClientTuning;
  readonly timeoutMs: number;
  /** None of the nodes known can be reached. May be called again and again. */
  readonly lost: () => void;
  readonly stop: (drainMs: number) => Promise<void>;
}

export interface StartedParts {
  readonly parts: ClientParts;
  readonly actor: Ref<ClientMessage>;
}

const READY_PAUSE_MS = 5;

export function startParts(system: ActorSystem, start: ClientStart): StartedParts {
  const { door, seeds, dataCenter, tuning, timeoutMs, stop } = start;
  const listeners = new Listeners<ClientEvents>();
  const desk = new ClientDesk(tuning.operationsMax, {
    ringChanged: (map) => listeners.tell('topology', topologyOf(map.ring)),
    lost: () => {
      listeners.tell('lost', undefined);
      start.lost();
    },
  });
  const actor = system.spawn(clientActor, [{ desk, door, seeds, dataCenter, tuning }]);
  const parts: ClientParts = {
    ...{ desk, listeners, timeoutMs, stop },
    refresh: () => void actor.tell({ type: 'refresh' }),
    admin: {
      newId: () => [...globalThis.crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join(''),
      now: () => Date.now(),
      propose: async (operationId, operation, askMs) => {
        const nodes = desk.map?.nodes ?? [];
        const up = nodes.filter(({ isDown }) => !isDown);
        const from = up.length > 0 ? up : nodes;
        const node = from[Math.floor(Math.random() * from.length)];
        if (node === undefined) throw new ClientError('UNREACHABLE', 'no node is known');
        try {
          return await node.ring.ask<OperationOutcome>((replyTo) => ({ type: 'propose', proposal: { operationId, operation }, replyTo }), {
            timeoutMs: Math.max(1, askMs),
          });
        } catch (error) {
          throw asClientError(error);
        }
      },
    },
  };
  return { parts, actor };
}

/** Resolves when there is a ring. `late`: text of the error when there is none at `deadline`. */
export async function untilReady({ desk }: ClientParts, signal: AbortSignal | undefined, deadline: number, late: string): Promise<void> {
  while (desk.map === null) {
    throwIfAborted(signal);
    if (Date.now() >= deadline) throw new ClientError('UNREACHABLE', late);
    await pause(READY_PAUSE_MS);
  }
}

export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw new ClientError('ABORTED', 'connecting was aborted', { cause: signal.reason });
}
