/** LocalCluster: node processes of one machine that form a cluster, from the first one's start to the last one's end. */

import { errorMessage } from '../../../runtime/errors.ts';
import { coreCount } from '../../../runtime/real/host.ts';
import { Subprocess, type SubprocessEnd } from '../../../runtime/real/subprocess.ts';
import { lastLines } from '../../../runtime/real/text-files.ts';
import { DEFAULT_KEYSPACE } from '../../ring/keyspace-defaults.ts';
import type { ClusterStatus } from '../http/status.ts';
import { pause } from '../prepare.ts';
import { ClientError, call } from './client.ts';
import { helpersFor, LOOPBACK, nodeEnvironment, type PlannedNode, replicasFor, startArguments } from './cluster-plan.ts';
import type { Rules } from './rules.ts';

export interface ClusterDoors {
  /** The `dynactor` command. */
  readonly script: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** For people, line by line. */
  readonly say: (text: string) => void;
}

interface Running {
  readonly node: PlannedNode;
  readonly process: Subprocess;
  end: SubprocessEnd | null;
}

/** More than a node gives its shards for writing what they hold. */
export const STOP_MS = 20_000;
const POLL_MS = 50;
const ANSWER_MS = 2_000;
const OPERATION_MS = 20_000;
/** Between two lines about what is waited for. */
const PATIENCE_MS = 5_000;
const LINES_SHOWN = 5;
const BYTES_SHOWN = 4_096;

export class LocalCluster {
  readonly #nodes: readonly PlannedNode[];
  readonly #doors: ClusterDoors;
  readonly #running: Running[] = [];
  #isReady = false;
  #isStopping = false;

  /** Requires: at least one node. */
  constructor(nodes: readonly PlannedNode[], doors: ClusterDoors) {
    this.#nodes = nodes;
    this.#doors = doors;
  }

  get pids(): readonly number[] {
    return this.#running.map(({ process }) => process.pid);
  }

