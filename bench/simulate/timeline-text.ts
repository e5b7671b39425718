/** A timeline as lines of text: time, node, what happened. What the violation is about is marked with `!`. */
import { type Arrow, isOfKey, isOfNode, type Mark, type Span, type Timeline, type TimelineFilter } from './timeline.ts';

export interface TextOptions extends TimelineFilter {
  /** Messages too, one line each. Default: those of the key, when one is asked for. */
  readonly hasMessages?: boolean;
}

interface Line {
  readonly atMs: number;
  readonly node: string;
  readonly text: string;
  readonly isMarked?: boolean;
}

/** Requests of other keys, and what does not touch the node, are left out. Cost: O(n log n). */
export function timelineText({ title, spans, arrows, marks, digest }: Timeline, options: TextOptions = {}): readonly string[] {
  const { key, node, hasMessages = key !== undefined } = options;
  const lines = [
    ...spans.filter((span) => isOfNode(span.lanes, node) && (span.kind !== 'request' || isOfKey(span.key, key))).flatMap(linesOfSpan),
    ...marks.filter(({ lane }) => lane === '' || isOfNode([lane], node)).map(lineOfMark),
    ...(hasMessages ? arrows : []).filter((arrow) => isOfNode([arrow.from, arrow.to], node) && isOfKey(arrow.key, key)).map(lineOfArrow),
  ];
  lines.sort((a, b) => a.atMs - b.atMs);
  const width = Math.max(4, ...lines.map((line) => line.node.length));
  return [
    `${title}; digest ${digest}`,
    ...lines.map(
      (line) => `${line.isMarked === true ? '!' : ' '}${line.atMs.toFixed(3).padStart(10)} ms  ${line.node.padEnd(width)}  ${line.text}`,
    ),
  ];
}

function linesOfSpan(span: Span): Line[] {
  const { kind, lanes, fromMs, toMs, text, answer, key, isSuspect } = span;
  const node = lanes.join(',');
  if (kind === 'request') {
    const what = `${key}: ${text}`;
    const begun: Line = { atMs: fromMs, node, text: `begun     ${what}`, isMarked: isSuspect };
    if (toMs === null) return [{ ...begun, text: `${begun.text} (never answered)` }];
    const took = `${(toMs - fromMs).toFixed(1)} ms`;
    return [begun, { atMs: toMs, node, text: `answered  ${what} -> ${answer} after ${took}`, isMarked: isSuspect }];
  }
  if (toMs === fromMs) return [{ atMs: fromMs, node, text: `fault     ${text}` }];
  const begins: Line = { atMs: fromMs, node, text: `${kind === 'down' ? '' : 'fault     '}${text}` };
  return toMs === null
    ? [begins]
    : [begins, { atMs: toMs, node, text: kind === 'down' ? text.replace('down', 'up again') : `over      ${text}` }];
}

function lineOfMark({ kind, atMs, lane, text }: Mark): Line {
  return kind === 'violation' ? { atMs, node: lane, text: `VIOLATION ${text}`, isMarked: true } : { atMs, node: lane, text };
}

function lineOfArrow({ from, to, sentMs, arrivedMs, text }: Arrow): Line {
  const what = `${from} -> ${to}  ${text}`;
  return arrivedMs === null
    ? { atMs: sentMs, node: from, text: `lost      ${what}` }
    : { atMs: arrivedMs, node: to, text: `message   ${what} (sent ${sentMs.toFixed(3)})` };
}
