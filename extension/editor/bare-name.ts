/** `push_back` of `std::vector<int>::push_back(int const&)`, `serve` of Go's `main.(*Server).serve`. */
export function bareName(title: string): string {
  const withoutReceiver = title.replace(/\.\(\*?[\w.]+\)\./, '.');
  const withoutParameters = withoutReceiver.replace(/\s*\([^()]*(?:\([^()]*\)[^()]*)*\)[^)]*$/, '');
  let depth = 0;
  let start = 0;
  for (let at = 0; at < withoutParameters.length; at++) {
    const character = withoutParameters[at];
    if (character === '<') depth++;
    else if (character === '>') depth--;
    else if (depth === 0 && (character === ':' || character === '.')) start = at + 1;
  }
  return (
    withoutParameters
      .slice(start)
      .replace(/<.*$/, '')
      .replace(/^[\s*&]+/, '') || title
  );
}

/**
 * The line (from 1) that names the function above its first measured line: what reads `name(` with the least indentation,
 * the nearest of those; calls of the function stand deeper. Without one, the measured line itself. No language server is
 * asked: there is none in many set-ups, and a profile names functions that it may not know.
 */
export function declarationLine(
  title: string,
  firstLine: number,
  lineCount: number,
  textOf: (line: number) => string,
): number {
  const name = bareName(title.replace(/\.(?:constprop|isra|part|cold)\b.*$/, ''));
  const pattern = new RegExp(`(?:^|[^\\w$])${name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}\\s*[(<\\[]`);
  let found = firstLine;
  let least = Infinity;
  for (let line = Math.min(firstLine, lineCount); line >= 1 && least > 0; line--) {
    const text = textOf(line);
    const indentation = text.search(/\S/);
    if (indentation < 0 || indentation >= least || !pattern.test(text) || /;\s*$/.test(text)) continue;
    least = indentation;
    found = line;
  }
  return found;
}
