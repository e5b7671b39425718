/** Runs one plan of the whole-cluster workload and records what happens, as a timeline. The run is the same as without. */
import type { RingState } from '../../actors/ring/ring-state.ts';
import { MAIN_SHARD, type Place } from '../../runtime/address.ts';
import { describeItem, type Failure, type PlanItem, type RunPlan } from '../../runtime/simulation/testing.ts';
import type { Trace } from '../../runtime/simulation/trace.ts';
import { LENGTH_BYTES } from '../../runtime/wire/frame.ts';
import type { ClusterWatch, WatchedRequest } from '../../test/actors/store/cluster-clients.ts';
import { buildCluster } from '../../test/actors/store/cluster-workload.ts';
import { FrameNames } from './frame-names.ts';
import type { Arrow, Mark, Span, Timeline } from './timeline.ts';

export interface Recorded {
  readonly timeline: Timeline;
  /** The first; null: all held. */
  readonly failure: Failure | null;
}

type OpenSpan = { -readonly [Name in keyof Span]: Span[Name] };

export function record(run: RunPlan): Recorded {
  const recorder = new Recorder();
  const { simulation, cluster } = buildCluster(run, { ...recorder.watch, trace: recorder.trace });
  recorder.nowMs = () => simulation.now;
  if (simulation.run(run.stopMs)) cluster.finish();
  const failure = simulation.failures[0] ?? null;
  return { failure, timeline: recorder.timeline(run, failure, simulation.now, simulation.finalDigest()) };
}

class Recorder {
  /** Threads start while the simulation is built. */
  nowMs: () => number = () => 0;
  readonly #names = new FrameNames();
  readonly #spans: OpenSpan[] = [];
  readonly #arrows: Arrow[] = [];
  readonly #marks: Mark[] = [];
  readonly #faults = new Map<PlanItem, OpenSpan>();
  readonly #downs = new Map<string, OpenSpan>();
  readonly #requests = new Map<number, OpenSpan>();
  /** Requests without an answer, by the thread that was asked. */
  readonly #open = new Map<string, Set<OpenSpan>>();
  /** By node: the last ring that a mark is of. */
  readonly #rings = new Map<string, string>();

