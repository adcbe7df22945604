// When a page has painted all of its first picture: one measure for canvas, WebGL and SVG, so that all pages are waited for alike.
import { setTimeout } from 'node:timers/promises';
import type { Page } from 'playwright-core';

/** A picture is complete when nothing has been painted for this long; the wait itself is not counted. */
const QUIET_MS = 500;

/**
 * Script for a page, before its own: notes when something is drawn on a canvas or changed in the document, and the next frame after
 * it, which is when it can be seen. `startPaints()` begins anew; `paints` holds `began`, `last` and `seen` (ms), and how often WebGL drew.
 */
export const watchPaints = `(() => {
  const paints = (window.paints = { began: 0, last: 0, seen: 0, gl: 0 });
  let asked = false;
  // once a frame: what a call costs here, the page would seem to take
  const note = () => {
    if (asked) return;
    asked = true;
    paints.last = performance.now();
    requestAnimationFrame(() => { asked = false; paints.seen = performance.now(); });
  };
  const wrap = (prototype, names, noted = note) => {
    for (const name of names) {
      const original = prototype?.[name];
      if (original) prototype[name] = function () { noted(); return original.apply(this, arguments); };
    }
  };
  const gl = ['drawArrays', 'drawElements', 'drawArraysInstanced', 'drawElementsInstanced'];
  const noteGl = () => { paints.gl++; note(); };
  wrap(window.WebGLRenderingContext?.prototype, gl, noteGl);
  wrap(window.WebGL2RenderingContext?.prototype, gl, noteGl);
  // only what ends a path or draws at once: a wrapped rect() would be paid per rectangle
  wrap(CanvasRenderingContext2D.prototype, ['fill', 'stroke', 'fillRect', 'drawImage']);
  new MutationObserver(note).observe(document, { subtree: true, childList: true, attributes: true });
  window.startPaints = () => Object.assign(paints, { began: performance.now(), last: 0, seen: 0, gl: 0 });
})()`;

/** Milliseconds from `startPaints()` to the first complete picture; `shows` says, in the page, that it is the picture. */
export async function firstPaint(page: Page, shows: string, timeoutMs: number): Promise<number> {
  // by evaluation from outside: a page's content security policy forbids playwright's own waiting
  const done = `paints.began > 0 && paints.last > 0 && paints.seen >= paints.last && performance.now() - paints.seen > ${QUIET_MS} && (${shows})`;
  for (const until = Date.now() + timeoutMs; !(await page.evaluate<boolean>(done));) {
    if (Date.now() > until) throw new Error(`nothing complete was painted in ${timeoutMs / 1000} s`);
    await setTimeout(100);
  }
  return page.evaluate<number>('paints.seen - paints.began');
}
