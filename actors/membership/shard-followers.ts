/** Which shards of this node have switched to which ring: what RingActor knows of the agents. */
import { CONTROL } from '../../runtime/lanes.ts';
import type { Ref } from '../../runtime/ref.ts';
import { compareVersions, type RingVersion } from '../ring/ring-state.ts';
import type { RingBytes, Standing } from '../ring-protocol.ts';

interface Follower {
  agent: Ref<Standing> | null;
  /** Never goes back: a shard that starts anew gets the newest ring, or none. */
  switchedTo: RingVersion | null;
}

export class ShardFollowers {
  readonly #followers: readonly Follower[];

  constructor(shards: number) {
    this.#followers = Array.from({ length: shards }, () => ({ agent: null, switchedTo: null }));
  }

  /** The newest ring that all shards have switched to, or left behind; null: not all have had one. */
  get switchedTo(): RingVersion | null {
    let oldest: RingVersion | null = null;
    for (const { switchedTo } of this.#followers) {
      if (switchedTo === null) return null;
      if (oldest === null || compareVersions(switchedTo, oldest) < 0) oldest = switchedTo;
    }
    return oldest;
  }

  has(shard: number): boolean {
    return this.#followers[shard] !== undefined;
  }

  /** Returns what all shards have switched to now; null: it is what it was before. Requires: there is such a shard, and `version` is none that was never published. */
  switched(shard: number, version: RingVersion): RingVersion | null {
    const before = this.switchedTo;
    const follower = this.#followers[shard]!;
    if (follower.switchedTo === null || compareVersions(version, follower.switchedTo) > 0) follower.switchedTo = version;
    const { switchedTo } = this;
    return switchedTo !== null && (before === null || compareVersions(before, switchedTo) < 0) ? switchedTo : null;
  }

  /** Remembers the agent, and tells it how things stand, with the ring where `has` is older. */
  follow(shard: number, agent: Ref<Standing>, has: RingVersion | null, ring: RingBytes | null, mayServe: boolean): void {
    this.#followers[shard]!.agent = agent;
    const isNews = ring !== null && (has === null || compareVersions(has, ring) < 0);
    agent.tell({ type: 'standing', ring: isNews ? ring : null, mayServe }, { lane: CONTROL });
  }

  tellAll(ring: RingBytes | null, mayServe: boolean): void {
    for (const { agent } of this.#followers) agent?.tell({ type: 'standing', ring, mayServe }, { lane: CONTROL });
  }
}
