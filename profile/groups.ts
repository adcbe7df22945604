import type { FlameGrouping } from '../protocol/flame.ts';
import { frameKinds } from '../protocol/profile.ts';
import type { Profile } from '../protocol/profile.ts';
import { textReader } from './strings.ts';

/** What is one rectangle: frames that agree in what the grouping looks at. Group 0 is the root's. */
export interface Groups {
  /** Group of each frame. */
  readonly ofFrame: Uint32Array;
  readonly name: readonly string[];
  /** The frame that stands for the group: where a click leads. The one with the most weight of its own. */
  readonly frame: Uint32Array;
  readonly kind: Uint8Array;
  /** Every frame is its own group, so that trees need no rebuilding. */
  readonly identity: boolean;
}

const KERNEL = frameKinds.indexOf('kernel');

/** Groups a profile's frames. */
export function groupFrames(profile: Profile, grouping: FlameGrouping): Groups {
  const { frames } = profile;
  const count = frames.name.length;
  const ofFrame = new Uint32Array(count);
  const names: string[] = [''];
  const first: number[] = [0];
  const ids = new Map<string | number, number>();
  const text = textReader(profile.strings);
  const moduleCount = profile.strings.ends.length;
  for (let frame = 1; frame < count; frame++) {
    const name = frames.name[frame]!;
    const module = frames.module[frame]!;
    let key: string | number;
    let label: string | undefined;
    switch (grouping) {
      case 'function':
        // ids stay below 2^26, so that the pair is exact in a double
        key = name * moduleCount + module;
        break;
      case 'line':
        key = `${name} ${module} ${frames.file[frame]!} ${frames.line[frame]!}`;
        label = frames.line[frame] === 0 ? text(name) : `${text(name)}:${frames.line[frame]!}`;
        break;
      case 'file':
        label =
          frames.file[frame] === 0
            ? `(no file) ${moduleLabel(text(module), frames.kind[frame]!)}`
            : nameFirst(text(frames.file[frame]!));
        key = label;
        break;
      case 'module':
        label = moduleLabel(text(module), frames.kind[frame]!);
        key = label;
        break;
      case 'package':
        label = packageOf(text(name), text(frames.file[frame]!), text(module), frames.kind[frame]!);
        key = label;
        break;
    }
    let id = ids.get(key);
    if (id === undefined) {
      id = names.push(label ?? text(name)) - 1;
      first.push(frame);
      ids.set(key, id);
    }
    ofFrame[frame] = id;
  }
  const representative = representatives(profile, ofFrame, first);
  return {
    ofFrame,
    name: names,
    frame: representative,
    kind: Uint8Array.from(representative, (frame) => frames.kind[frame]!),
    identity: names.length === count,
  };
}

function representatives(profile: Profile, ofFrame: Uint32Array, first: readonly number[]): Uint32Array {
  const chosen = Uint32Array.from(first);
  if (first.length === ofFrame.length) return chosen;
  const { frame, self } = profile.nodes;
  const weight = new Float64Array(ofFrame.length);
  for (let i = 0; i < frame.length; i++) weight[frame[i]!]! += self[i]!;
  for (let f = 1; f < ofFrame.length; f++) {
    const group = ofFrame[f]!;
    if (weight[f]! > weight[chosen[group]!]!) chosen[group] = f;
  }
  return chosen;
}

function moduleLabel(module: string, kind: number): string {
  if (kind === KERNEL) return '[kernel]';
  return module === '' ? '(unknown module)' : nameFirst(module);
}

/** A shared library or what the kernel maps like one, by its name: `libc.so.6`, `[vdso]`. A program may lie below a `lib` folder. */
export const isLibrary = (module: string): boolean => /\.so(\.|$)|^\[/.test(module);

/** `libc.so.6 (/usr/lib/libc.so.6)`: what a narrow rectangle shows is the name, not the folder that all have in common. */
function nameFirst(path: string): string {
  const name = path.slice(path.lastIndexOf('/') + 1);
  return name === '' || name === path ? path : `${name} (${path})`;
}

/**
 * The package a function belongs to: the kernel, a Go import path, a C++ or Rust namespace, a Java package, the folder of its
 * source, or the library, whichever is found first. A name, to group by; nothing is looked up with it.
 */
export function packageOf(name: string, file: string, module: string, kind: number): string {
  if (kind === KERNEL) return '[kernel]';
  const plain = name.replace(/\(.*$|<.*$/s, '');
  const go = /^([\w.~-]+(?:\/[\w.~-]+)+)\.[\w(*]/.exec(plain);
  if (go) {
    const path = go[1]!;
    const slash = path.lastIndexOf('/');
    const dot = path.indexOf('.', slash);
    return dot < 0 ? path : path.slice(0, dot);
  }
  const namespace = /^(?:\w+ )*([\w$]+)::/.exec(plain);
  if (namespace) return namespace[1]!;
  const java = /^((?:[a-z][\w$]*[./])+)[A-Z][\w$]*[.:]/.exec(plain);
  if (java) return java[1]!.replaceAll('/', '.').slice(0, -1);
  if (file !== '') return file.includes('/') ? file.slice(0, Math.max(1, file.lastIndexOf('/'))) : file;
  if (module === '') return '(unknown package)';
  const base = module.slice(module.lastIndexOf('/') + 1);
  return base.replace(/\.so(\.[\d.]+)?$/, '') || module;
}
