import type { CField, Name } from './ast.ts';

interface Body {
  readonly fields: readonly CField[];
  readonly constants: readonly (Name & { readonly value?: bigint })[];
}

/** The fields or constants between the braces of a C definition: `source` from `start` to `end`. Takes what it understands. */
export function parseCBody(
  source: string,
  keyword: 'struct' | 'union' | 'enum',
  start: number,
  end: number,
): Body {
  const text = blankComments(source.slice(start, end));
  if (keyword === 'enum') return { fields: [], constants: parseConstants(text, start) };
  return { fields: parseFields(text, start, 0), constants: [] };
}

/** Comments and strings as spaces, so that places stay right. */
function blankComments(text: string): string {
  return text.replace(/\/\*[^]*?(?:\*\/|$)|\/\/[^\n]*/g, (comment) => comment.replace(/[^\n]/g, ' '));
}

function parseConstants(text: string, offset: number): (Name & { readonly value?: bigint })[] {
  const constants: (Name & { readonly value?: bigint })[] = [];
  let next: bigint | undefined = 0n;
  for (const match of text.matchAll(/([A-Za-z_]\w*)\s*(?:=\s*([^,]*))?(?:,|$)/g)) {
    const name = match[1] ?? '';
    const start = offset + match.index;
    const written = match[2]?.trim();
    if (written !== undefined) next = integerOf(written);
    const constant = { kind: 'name', start, end: start + name.length, text: name } as const;
    constants.push(next === undefined ? constant : { ...constant, value: next });
    if (next !== undefined) next += 1n;
  }
  return constants;
}

function integerOf(text: string): bigint | undefined {
  const match = /^(-?)\s*(0[xX][0-9a-fA-F]+|[0-9]+)[uUlL]*$/.exec(text);
  if (match === null) return undefined;
  const value = BigInt(
    /^0[0-7]+$/.test(match[2] ?? '') ? `0o${(match[2] ?? '').slice(1)}` : (match[2] ?? '0'),
  );
  return match[1] === '-' ? -value : value;
}

function parseFields(text: string, offset: number, depth: number): CField[] {
  const fields: CField[] = [];
  let from = 0;
  let braces = 0;
  for (let at = 0; at <= text.length; at++) {
    const character = text.charAt(at);
    if (character === '{') braces++;
    else if (character === '}') braces--;
    if ((character === ';' && braces === 0) || at === text.length) {
      const declaration = text.slice(from, at);
      if (declaration.trim() !== '' && depth < 20) addFields(fields, declaration, offset + from, depth);
      from = at + 1;
    }
  }
  return fields;
}

function addFields(fields: CField[], declaration: string, offset: number, depth: number): void {
  const open = declaration.indexOf('{');
  const close = declaration.lastIndexOf('}');
  if (open >= 0 && close > open) {
    const nested = parseFields(declaration.slice(open + 1, close), offset + open + 1, depth + 1);
    const type = declaration.slice(0, open).trim();
    addDeclarators(fields, declaration.slice(close + 1), offset + close + 1, type, nested);
    return;
  }
  const pointer = /^(\s*)(.*?)\(\s*\*\s*([A-Za-z_]\w*)\s*\)\s*\(/s.exec(declaration);
  if (pointer !== null) {
    const [whole, , typeText = '', name = ''] = pointer;
    const start = offset + whole.lastIndexOf(name);
    const span = { start, end: start + name.length };
    fields.push({
      ...span,
      name: { kind: 'name', ...span, text: name },
      typeText: `${typeText.trim()} ()`,
      pointers: 1,
      arraySizes: [],
    });
    return;
  }
  // The type is everything before the last word of the first declarator.
  const first = declaration.split(/[,:[]/, 1)[0] ?? '';
  const match = /^(\s*)(.*?)([\s*]+)([A-Za-z_]\w*)\s*$/s.exec(first);
  if (match === null) return;
  const [, indent = '', type = '', between = ''] = match;
  const declarators = offset + indent.length + type.length;
  const stars = between.replace(/[^*]/g, '');
  addDeclarators(
    fields,
    stars + declaration.slice(indent.length + type.length).replace(/^[\s*]+/, ''),
    declarators + between.length - stars.length,
    type.trim(),
    undefined,
  );
}

function addDeclarators(
  fields: CField[],
  text: string,
  offset: number,
  typeText: string,
  nested: readonly CField[] | undefined,
): void {
  const extra = nested === undefined ? {} : { nested };
  if (text.trim() === '') {
    if (nested !== undefined)
      fields.push({ start: offset, end: offset, typeText, pointers: 0, arraySizes: [], ...extra });
    return;
  }
  for (const match of text.matchAll(
    /\s*(\**)\s*([A-Za-z_]\w*)((?:\s*\[[^\]]*\])*)\s*(?::\s*(\d+))?[^,]*(?:,|$)/g,
  )) {
    const [whole, stars = '', name = '', arrays = '', bits] = match;
    const start = offset + match.index + whole.indexOf(name);
    const end = start + name.length;
    const arraySizes = [...arrays.matchAll(/\[([^\]]*)\]/g)].map((size) => sizeOf(size[1] ?? ''));
    fields.push({
      start,
      end,
      name: { kind: 'name', start, end, text: name },
      typeText,
      pointers: stars.length,
      arraySizes,
      ...(bits === undefined ? {} : { bits: Number(bits) }),
      ...extra,
    });
  }
}

function sizeOf(text: string): number | undefined {
  const value = integerOf(text.trim());
  return value === undefined ? undefined : Number(value);
}
