/** Operators between two operands of an expression that can be overloaded. */
const overloadedBinary = {
  aN: '&=',
  aS: '=',
  aa: '&&',
  an: '&',
  cm: ',',
  dV: '/=',
  dv: '/',
  eO: '^=',
  eo: '^',
  eq: '==',
  ge: '>=',
  gt: '>',
  lS: '<<=',
  le: '<=',
  ls: '<<',
  lt: '<',
  mI: '-=',
  mL: '*=',
  mi: '-',
  ml: '*',
  ne: '!=',
  oR: '|=',
  oo: '||',
  or: '|',
  pL: '+=',
  pl: '+',
  rM: '%=',
  rS: '>>=',
  rm: '%',
  rs: '>>',
  ss: '<=>',
};

/** Operators between two operands of an expression (Itanium C++ ABI section 5.1.3.3). */
export const binaryOperators: ReadonlyMap<string, string> = new Map(
  Object.entries({ ...overloadedBinary, ds: '.*' }),
);

const prefix = { ad: '&', co: '~', de: '*', ng: '-', nt: '!', ps: '+' };

/** Operators before their operand. */
export const prefixOperators: ReadonlyMap<string, string> = new Map(Object.entries(prefix));

/** `<operator-name>` as part of a name. */
export const operatorNames: ReadonlyMap<string, string> = new Map(
  Object.entries({
    ...overloadedBinary,
    ...prefix,
    aw: ' co_await',
    cl: '()',
    da: ' delete[]',
    dl: ' delete',
    ix: '[]',
    mm: '--',
    na: ' new[]',
    nw: ' new',
    pm: '->*',
    pp: '++',
    pt: '->',
    qu: '?',
  }).map(([code, sign]) => [code, `operator${sign}`]),
);
