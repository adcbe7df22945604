/** Numbers of the DWARF standard (version 5, section 7) with their names there, as far as they are used here. */

export const tags = {
  arrayType: 0x01,
  classType: 0x02,
  enumerationType: 0x04,
  formalParameter: 0x05,
  lexicalBlock: 0x0b,
  member: 0x0d,
  pointerType: 0x0f,
  referenceType: 0x10,
  compileUnit: 0x11,
  stringType: 0x12,
  structureType: 0x13,
  subroutineType: 0x15,
  typedef: 0x16,
  unionType: 0x17,
  unspecifiedParameters: 0x18,
  variant: 0x19,
  inheritance: 0x1c,
  inlinedSubroutine: 0x1d,
  ptrToMemberType: 0x1f,
  subrangeType: 0x21,
  baseType: 0x24,
  constType: 0x26,
  enumerator: 0x28,
  subprogram: 0x2e,
  templateTypeParameter: 0x2f,
  templateValueParameter: 0x30,
  variantPart: 0x33,
  variable: 0x34,
  volatileType: 0x35,
  restrictType: 0x37,
  interfaceType: 0x38,
  namespace: 0x39,
  importedUnit: 0x3d,
  unspecifiedType: 0x3b,
  partialUnit: 0x3c,
  rvalueReferenceType: 0x42,
  typeUnit: 0x41,
  atomicType: 0x47,
  callSite: 0x48,
  callSiteParameter: 0x49,
  skeletonUnit: 0x4a,
  immutableType: 0x4b,
  gnuCallSite: 0x4109,
  gnuCallSiteParameter: 0x410a,
} as const;

export const attributes = {
  sibling: 0x01,
  location: 0x02,
  name: 0x03,
  byteSize: 0x0b,
  bitSize: 0x0d,
  bitOffset: 0x0c,
  stmtList: 0x10,
  lowPc: 0x11,
  highPc: 0x12,
  language: 0x13,
  discr: 0x15,
  discrValue: 0x16,
  compDir: 0x1b,
  constValue: 0x1c,
  containingType: 0x1d,
  inline: 0x20,
  upperBound: 0x2f,
  producer: 0x25,
  prototyped: 0x27,
  returnAddress: 0x2a,
  lowerBound: 0x22,
  abstractOrigin: 0x31,
  artificial: 0x34,
  count: 0x37,
  dataMemberLocation: 0x38,
  declColumn: 0x39,
  declFile: 0x3a,
  declLine: 0x3b,
  declaration: 0x3c,
  encoding: 0x3e,
  external: 0x3f,
  frameBase: 0x40,
  specification: 0x47,
  type: 0x49,
  useLocation: 0x4a,
  virtuality: 0x4c,
  dataLocation: 0x50,
  entryPc: 0x52,
  ranges: 0x55,
  callColumn: 0x57,
  callFile: 0x58,
  callLine: 0x59,
  objectPointer: 0x64,
  signature: 0x69,
  dataBitOffset: 0x6b,
  enumClass: 0x6d,
  linkageName: 0x6e,
  strOffsetsBase: 0x72,
  addrBase: 0x73,
  rnglistsBase: 0x74,
  dwoName: 0x76,
  callReturnPc: 0x7d,
  callValue: 0x7e,
  callOrigin: 0x7f,
  loclistsBase: 0x8c,
  mipsLinkageName: 0x2007,
  gnuCallSiteValue: 0x2111,
  gnuDwoName: 0x2130,
  gnuDwoId: 0x2131,
  gnuRangesBase: 0x2132,
  gnuEntryView: 0x2138,
  gnuAddrBase: 0x2133,
  goKind: 0x2900,
  goElem: 0x2902,
} as const;

export const forms = {
  addr: 0x01,
  block2: 0x03,
  block4: 0x04,
  data2: 0x05,
  data4: 0x06,
  data8: 0x07,
  string: 0x08,
  block: 0x09,
  block1: 0x0a,
  data1: 0x0b,
  flag: 0x0c,
  sdata: 0x0d,
  strp: 0x0e,
  udata: 0x0f,
  refAddr: 0x10,
  ref1: 0x11,
  ref2: 0x12,
  ref4: 0x13,
  ref8: 0x14,
  refUdata: 0x15,
  indirect: 0x16,
  secOffset: 0x17,
  exprloc: 0x18,
  flagPresent: 0x19,
  strx: 0x1a,
  addrx: 0x1b,
  refSup4: 0x1c,
  strpSup: 0x1d,
  data16: 0x1e,
  lineStrp: 0x1f,
  refSig8: 0x20,
  implicitConst: 0x21,
  loclistx: 0x22,
  rnglistx: 0x23,
  refSup8: 0x24,
  strx1: 0x25,
  strx2: 0x26,
  strx3: 0x27,
  strx4: 0x28,
  addrx1: 0x29,
  addrx2: 0x2a,
  addrx3: 0x2b,
  addrx4: 0x2c,
  gnuAddrIndex: 0x1f01,
  gnuStrIndex: 0x1f02,
  gnuRefAlt: 0x1f20,
  gnuStrpAlt: 0x1f21,
} as const;

export const unitTypes = {
  compile: 1,
  type: 2,
  partial: 3,
  skeleton: 4,
  splitCompile: 5,
  splitType: 6,
} as const;

/** DW_LANG codes; gcc and clang know more than version 5 lists. */
export const languages = {
  c89: 0x01,
  c: 0x02,
  cPlusPlus: 0x04,
  c99: 0x0c,
  d: 0x13,
  go: 0x16,
  cPlusPlus11: 0x1a,
  rust: 0x1c,
  c11: 0x1d,
  cPlusPlus14: 0x21,
  cPlusPlus17: 0x2a,
  c17: 0x2c,
  assembler: 0x31,
  mipsAssembler: 0x8001,
} as const;

/** What the source was written in, as far as Probescope treats it differently. */
export type Language = 'c' | 'c++' | 'rust' | 'go' | 'd' | 'assembler' | 'other';

/** The language a DW_AT_language code stands for. */
export function languageOf(code: number): Language {
  switch (code) {
    case 0x01:
    case 0x02:
    case 0x0c:
    case 0x1d:
    case 0x2c:
      return 'c';
    case 0x04:
    case 0x1a:
    case 0x21:
    case 0x2a:
    case 0x2b:
      return 'c++';
    case 0x1c:
      return 'rust';
    case 0x16:
      return 'go';
    case 0x13:
      return 'd';
    case 0x8001:
    case 0x31:
      return 'assembler';
    default:
      return 'other';
  }
}