  /** Resolves when the first node listens. Errors: it has ended, and the text has its last log lines; `stop` was called. */
  async startFirst(): Promise<void> {
    const first = this.#start(this.#nodes[0]!, null);
    await this.#until('starting', async () =>
      (await answers(first.node, '/livez')) === null ? `${first.node.name} does not answer yet` : null,
    );
  }

  /** Resolves when all nodes serve, the keyspace `default` is there and all of them know it. Errors: as of `startFirst`; what keeps the keyspace from being made. */
  async startOthers(rules: Rules): Promise<void> {
    for (const node of this.#nodes.slice(1)) this.#start(node, this.#nodes[0]!);
    await this.#until('starting', () => this.#notReady([]));
    await this.#ensureKeyspace(rules);
    await this.#until('waiting for the keyspace', () => this.#notReady([DEFAULT_KEYSPACE]));
    this.#throwIfStopping();
    this.#isReady = true;
  }

  /** Resolves when no process is left. Those that do not end by themselves are killed after STOP_MS. Idempotent. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    for (const { process } of this.#running) process.signal('SIGTERM');
    const timer = setTimeout(() => {
      const left = this.#running.filter(({ process }) => process.isRunning).map(({ node }) => node.name);
      this.#doors.say(`${left.join(', ')} did not stop within ${STOP_MS / 1000} s: killed`);
      this.kill();
    }, STOP_MS);
    await this.untilEnded();
    clearTimeout(timer);
  }

  kill(): void {
    this.#isStopping = true;
    for (const { process } of this.#running) process.signal('SIGKILL');
  }

  /** Resolves when all that have been started have ended. */
  async untilEnded(): Promise<void> {
    await Promise.all(this.#running.map(({ process }) => process.ended));
  }

  #throwIfStopping(): void {
    if (this.#isStopping) throw new Error('told to stop');
  }

  #start(node: PlannedNode, seed: PlannedNode | null): Running {
    this.#throwIfStopping();
    const { script, environment } = this.#doors;
    const args = [script, ...startArguments(node, seed), '--until-input-ends'];
    const helpers = helpersFor(this.#nodes.length, coreCount());
    const process = Subprocess.start({ args, environment: nodeEnvironment(environment, node, helpers), log: node.log });
    const running: Running = { node, process, end: null };
    this.#running.push(running);
    process.ended.then(
      (end) => {
        running.end = end;
        if (this.#isReady && !this.#isStopping) this.#tellEnd(running);
      },
      () => undefined,
    );
    return running;
  }

  #tellEnd(running: Running): void {
    obituary(running).then(
      (text) => {
        const { name, directory, port, respPort, httpPort } = running.node;
        const left = this.#running.filter(({ end }) => end === null).length;
        this.#doors.say(`${text}\n${left} of ${this.#nodes.length} nodes go on; this starts it again:`);
        this.#doors.say(
          `  dynactor start --name ${name} --data ${directory} --port ${port} --resp-port ${respPort} --http-port ${httpPort}`,
        );
      },
      (error: unknown) => this.#doors.say(errorMessage(error)),
    );
  }

  /** Polls until `look` gives null, which else says what is missing. Errors: a node has ended; the cluster is told to stop. */
  async #until(doing: string, look: () => Promise<string | null>): Promise<void> {
    for (let tellAt = Date.now() + PATIENCE_MS; ; ) {
      this.#throwIfStopping();
      const ended = this.#running.find(({ end }) => end !== null);
      if (ended !== undefined) throw new Error(await obituary(ended));
      const missing = await look();
      if (missing === null) return;
      if (Date.now() >= tellAt) {
        this.#doors.say(`${doing}: ${missing}`);
        tellAt += PATIENCE_MS;
      }
      await pause(POLL_MS);
    }
  }

  /** What is missing until every node is ready, sees all others up, knows these keyspaces, and nothing moves; null: nothing. */
  async #notReady(keyspaces: readonly string[]): Promise<string | null> {
    const reasons = await Promise.all(this.#nodes.map((node) => this.#notReadyAt(node, keyspaces)));
    return reasons.find((reason) => reason !== null) ?? null;
  }

  async #notReadyAt(node: PlannedNode, keyspaces: readonly string[]): Promise<string | null> {
    const ready = await answers(node, '/readyz');
    if (ready === null) return `${node.name} does not answer yet`;
    if (ready.status !== 200) return `${node.name} is not ready: ${ready.text.split('\n')[0]}`;
    const status = (await answers(node, '/v1/status'))?.json() as ClusterStatus | undefined;
    if (status === undefined) return `${node.name} does not answer`;
    const down = this.#nodes.find(({ name }) => !status.members.some((member) => member.name === name && member.state === 'UP'));
    if (down !== undefined) return `${node.name} does not see ${down.name} up`;
    if (status.transition !== null) return `partitions are moving: ${status.transition.step}`;
    const unknown = keyspaces.find((name) => !status.keyspaces.includes(name));
    return unknown === undefined ? null : `${node.name} does not know keyspace ${unknown}`;
  }

  /** One that is there keeps its rules. */
  async #ensureKeyspace(rules: Rules): Promise<void> {
    const target = { url: urlOf(this.#nodes[0]!), timeoutMs: OPERATION_MS };
    try {
      await call(target, 'POST', '/v1/keyspaces', { name: DEFAULT_KEYSPACE, n: replicasFor(this.#nodes.length), ...rules });
    } catch (error) {
      if (!(error instanceof ClientError && error.code === 'EXISTS')) throw error;
      const found = await call<Rules>(target, 'GET', `/v1/keyspaces/${DEFAULT_KEYSPACE}`);
      const others = Object.entries(rules).filter(([name, value]) => found[name] !== value);
      for (const [name, value] of others)
        this.#doors.say(
          `keyspace ${DEFAULT_KEYSPACE} has ${name} ${found[name]} from before, not ${value}: \`dynactor keyspace alter\` changes it`,
        );
    }
  }
}

/** `n2 has ended (SIGKILL); last lines of its log, ...`. */
async function obituary({ node, end }: Running): Promise<string> {
  const lines = await lastLines(node.log, LINES_SHOWN, BYTES_SHOWN);
  const how = end?.code === null || end === null ? (end?.reason ?? '') : `exit code ${end.code}`;
  return [`${node.name} has ended (${how}); last lines of ${node.log}:`, ...lines.map((line) => `  ${line}`)].join('\n');
}

interface Answer {
  readonly status: number;
  readonly text: string;
  json(): unknown;
}

/** Null: nobody answers. */
async function answers(node: PlannedNode, path: string): Promise<Answer | null> {
  try {
    const response = await fetch(`${urlOf(node)}${path}`, { signal: AbortSignal.timeout(ANSWER_MS) });
    const text = await response.text();
    return { status: response.status, text, json: () => JSON.parse(text) as unknown };
  } catch {
    return null;
  }
}

function urlOf({ httpPort }: PlannedNode): string {
  return `http://${LOOPBACK}:${httpPort}`;
}
