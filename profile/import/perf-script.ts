import { ProfileBuilder } from '../builder.ts';
import { kindOfModule, withoutOffset } from './frame-text.ts';
import type { Imported } from './notes.ts';
import { finishImport, ImportNotes } from './notes.ts';

/** `comm pid/tid [cpu] seconds.fraction: period event:`; all but comm, id and event may be missing. */
const header =
  /^(\S.*?)\s+(-?\d+)(?:\/(-?\d+))?\s+(?:\[(\d+)\]\s+)?(?:(\d+)\.(\d+):\s+)?(?:(\d+)\s+)?(\S+?):\s*(?:[0-9a-f]+\s.*)?$/;
const frameLine = /^\s+([0-9a-f]+)\s+(.*?)(?:\s+\((.*)\))?$/;
const sourceLine = /^\s+(\S.*?):(\d+)( \(inlined\))?$/;

interface PendingFrame {
  name: string;
  module: string;
  file?: string;
  line?: number;
}

/**
 * Reads what `perf script` prints, line by line: with `-F +srcline` the line after a frame names its place. The command is the
 * outermost frame, as in stackcollapse-perf.pl; every sample counts 1.
 */
export class PerfScriptImporter {
  readonly builder: ProfileBuilder;
  readonly notes = new ImportNotes();
  #line = 0;
  #sample: { comm: string; pid: number; tid: number; timeNs: number } | undefined;
  /** Innermost first, as printed. */
  readonly #frames: PendingFrame[] = [];
  #startNs: number | undefined;
  #lastNs = 0;
  #hadStack = false;

  constructor(title: string) {
    this.builder = new ProfileBuilder(title, 'samples');
  }

  pushLine(text: string): void {
    this.#line++;
    if (text.trim() === '') {
      this.#flush();
      return;
    }
    if (text.startsWith('#')) return;
    if (/^\s/.test(text)) {
      this.#frame(text);
      return;
    }
    this.#flush();
    const found = header.exec(text);
    if (found === null) {
      this.notes.add(`line ${this.#line}`, `“${text.slice(0, 60)}” is neither a sample nor a frame`);
      return;
    }
    const [, comm, first, second, , seconds, fraction] = found;
    const pid = Number(first);
    const tid = second === undefined ? pid : Number(second);
    const timeNs =
      seconds === undefined ? 0 : Number(seconds) * 1e9 + Number(fraction!.padEnd(9, '0').slice(0, 9));
    this.#sample = { comm: comm!, pid, tid, timeNs };
  }

  finish(): Imported {
    this.#flush();
    if (this.#startNs !== undefined) this.builder.durationNs = this.#lastNs - this.#startNs;
    return finishImport(this.builder.build(), this.notes, 'output of perf script');
  }

  #frame(text: string): void {
    if (this.#sample === undefined) {
      this.notes.add(`line ${this.#line}`, 'a frame without a sample above it');
      return;
    }
    const found = frameLine.exec(text);
    if (found !== null) {
      const [, address, symbol, module] = found;
      const plain = withoutOffset(symbol!.trim());
      this.#frames.push({
        name: plain === '[unknown]' || plain === '' ? `0x${address!}` : plain,
        module: module ?? '',
      });
      return;
    }
    const last = this.#frames.at(-1);
    const place = sourceLine.exec(text);
    if (last !== undefined && place !== null) {
      // where places are printed, perf marks inlined frames here and not beside the symbol
      if (place[3] !== undefined) last.module = 'inlined';
      if (!place[1]!.startsWith('??')) {
        last.file = place[1]!;
        last.line = Number(place[2]);
      }
    } else if (!/^\s+((?:\?\?)?:0|\S+\[[0-9a-f]+\]|\S+\+0x[0-9a-f]+)$/.test(text))
      // perf prints `module[address]`, `??:0` or `:0` where it knows no line
      this.notes.add(`line ${this.#line}`, `“${text.trim().slice(0, 60)}” is no frame`);
  }

  #flush(): void {
    const sample = this.#sample;
    if (sample === undefined) return;
    this.#sample = undefined;
    const { builder } = this;
    const frames = [builder.frame({ name: sample.comm })];
    for (let i = this.#frames.length - 1; i >= 0; i--) {
      const frame = this.#frames[i]!;
      const inlined = frame.module === 'inlined';
      // an inlined frame is in the module of the frame that it was inlined into
      const host = inlined
        ? this.#frames.slice(i + 1).find((each) => each.module !== 'inlined')?.module
        : frame.module;
      const module = host === undefined || host === '[unknown]' ? '' : host;
      const kind = kindOfModule(module);
      frames.push(
        builder.frame({
          name: frame.name,
          module,
          file: frame.file,
          line: frame.line,
          kind: inlined && kind !== 'kernel' ? 'inlined' : kind,
        }),
      );
    }
    this.#hadStack ||= this.#frames.length > 0;
    this.#frames.length = 0;
    this.#startNs ??= sample.timeNs;
    this.#lastNs = Math.max(this.#lastNs, sample.timeNs);
    const thread = builder.thread({ pid: sample.pid, tid: sample.tid, name: sample.comm });
    // buffers of several CPUs are merged by perf, so that hardly anything comes before the first sample
    builder.sample(builder.stack(frames), 1, Math.max(0, sample.timeNs - this.#startNs), thread);
  }
}
