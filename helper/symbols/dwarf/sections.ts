import type { LazyBytes } from '../bytes.ts';
import type { ElfFile } from '../elf.ts';

/** DWARF's sections of one file (DWARF 5 appendix B shows how they refer to one another). */
export interface DwarfSections {
  readonly info: LazyBytes;
  readonly abbrev: LazyBytes;
  /** Version 4 type units. */
  readonly types?: LazyBytes;
  readonly line?: LazyBytes;
  readonly str?: LazyBytes;
  readonly lineStr?: LazyBytes;
  readonly strOffsets?: LazyBytes;
  readonly addr?: LazyBytes;
  readonly aranges?: LazyBytes;
  readonly ranges?: LazyBytes;
  readonly rnglists?: LazyBytes;
  /** Places of variables: large, and inflated only for who asks for values. */
  readonly loc: LazyBytes | undefined;
  readonly loclists: LazyBytes | undefined;
  readonly cuIndex?: LazyBytes;
  readonly tuIndex?: LazyBytes;
}

const names = {
  types: '.debug_types',
  line: '.debug_line',
  str: '.debug_str',
  lineStr: '.debug_line_str',
  strOffsets: '.debug_str_offsets',
  addr: '.debug_addr',
  aranges: '.debug_aranges',
  ranges: '.debug_ranges',
  rnglists: '.debug_rnglists',
} as const;

/** The sections of a file, or undefined when it has no `.debug_info`. `split` takes the `.dwo` ones. */
export function dwarfSections(elf: ElfFile, split: boolean): DwarfSections | undefined {
  const suffix = split ? '.dwo' : '';
  const info = elf.sectionBytes(`.debug_info${suffix}`);
  const abbrev = elf.sectionBytes(`.debug_abbrev${suffix}`);
  if (info === undefined || abbrev === undefined || info.length === 0) return undefined;
  const sections: Partial<Record<string, LazyBytes>> = {};
  for (const [key, name] of Object.entries(names)) {
    const bytes = elf.sectionBytes(`${name}${suffix}`);
    if (bytes !== undefined) sections[key] = bytes;
  }
  if (split) {
    const cuIndex = elf.sectionBytes('.debug_cu_index');
    const tuIndex = elf.sectionBytes('.debug_tu_index');
    if (cuIndex !== undefined) sections['cuIndex'] = cuIndex;
    if (tuIndex !== undefined) sections['tuIndex'] = tuIndex;
  }
  return {
    ...sections,
    info,
    abbrev,
    get loc() {
      return elf.sectionBytes(`.debug_loc${suffix}`);
    },
    get loclists() {
      return elf.sectionBytes(`.debug_loclists${suffix}`);
    },
  };
}
