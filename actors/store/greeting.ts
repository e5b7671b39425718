/** Whether a coordinator is there: asked by clients before they send anything to its shard, and after they lost sight of it; answered when the shard can serve. Of the object path. */
import type { Ref } from '../../runtime/ref.ts';

export interface Greeting {
  readonly type: 'greeting';
  readonly replyTo: Ref<Greeted>;
}

export interface Greeted {
  readonly type: 'greeted';
}
