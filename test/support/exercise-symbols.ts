import { ProbeError } from '../../protocol/errors.ts';
import { DebugInfo } from '../../helper/symbols/debug-info.ts';
import { listSourceFiles } from '../../helper/symbols/dwarf/source-list.ts';
import { stripped } from '../../helper/symbols/dwarf/types.ts';
import type { Type } from '../../helper/symbols/dwarf/types.ts';
import { ElfFile } from '../../helper/symbols/elf.ts';

/** Looks at types as deep as a user would. */
function look(type: Type, depth: number): void {
  if (depth === 0) return;
  const inner = stripped(type);
  if (inner.kind === 'struct' || inner.kind === 'class' || inner.kind === 'union') {
    for (const member of inner.members().slice(0, 20)) look(member.type(), depth - 1);
    inner.variants();
  } else if (inner.kind === 'pointer' || inner.kind === 'reference') look(inner.target(), depth - 1);
  else if (inner.kind === 'array') look(inner.element(), depth - 1);
  else if (inner.kind === 'enum') inner.enumerators();
  else if (inner.kind === 'function') inner.parameters();
}

/** Asks everything of a file. Each question may end in a ProbeError, and in nothing else. Returns the errors. */
export async function exercise(bytes: Uint8Array): Promise<ProbeError[]> {
  const refused: ProbeError[] = [];
  const attempt = async (ask: () => unknown): Promise<void> => {
    try {
      await ask();
    } catch (thrown) {
      if (!(thrown instanceof ProbeError)) throw thrown;
      refused.push(thrown);
    }
  };
  let info: DebugInfo | undefined;
  await attempt(async () => {
    info = await DebugInfo.of(ElfFile.fromBytes('damaged', bytes));
  });
  const opened = info;
  if (opened === undefined) return refused;
  const text = opened.elf.section('.text');
  const start = text?.address ?? 0x400000;
  for (let at = 0; at < Math.min(text?.sizeBytes ?? 64, 400); at += 16)
    await attempt(() => opened.frames(start + at));
  await attempt(() => opened.lineSites('tiny.c', 8));
  await attempt(() => opened.functionsAt('tiny.c', 10));
  await attempt(() => [...opened.functions()].length);
  await attempt(() => opened.functionsNamed('scale'));
  await attempt(() => opened.dwarf && listSourceFiles(opened.dwarf));
  await attempt(() => [...(opened.elf.symbols() ?? [])].length);
  await attempt(() => {
    for (const scope of opened.scopesAt(start + 32))
      for (const variable of scope.variables) {
        variable.locations();
        look(variable.type(), 4);
      }
  });
  return refused;
}
