/**
 * A timeline as one HTML page that needs nothing else: nodes as lanes, faults as bands, requests as boxes, messages as arrows, the violation as a red line. Without scripts it shows
 * the part in which something happens; with them it can be moved in (timeline-page.ts).
 */
import { chooseArrows } from './arrow-choice.ts';
import { type Arrow, isOfKey, type Mark, type Span, type Timeline, type TimelineFilter } from './timeline.ts';
import { type Lane, type Layout, layOut, type PlacedSpan } from './timeline-layout.ts';
import { SCRIPT, STYLE } from './timeline-page.ts';

const LEFT = 70;
const WIDTH = 1_500;

interface View {
  readonly fromMs: number;
  readonly toMs: number;
  readonly endMs: number;
}

export function timelineHtml(timeline: Timeline, filter: TimelineFilter = {}): string {
  const { title, lanes, spans, marks, key, digest } = timeline;
  const view = viewOf(timeline);
  const wanted = filter.key ?? (key === '' ? undefined : key);
  const shown = spans.filter((span) => filter.node === undefined || span.lanes.includes(filter.node) || span.kind !== 'request');
  const layout = layOut(lanes, shown, view.endMs, view.toMs - view.fromMs);
  const chosen = chooseArrows(timeline, filter);
  const violations = marks.filter(({ kind }) => kind === 'violation');
  const body = [
    '<g class="ticks"></g>',
    ...layout.lanes.map(laneSvg),
    ...layout.bands.map((placed) => bandSvg(placed, view)),
    ...chosen.arrows.flatMap((arrow) => arrowSvg(arrow, layout.lanes, view)),
    ...layout.boxes.map((placed) => boxSvg(placed, view, isOfKey(placed.span.key, wanted))),
    ...marks.map((mark) => markSvg(mark, layout, view)),
    ...layout.lanes.map(nameSvg),
  ];
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escaped(title)}</title><style>${STYLE}</style></head>
<body><header><h1>${escaped(title)}</h1>
${violations.map(({ text, atMs }) => `<p class="bad">${atMs.toFixed(1)} ms: ${escaped(text)}</p>`).join('\n')}
<p class="faint">${escaped(chosen.text)}. Boxes are requests${wanted === undefined ? '' : `, those of ${escaped(wanted)} in colour`}; digest ${digest}. Wheel or + and -: nearer, farther; drag or
arrow keys: along; double click or 0: back.</p>
<p><label><input type="checkbox" id="noMessages" checked> messages</label><label><input type="checkbox" id="noFaults" checked> faults</label><label><input type="checkbox" id="noAside" checked>
requests of other keys</label></p></header>
<svg width="${WIDTH}" height="${layout.height}" data-left="${LEFT}" data-width="${WIDTH}" data-height="${layout.height}" data-from="${view.fromMs}" data-to="${view.toMs}" data-end="${view.endMs}">
${body.join('\n')}
</svg><div id="about">Point at something to read what it is.</div><script>${SCRIPT}</script></body></html>
`;
}

/** From the first fault or request to the last end of one. */
function viewOf({ spans, endMs, viewEndMs }: Timeline): View {
  const seen = spans.filter(({ fromMs }) => fromMs < viewEndMs);
  const fromMs = seen.reduce((least, span) => Math.min(least, span.fromMs), endMs);
  const toMs = seen.reduce((most, span) => Math.max(most, span.toMs ?? span.fromMs), fromMs + 1);
  const margin = (toMs - fromMs) / 50;
  return { fromMs: Math.max(0, fromMs - margin), toMs: toMs + margin, endMs };
}

function x(ms: number, { fromMs, toMs }: View): string {
  return (LEFT + ((ms - fromMs) * (WIDTH - LEFT - 10)) / (toMs - fromMs)).toFixed(1);
}

function laneSvg({ axis }: Lane): string {
  return `<line class="axis" x1="${LEFT}" x2="100000" y1="${axis}" y2="${axis}"/>`;
}

/** Over what has moved to the left. */
function nameSvg({ name, top, height, axis }: Lane): string {
  return `<g class="lane"><rect class="back" x="0" y="${top}" width="${LEFT - 4}" height="${height}"/><text class="name" x="12" y="${axis + 4}">${escaped(name)}</text></g>`;
}

function bandSvg({ span, top, height }: PlacedSpan, view: View): string {
  const until = span.toMs ?? view.endMs;
  return rect(`${span.kind} band`, span, until, top, height, view, `${span.text}, ${range(span)}`, span.text, 'bandText');
}

function boxSvg({ span, top, height }: PlacedSpan, view: View, isOfIt: boolean): string {
  const classes = ['box', isOfIt ? 'request' : 'aside', ...(span.isSuspect ? ['suspect'] : [])].join(' ');
  const what = `${span.key}: ${span.text} -> ${span.answer === '' ? 'never answered' : span.answer}`;
  return rect(classes, span, span.toMs ?? view.endMs, top, height, view, `${what}, ${range(span)}`, what, isOfIt ? 'boxText' : 'asideText');
}

function rect(
  classes: string,
  { fromMs }: Span,
  untilMs: number,
  top: number,
  height: number,
  view: View,
  about: string,
  label: string,
  labelClass: string,
): string {
  const [from, to] = [x(fromMs, view), x(untilMs, view)];
  const width = Math.max(2, Number(to) - Number(from)).toFixed(1);
  const times = `data-a="${fromMs}" data-b="${untilMs}"`;
  return (
    `<rect class="${classes}" rx="2" ${times} x="${from}" y="${top}" width="${width}" height="${height}" ${aboutOf(about)}/>` +
    `<text class="${labelClass}" ${times} x="${from}" y="${top + height - 2}" visibility="${Number(width) > label.length * 5.6 ? 'visible' : 'hidden'}">${escaped(label)}</text>`
  );
}

function arrowSvg({ from, to, sentMs, arrivedMs, text }: Arrow, lanes: readonly Lane[], view: View): string[] {
  const [a, b] = [lanes.find(({ name }) => name === from), lanes.find(({ name }) => name === to)];
  if (a === undefined || b === undefined) return [];
  const until = arrivedMs ?? sentMs;
  // What is lost gets half of the way.
  const y2 = arrivedMs === null ? (a.axis + b.axis) / 2 : b.axis;
  const about = `${from} to ${to}: ${text}, ${sentMs.toFixed(3)} ms ${arrivedMs === null ? 'and lost' : `to ${arrivedMs.toFixed(3)} ms`}`;
  const times = `data-a="${sentMs}" data-b="${until}"`;
  const classes = arrivedMs === null ? 'arrow lost' : 'arrow';
  const line = `<line class="${classes}" ${times} x1="${x(sentMs, view)}" x2="${x(until, view)}" y1="${a.axis}" y2="${y2}" ${aboutOf(about)}/>`;
  return arrivedMs === null ? [line] : [line, `<circle class="head" ${times} cx="${x(until, view)}" cy="${y2}" r="2"/>`];
}

function markSvg({ kind, atMs, lane, text }: Mark, { lanes, height }: Layout, view: View): string {
  const where = lanes.find(({ name }) => name === lane);
  const [y1, y2] = where === undefined ? [16, height] : [where.top, where.axis + 6];
  return `<line class="mark ${kind}" data-a="${atMs}" data-b="${atMs}" x1="${x(atMs, view)}" x2="${x(atMs, view)}" y1="${y1}" y2="${y2}" ${aboutOf(`${text}, ${atMs.toFixed(1)} ms`)}/>`;
}

function range({ fromMs, toMs }: Span): string {
  return `${fromMs.toFixed(3)} ms ${toMs === null ? 'to the end' : `to ${toMs.toFixed(3)} ms`}`;
}

function aboutOf(text: string): string {
  return `data-text="${escaped(text)}"`;
}

function escaped(text: string): string {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;').replace(/"/g, '&quot;');
}
