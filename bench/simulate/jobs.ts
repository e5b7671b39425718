/** Runs seeds in several processes at once, and says how far they are. */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { NO_REPORT, type Report, sumOf } from './report.ts';
import type { AskedSeeds } from './worker.ts';

const WORKER = fileURLToPath(new URL('./worker.js', import.meta.url));
/** Where nobody looks at a terminal, a line this often. */
const LINE_EVERY_MS = 10_000;

/** Rejects when a process ends otherwise than by itself. */
export async function runJobs(asked: AskedSeeds, jobs: number): Promise<Report> {
  const progress = new Progress(asked.until - asked.from);
  const reports = await Promise.all(
    Array.from({ length: jobs }, (_, job) => runJob({ ...asked, from: asked.from + job, step: jobs }, (report) => progress.add(report))),
  );
  progress.end();
  return sumOf(reports);
}

function runJob(asked: AskedSeeds, onReport: (report: Report) => void): Promise<Report> {
  return new Promise((resolve, reject) => {
    const child = fork(WORKER, [JSON.stringify(asked)]);
    let sum = NO_REPORT;
    child.on('message', (message) => {
      const report = message as Report;
      onReport(report);
      sum = sumOf([sum, report]);
    });
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) resolve(sum);
      else reject(new Error(`a process for the seeds from ${asked.from} ended with ${code}`));
    });
  });
}

class Progress {
  readonly #seeds: number;
  readonly #startedAt = performance.now();
  #done = 0;
  #failed = 0;
  #saidAt = 0;

  constructor(seeds: number) {
    this.#seeds = seeds;
  }

  add({ seeds, failed }: Report): void {
    this.#done += seeds;
    this.#failed += failed.length;
    for (const { seed, what, detail, atMs } of failed) this.#print(`seed ${seed}: ${atMs} ms: ${what}: ${detail.slice(0, 400)}`);
    const now = performance.now();
    const isTerminal = process.stderr.isTTY === true;
    if (!isTerminal && now - this.#saidAt < LINE_EVERY_MS) return;
    this.#saidAt = now;
    const seconds = (now - this.#startedAt) / 1_000;
    const leftS = Math.round(((this.#seeds - this.#done) * seconds) / Math.max(1, this.#done));
    const line = `${this.#done} of ${this.#seeds} seeds, ${this.#failed} failed, ${(this.#done / seconds).toFixed(1)} seeds/s, ${leftS} s to go`;
    process.stderr.write(isTerminal ? `\r${line.padEnd(78)}` : `${line}\n`);
  }

  end(): void {
    if (process.stderr.isTTY === true) process.stderr.write(`\r${' '.repeat(78)}\r`);
  }

  #print(line: string): void {
    process.stderr.write(`${process.stderr.isTTY === true ? '\r' : ''}${line}\n`);
  }
}
