/** Which standings of RingActor end the process. Pure. */
import { unreachable } from '../../runtime/errors.ts';
import type { NodeIdentity } from '../membership/node-identity.ts';
import type { RingStatus } from '../ring-protocol.ts';
import { NodeError } from './node-error.ts';

/** Null: the node goes on. */
export function fatal({ fence, trouble }: Pick<RingStatus, 'fence' | 'trouble'>, { name }: Pick<NodeIdentity, 'name'>): NodeError | null {
  const text = `node ${name}: ${trouble}`;
  switch (fence) {
    case 'superseded':
      return new NodeError('DUPLICATE', text);
    case 'removed':
      return new NodeError('REMOVED', text);
    case 'storage':
      return new NodeError('IO', text);
    case 'departing':
    case 'conflict':
    case null:
      // Where two rings conflict an operator has to look, and the node has to be there to be looked at.
      return null;
    default:
      return unreachable(fence);
  }
}
