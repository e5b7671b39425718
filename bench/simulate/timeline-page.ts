/** Style and script of a timeline's page: what it looks like in light and dark, and how a person moves in it. Both stand in the page itself. */

export const STYLE = `
:root { color-scheme: light dark; --back: #fff; --fore: #1b1f24; --faint: #8a929c; --line: #d5dae0; --fault: #e8a33d; --down: #7b8794; --request: #3d7fd9; --other: #b9c4d0;
  --arrow: #4b9a6a; --lost: #d1495b; --ring: #8b5fbf; --bad: #d0021b; }
@media (prefers-color-scheme: dark) { :root { --back: #14171b; --fore: #e3e7ec; --faint: #7f8a96; --line: #333a43; --fault: #b67a1f; --down: #56616d; --request: #4f8fe6; --other: #4a5563;
  --arrow: #5fb583; --lost: #ef6a7b; --ring: #a983d8; --bad: #ff5264; } }
body { margin: 0; background: var(--back); color: var(--fore); font: 13px/1.4 system-ui, sans-serif; }
header { padding: 12px 16px 4px; } h1 { font-size: 16px; margin: 0 0 4px; } p { margin: 2px 0; } .bad { color: var(--bad); font-weight: 600; } .faint { color: var(--faint); }
label { margin-right: 12px; } #about { position: sticky; bottom: 0; background: var(--back); border-top: 1px solid var(--line); padding: 6px 16px; min-height: 1.4em; white-space: pre-wrap; }
svg { display: block; user-select: none; cursor: grab; } svg text { fill: var(--fore); font: 10px system-ui, sans-serif; pointer-events: none; } svg .name { font-size: 13px; font-weight: 600; }
.axis, .tick { stroke: var(--line); } .fault { fill: var(--fault); opacity: .75; } .down { fill: var(--down); opacity: .85; } .request { fill: var(--request); } .aside { fill: var(--other); }
.suspect { stroke: var(--bad); stroke-width: 2.5; } .arrow { stroke: var(--arrow); stroke-width: 1.1; opacity: .8; } .lost { stroke: var(--lost); stroke-dasharray: 3 2; }
.ring { stroke: var(--ring); stroke-width: 2; } .violation { stroke: var(--bad); stroke-width: 2; } rect.back { fill: var(--back); }
.noMessages .arrow, .noMessages .head, .noFaults .fault, .noFaults .down, .noFaults .bandText, .noAside .aside, .noAside .asideText { display: none; }
.head { fill: var(--arrow); } [data-text]:hover { filter: brightness(1.35); stroke-width: 3; }
`;

/**
 * Elements say by `data-a` and `data-b` from and to which millisecond they are; the script puts them where that is in the view. Wheel: nearer or farther; drag, arrows: along; double click, 0:
 * all of it. What the pointer is on is said at the bottom.
 */
export const SCRIPT = `
(() => {
  const svg = document.querySelector('svg'), about = document.getElementById('about');
  const left = Number(svg.dataset.left), end = Number(svg.dataset.end), first = [Number(svg.dataset.from), Number(svg.dataset.to)];
  let [from, to] = first, width = Number(svg.dataset.width);
  const items = [...svg.querySelectorAll('[data-a]')], ticks = svg.querySelector('.ticks');
  const x = (ms) => left + (ms - from) * (width - left - 10) / (to - from);
  const ms = (px) => from + (px - left) * (to - from) / (width - left - 10);
  const clamp = (v) => Math.max(-1e5, Math.min(1e5, v));
  function draw() {
    for (const it of items) {
      const a = clamp(x(Number(it.dataset.a))), b = clamp(x(Number(it.dataset.b)));
      if (it.tagName === 'rect') { it.setAttribute('x', Math.max(a, left)); it.setAttribute('width', Math.max(b < left ? 0 : 2, b - Math.max(a, left))); }
      else if (it.tagName === 'line') { it.setAttribute('x1', a); it.setAttribute('x2', b); it.style.visibility = Math.max(a, b) < left ? 'hidden' : ''; }
      else if (it.tagName === 'circle') { it.setAttribute('cx', b); it.style.visibility = b < left ? 'hidden' : ''; }
      else { const at = Math.max(a, left) + 2, room = b - at; it.setAttribute('x', at); it.style.visibility = it.dataset.always || room > 5.6 * it.textContent.length ? (b < left ? 'hidden' : '') : 'hidden'; }
    }
    let step = 10 ** Math.ceil(Math.log10((to - from) / 12)); if ((to - from) / step < 5) step /= 2;
    let text = '';
    for (let t = Math.ceil(from / step) * step; t <= to; t += step)
      text += '<line class="tick" x1="' + x(t) + '" x2="' + x(t) + '" y1="16" y2="' + svg.dataset.height + '"/><text x="' + (x(t) + 2) + '" y="12">' + (step < 1 ? t.toFixed(2) : Math.round(t)) + ' ms</text>';
    ticks.innerHTML = text;
  }
  function zoom(at, by) { from = at - (at - from) * by; to = at + (to - at) * by; if (to - from > end * 1.5) [from, to] = [0, end]; draw(); }
  function move(by) { from += by; to += by; draw(); }
  svg.addEventListener('wheel', (e) => { e.preventDefault(); if (e.shiftKey || Math.abs(e.deltaX) > Math.abs(e.deltaY)) move((to - from) * (e.deltaX || e.deltaY) / 1500);
    else zoom(ms(e.offsetX), e.deltaY > 0 ? 1.25 : 0.8); }, { passive: false });
  let grip = null;
  svg.addEventListener('pointerdown', (e) => { grip = e.clientX; });
  addEventListener('pointerup', () => { grip = null; });
  addEventListener('pointermove', (e) => { if (grip === null) return; move((grip - e.clientX) * (to - from) / (width - left)); grip = e.clientX; });
  svg.addEventListener('dblclick', () => { [from, to] = first; draw(); });
  addEventListener('keydown', (e) => { const span = to - from, mid = (from + to) / 2;
    if (e.key === 'ArrowLeft') move(-span / 8); else if (e.key === 'ArrowRight') move(span / 8); else if (e.key === '+') zoom(mid, 0.7); else if (e.key === '-') zoom(mid, 1.4);
    else if (e.key === '0') { [from, to] = first; draw(); } });
  svg.addEventListener('pointerover', (e) => { const it = e.target.closest('[data-text]'); if (it) about.textContent = it.dataset.text; });
  for (const box of document.querySelectorAll('input')) box.addEventListener('change', () => svg.classList.toggle(box.id, !box.checked));
  function size() { width = Math.max(700, document.documentElement.clientWidth); svg.setAttribute('width', width); draw(); }
  addEventListener('resize', size); size();
})();
`;
