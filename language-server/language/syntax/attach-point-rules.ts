import type { AttachPoint } from './ast.ts';
import type { ParserState } from './state.ts';

export function checkAttachPoint(p: ParserState, point: AttachPoint, earlier: readonly AttachPoint[]): void {
  void p;
  void point;
  void earlier;
}