  readonly watch: ClusterWatch = {
    onAsked: (request) => this.#asked(request),
    onAnswered: (token, text) => {
      const span = this.#requests.get(token);
      if (span === undefined) return;
      span.toMs = this.nowMs();
      span.answer = text;
      for (const open of this.#open.values()) open.delete(span);
    },
    onRing: (node, _shard, ring) => this.#onRing(node, ring),
  };

  readonly trace: Trace = {
    arrived: (from, to, sentMs, bytes, start, end) => this.#frames(from, to, sentMs, this.nowMs(), bytes, start, end),
    lost: (from, to, bytes, start, end) => this.#frames(from, to, this.nowMs(), null, bytes, start, end),
    began: (item) => {
      if (item.kind !== 'act')
        this.#faults.set(item, this.#span('fault', lanesOf(item), faultText(item), 'forMs' in item ? null : this.nowMs()));
    },
    ended: (item) => {
      const span = this.#faults.get(item);
      if (span !== undefined) span.toMs = this.nowMs();
    },
    started: (place) => {
      const span = this.#downs.get(downKey(place));
      this.#downs.delete(downKey(place));
      if (span !== undefined) span.toMs = this.nowMs();
    },
    died: (place) => {
      this.#ended(`${place.node}/${place.shard}`);
      if (place.shard !== MAIN_SHARD && this.#downs.has(downKey({ ...place, shard: MAIN_SHARD }))) return;
      const what = place.shard === MAIN_SHARD ? 'down' : `thread ${place.shard} down`;
      this.#downs.set(downKey(place), this.#span('down', [place.node], what, null));
    },
  };

  timeline(run: RunPlan, failure: Failure | null, endMs: number, digest: string): Timeline {
    const { key, ids } = suspectsOf(failure);
    for (const span of this.#requests.values()) {
      span.isSuspect = span.key === key && ids.some((id) => `${span.text} ${span.answer}`.split(/[^\w]+/).includes(id));
    }
    const violation: readonly Mark[] =
      failure === null ? [] : [{ kind: 'violation', atMs: failure.atMs, lane: '', text: `${failure.what}: ${failure.detail}` }];
    const count = run.plan.filter(({ kind }) => kind !== 'act').length;
    return {
      title: `seed ${run.seed}, ${run.settings.nodes.length} nodes, ${count} faults: ${failure === null ? 'all held' : failure.what}`,
      lanes: run.settings.nodes.map(({ name }) => name),
      viewEndMs: failure === null ? run.stopMs : endMs,
      ...{ endMs, spans: this.#spans, arrows: this.#arrows, marks: [...this.#marks, ...violation], key, digest },
    };
  }

  #asked({ token, where, key, text }: WatchedRequest): void {
    const [node = ''] = where.split('/');
    const span = this.#span('request', [node], text, null);
    span.key = key;
    this.#requests.set(token, span);
    const open = this.#open.get(where) ?? new Set();
    this.#open.set(where, open.add(span));
  }

  /** Nobody will hear of what that thread was asked. */
  #ended(where: string): void {
    for (const span of this.#open.get(where) ?? []) {
      span.toMs = this.nowMs();
      span.answer = 'the thread ended';
    }
    this.#open.delete(where);
  }

  #onRing(node: string, ring: RingState): void {
    for (const { id, name } of ring.keyspaces) this.#names.keyspaces.set(id, name);
    const { generation, epoch, members, keyspaces, transition } = ring;
    const version = `${generation}.${epoch}`;
    if (this.#rings.get(node) === version) return;
    this.#rings.set(node, version);
    const what = `${members.length} members, ${keyspaces.length} keyspaces${transition === null ? '' : `, ${transition.step}`}`;
    this.#marks.push({ kind: 'ring', atMs: this.nowMs(), lane: node, text: `ring ${version}: ${what}` });
  }

  #span(kind: Span['kind'], lanes: readonly string[], text: string, toMs: number | null): OpenSpan {
    const span: OpenSpan = { kind, lanes, fromMs: this.nowMs(), toMs, text, answer: '', key: '', isSuspect: false };
    this.#spans.push(span);
    return span;
  }

  #frames(from: Place, to: Place, sentMs: number, arrivedMs: number | null, bytes: Buffer, start: number, end: number): void {
    for (let at = start; at < end; ) {
      const next = at + LENGTH_BYTES + bytes.readUInt32BE(at);
      this.#arrows.push({ from: from.node, to: to.node, sentMs, arrivedMs, ...this.#names.nameOf(from, to, bytes, at, next) });
      at = next;
    }
  }
}

function downKey({ node, shard }: Place): string {
  return `${node} ${shard}`;
}

/** The nodes that a fault is on. */
function lanesOf(item: PlanItem): readonly string[] {
  switch (item.kind) {
    case 'cut':
      return [...new Set([...item.from, ...item.to])];
    case 'clog':
    case 'degrade':
      return [item.from, item.to];
    case 'reset':
    case 'swap':
      return [item.a, item.b];
    default:
      return [item.node];
  }
}

/** Without the time, which is where it stands. */
function faultText(item: PlanItem): string {
  return describeItem(item).replace(/^[0-9.]+ ms /, '');
}

/** What checkers name: `ap/k1`, `w17`. */
function suspectsOf(failure: Failure | null): { readonly key: string; readonly ids: readonly string[] } {
  const detail = failure?.detail ?? '';
  const key = /\b[a-z]\w*\/k\d+\b/.exec(detail)?.[0] ?? '';
  const [first = ''] = detail.split('; ');
  return { key, ids: first.match(/\bw\d+\b/g) ?? [] };
}
