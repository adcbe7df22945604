import { demangleItanium } from './itanium.ts';
import { demangleRust } from './rust.ts';

/** `people`: Rust without hashes and escapes. `llvm`: to the letter what llvm-symbolizer 14 prints. */
export type DemangleStyle = 'people' | 'llvm';

const known: Record<DemangleStyle, Map<string, string>> = { people: new Map(), llvm: new Map() };
/** Names remembered; a browser's debug information has millions. */
const MOST_KNOWN = 200_000;

/** A linkage name as the source has it: C++ with parameters, Rust with its path. Other names come back as they are. */
export function demangle(name: string, style: DemangleStyle = 'people'): string {
  if (!name.startsWith('_')) return name;
  const names = known[style];
  let text = names.get(name);
  if (text === undefined) {
    if (names.size >= MOST_KNOWN) names.clear();
    names.set(name, (text = style === 'llvm' ? likeLlvm(name) : forPeople(name)));
  }
  return text;
}

/** Rust's legacy scheme is Itanium's with a hash of 16 digits as the last component. */
const legacyRust = /17h[0-9a-f]{16}E(\.|$)/;

function forPeople(name: string): string {
  if (name.startsWith('_R')) return demangleRust(name) ?? name;
  if (!name.startsWith('_Z') && !name.startsWith('__Z')) return name;
  if (legacyRust.test(name)) return demangleRust(name) ?? name;
  return demangleItanium(name) ?? name;
}

function likeLlvm(name: string): string {
  if (!name.startsWith('_R')) return demangleItanium(name, true) ?? name;
  const dot = name.indexOf('.');
  const text = demangleRust(dot < 0 ? name : name.slice(0, dot));
  if (text === undefined) return name;
  return dot < 0 ? text : `${text} (${name.slice(dot)})`;
}
