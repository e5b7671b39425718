/** Which standings of RingActor end the process. Pure. */
import type { NodeIdentity } from '../membership/node-identity.ts';
import type { RingStatus } from '../ring-protocol.ts';
import { NodeError } from './node-error.ts';

/** Null: the node goes on. */
export function fatal({ fence, trouble }: Pick<RingStatus, 'fence' | 'trouble'>, { name }: Pick<NodeIdentity, 'name'>): NodeError | null {
  switch (fence) {
    case 'superseded':
      return new NodeError('DUPLICATE', `node ${name}: ${trouble}`);
    case 'removed':
      return new NodeError('REMOVED', `node ${name}: ${trouble}`);
    case 'storage':
      return new NodeError('IO', `node ${name}: ${trouble}`);
    case 'conflict':
    case null:
      // An operator has to look, and the node has to be there to be looked at.
      return null;
  }
}
