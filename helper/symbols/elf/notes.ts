/** One note: its owner, type and description (gABI chapter 5, "Note Section"). */
export interface Note {
  readonly owner: string;
  readonly type: number;
  readonly description: Uint8Array;
  /** Offset of `description` in the bytes that were given. */
  readonly offset: number;
}

export const NT_GNU_BUILD_ID = 3;

/** Splits a note section. A note that runs over the end ends the list: a damaged note hides no others before it. */
export function parseNotes(bytes: Uint8Array, alignment: number): Note[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const pad = alignment === 8 ? 8 : 4;
  const notes: Note[] = [];
  let at = 0;
  while (at + 12 <= bytes.length) {
    const nameSize = view.getUint32(at, true);
    const descriptionSize = view.getUint32(at + 4, true);
    const type = view.getUint32(at + 8, true);
    const offset = Math.ceil((at + 12 + nameSize) / pad) * pad;
    const end = offset + descriptionSize;
    if (end > bytes.length) break;
    const owner = Buffer.from(bytes.subarray(at + 12, at + 12 + Math.max(0, nameSize - 1))).toString(
      'latin1',
    );
    notes.push({ owner, type, description: bytes.subarray(offset, end), offset });
    at = Math.ceil(end / pad) * pad;
  }
  return notes;
}
