/** From measurements to rows: each of ours beside each peer, each side by its best form. */
import { type Row, rowOf, short } from '../lib/report.ts';
import { medianOf } from '../lib/stats.ts';
import { OURS, REFERENCE } from './contenders.ts';
import type { Metric } from './metrics.ts';
import type { Measured } from './task.ts';

interface Best {
  readonly label: string;
  readonly samples: readonly number[];
}

export class Results {
  readonly #samples = new Map<string, number[]>();

  add(contender: string, measured: readonly Measured[]): void {
    for (const { metric, form, value } of measured) {
      const key = JSON.stringify([contender, metric, form]);
      const samples = this.#samples.get(key);
      if (samples === undefined) this.#samples.set(key, [value]);
      else samples.push(value);
    }
  }

  /** Without ours among the contenders, each other one beside the reference. */
  rows(metrics: readonly Metric[], contenders: readonly string[]): Row[] {
    const ours = contenders.filter((name) => OURS.includes(name));
    const peers = contenders.filter((name) => !OURS.includes(name));
    const subjects = ours.length > 0 ? ours : peers.length > 1 ? peers.filter((name) => name !== REFERENCE) : peers;
    const rows: Row[] = [];
    for (const metric of metrics) {
      for (const subject of subjects) {
        const own = this.#best(metric, subject);
        if (own === undefined) continue;
        const name = subject === OURS[0] ? metric.name : `${metric.name} [${own.label}]`;
        // The engine's other interface has aims of its own, beside the reference only.
        const beside = subject === OURS[0] ? peers : peers.filter((peer) => peer === REFERENCE && peer !== subject);
        const rowsOf = beside.flatMap((peer) => {
          const best = this.#best(metric, peer);
          return best === undefined ? [] : [rowOf(name, metric.unit, own.samples, best.label, best.samples, metric.better)];
        });
        rows.push(...(rowsOf.length > 0 ? rowsOf : [rowOf(name, metric.unit, own.samples, '', [], metric.better)]));
      }
    }
    return rows;
  }

  /** Aims and limits, each with what was reached. */
  aims(metrics: readonly Metric[]): string[] {
    const lines: string[] = [];
    for (const metric of metrics) {
      for (const [subject, aim, limit] of [
        ['dynactor', metric.aim, metric.limit],
        ['dynactor-level', metric.levelAim, undefined],
      ] as const) {
        const own = this.#best(metric, subject);
        const reference = this.#best(metric, REFERENCE);
        if (own === undefined) continue;
        const median = medianOf(own.samples);
        if (limit !== undefined)
          lines.push(line(metric.name, subject, median <= limit, `${median.toFixed(2)} ${metric.unit}, at most ${limit}`));
        if (aim === undefined || reference === undefined) continue;
        const theirs = medianOf(reference.samples);
        const ratio = metric.better === 'higher' ? median / theirs : theirs / median;
        lines.push(
          line(metric.name, subject, ratio >= aim, `${ratio.toFixed(2)} times as good as ${REFERENCE}, at least ${aim.toFixed(2)}`),
        );
      }
    }
    return lines;
  }

  /** Of contenders with several ways to do one thing: the median of each. The best one is in the rows. */
  forms(metrics: readonly Metric[]): string[] {
    const lines: string[] = [];
    for (const { key, name } of metrics) {
      const byContender = new Map<string, string[]>();
      for (const [entry, samples] of this.#samples) {
        const [contender, metric, form] = JSON.parse(entry) as [string, string, string];
        if (metric !== key || form === '') continue;
        const forms = byContender.get(contender) ?? [];
        forms.push(`${form} ${short(medianOf(samples))}`);
        byContender.set(contender, forms);
      }
      for (const [contender, forms] of byContender) if (forms.length > 1) lines.push(`${name}, ${contender}: ${forms.join('; ')}`);
    }
    return lines;
  }

  #best(metric: Metric, contender: string): Best | undefined {
    let best: Best | undefined;
    for (const [key, samples] of this.#samples) {
      const [name, of, form] = JSON.parse(key) as [string, string, string];
      if (name !== contender || of !== metric.key) continue;
      const isBetter =
        best === undefined ||
        (metric.better === 'higher' ? medianOf(samples) > medianOf(best.samples) : medianOf(samples) < medianOf(best.samples));
      if (isBetter) best = { label: form === '' ? contender : `${contender}: ${form}`, samples };
    }
    return best;
  }
}

function line(name: string, subject: string, isMet: boolean, text: string): string {
  return `${isMet ? 'met   ' : 'MISSED'} ${name} [${subject}]: ${text}`;
}
